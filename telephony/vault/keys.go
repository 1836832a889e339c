package vault

import (
	"bytes"
	"crypto/aes"
	"crypto/cipher"
	"crypto/hkdf"
	"crypto/sha256"
	"encoding/hex"
	"errors"
	"fmt"
	"slices"
	"strings"
)

// Errors of the package. They are wrapped; compare with errors.Is.
var (
	// ErrKey says that a key is not one.
	ErrKey = errors.New("vault: a key is 64 hexadecimal digits, as openssl rand -hex 32 prints them")
	// ErrUnknownKey says that the file's key is not among those given: name it as an old key.
	ErrUnknownKey = errors.New("vault: the file was sealed with a key that is not configured")
	// ErrBroken says that the file was changed or cut in a chunk.
	ErrBroken = errors.New("vault: the sealed file is broken")
)

const (
	keySize   = 32
	nameSize  = 8
	saltSize  = 32
	nonceSize = 12
	tagSize   = 16
	chunkSize = 4096
	sealSize  = nonceSize + chunkSize + tagSize
	headSize  = 8 + nameSize + saltSize
)

var magic = []byte("HLSEAL1\n")

// key is a master key and its fingerprint.
type key struct {
	name [nameSize]byte
	bits [keySize]byte
}

// Keys are the keys of the house: new files are sealed with the first, old files opened with any. The zero value, and nil, seal nothing.
type Keys struct{ list []key }

// ParseKeys reads keys, separated by commas: the present one, then those that were used before. Errors: ErrKey.
func ParseKeys(text string) (*Keys, error) {
	k := &Keys{}
	for word := range strings.SplitSeq(text, ",") {
		word = strings.TrimSpace(word)
		if word == "" {
			continue
		}
		raw, err := hex.DecodeString(word)
		if err != nil || len(raw) != keySize || slices.Max(raw) == 0 {
			return nil, ErrKey // without the cause, which would quote it
		}
		one := key{}
		copy(one.bits[:], raw)
		sum := sha256.Sum256(append([]byte("hotline recording key "), raw...))
		copy(one.name[:], sum[:])
		k.list = append(k.list, one)
	}
	return k, nil
}

// Name is the fingerprint of the key that new files are sealed with; "" when they are not.
func (k *Keys) Name() string {
	if k == nil || len(k.list) == 0 {
		return ""
	}
	return hex.EncodeToString(k.list[0].name[:])
}

// String hides the keys.
func (k *Keys) String() string { return fmt.Sprintf("%d keys", len(k.list)) }

// GoString hides the keys.
func (k *Keys) GoString() string { return k.String() }

// sealer makes the cipher of a file whose head is given.
func (k *Keys) sealer(head []byte) (cipher.AEAD, error) {
	name, salt := head[len(magic):len(magic)+nameSize], head[len(magic)+nameSize:headSize]
	if k != nil {
		for _, one := range k.list {
			if bytes.Equal(one.name[:], name) {
				return newSealer(one, salt)
			}
		}
	}
	return nil, fmt.Errorf("%w (fingerprint %x)", ErrUnknownKey, name)
}

func newSealer(one key, salt []byte) (cipher.AEAD, error) {
	bits, err := hkdf.Key(sha256.New, one.bits[:], salt, "hotline recording", keySize)
	if err != nil {
		return nil, fmt.Errorf("vault: %w", err)
	}
	block, err := aes.NewCipher(bits)
	if err != nil {
		return nil, fmt.Errorf("vault: %w", err)
	}
	sealer, err := cipher.NewGCM(block)
	if err != nil {
		return nil, fmt.Errorf("vault: %w", err)
	}
	return sealer, nil
}
