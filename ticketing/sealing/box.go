package sealing

import (
	"crypto/aes"
	"crypto/cipher"
	"crypto/hkdf"
	"crypto/rand"
	"crypto/sha256"
	"errors"
	"fmt"

	"github.com/emmansun/gmsm/sm4"
)

// ErrBroken says that something sealed does not open: it was changed, belongs to
// something else, or was sealed with another key.
var ErrBroken = errors.New("sealing: what is sealed does not open")

// KeySize is the length of a key in octets, for both ciphers.
const KeySize = 32

// Cipher is how something is sealed.
type Cipher byte

// The ciphers.
const (
	AES Cipher = 1 // AES-256-GCM
	SM4 Cipher = 2 // SM4-GCM, the commercial cipher of GB/T 32907
)

// ParseCipher reads a cipher's name.
func ParseCipher(name string) (Cipher, error) {
	switch name {
	case "aes-256-gcm":
		return AES, nil
	case "sm4-gcm":
		return SM4, nil
	}
	return 0, fmt.Errorf("%q is no cipher: give aes-256-gcm or sm4-gcm", name)
}

// NewKey makes a random key.
func NewKey() []byte {
	key := make([]byte, KeySize)
	_, _ = rand.Read(key) // never fails (crypto/rand)
	return key
}

func (c Cipher) aead(key []byte) (cipher.AEAD, error) {
	if len(key) != KeySize {
		return nil, fmt.Errorf("sealing: a key has %d octets", KeySize)
	}
	var block cipher.Block
	var err error
	switch c {
	case AES:
		block, err = aes.NewCipher(key)
	case SM4:
		var own []byte // of its own: no key serves two ciphers
		if own, err = hkdf.Key(sha256.New, key, nil, "hotline sm4", sm4.BlockSize); err == nil {
			block, err = sm4.NewCipher(own)
		}
	default:
		return nil, ErrBroken
	}
	if err != nil {
		return nil, fmt.Errorf("sealing: %w", err)
	}
	return cipher.NewGCM(block)
}

// Seal puts something small into a box; about is what it belongs to and is not kept.
func (c Cipher) Seal(key, plain []byte, about string) ([]byte, error) {
	box, err := c.aead(key)
	if err != nil {
		return nil, err
	}
	head := 1 + box.NonceSize()
	out := make([]byte, head, head+len(plain)+box.Overhead())
	out[0] = byte(c)
	_, _ = rand.Read(out[1:]) // never fails (crypto/rand)
	return box.Seal(out, out[1:head], plain, []byte(about)), nil
}

// Open takes it out again. Errors: ErrBroken.
func Open(key, sealed []byte, about string) ([]byte, error) {
	if len(sealed) == 0 {
		return nil, ErrBroken
	}
	box, err := Cipher(sealed[0]).aead(key)
	if err != nil {
		return nil, err
	}
	rest := sealed[1:]
	if len(rest) < box.NonceSize() {
		return nil, ErrBroken
	}
	plain, err := box.Open(nil, rest[:box.NonceSize()], rest[box.NonceSize():], []byte(about))
	if err != nil {
		return nil, ErrBroken
	}
	return plain, nil
}
