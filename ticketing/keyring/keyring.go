package keyring

import (
	"crypto/aes"
	"crypto/cipher"
	"crypto/hkdf"
	"crypto/rand"
	"crypto/sha256"
	"encoding/hex"
	"errors"
	"fmt"
	"io/fs"
	"os"
	"path/filepath"
	"slices"
	"strings"
)

// ErrKey says that a key is not one.
var ErrKey = errors.New("a key is 64 hexadecimal digits, as openssl rand -hex 32 prints them; the file has one on each line, the present one first")

const keySize = 32

type master struct {
	name string
	bits []byte
	made map[string][]byte // purpose → derived key
}

// Ring is the master keys of an installation, the present one first.
type Ring struct{ list []master }

// purposes of derived keys.
const (
	forLedger = "hotline ledger"
	forTokens = "hotline tokens"
	forKeys   = "hotline keys"
)

// Parse reads keys, separated by commas or line breaks. Errors: ErrKey.
func Parse(text string) (*Ring, error) {
	r := &Ring{}
	for _, word := range strings.FieldsFunc(text, func(c rune) bool { return c == ',' || c == '\n' || c == '\r' || c == ' ' }) {
		raw, err := hex.DecodeString(word)
		if err != nil || len(raw) != keySize || slices.Max(raw) == 0 {
			return nil, ErrKey // without the cause, which would quote it
		}
		m, err := newMaster(raw)
		if err != nil {
			return nil, err
		}
		r.list = append(r.list, m)
	}
	if len(r.list) == 0 {
		return nil, ErrKey
	}
	return r, nil
}

func newMaster(raw []byte) (master, error) {
	sum := sha256.Sum256(append([]byte("hotline key "), raw...))
	m := master{name: hex.EncodeToString(sum[:8]), bits: raw, made: map[string][]byte{}}
	for _, purpose := range []string{forLedger, forTokens, forKeys} {
		key, err := hkdf.Key(sha256.New, raw, nil, purpose, keySize)
		if err != nil {
			return m, fmt.Errorf("keyring: %w", err)
		}
		m.made[purpose] = key
	}
	return m, nil
}

// Random makes a ring of one new key.
func Random() (*Ring, error) {
	raw := make([]byte, keySize)
	_, _ = rand.Read(raw) // never fails (crypto/rand)
	m, err := newMaster(raw)
	return &Ring{list: []master{m}}, err
}

// Open reads the keys of a file; where there is none it makes one with a new
// key, which nobody but the file's owner may read.
func Open(path string) (*Ring, error) {
	raw, err := os.ReadFile(path)
	switch {
	case errors.Is(err, fs.ErrNotExist):
		return create(path)
	case err != nil:
		return nil, fmt.Errorf("the key file cannot be read: %w", err)
	}
	r, err := Parse(string(raw))
	if err != nil {
		return nil, fmt.Errorf("key file %s: %w", path, err)
	}
	return r, nil
}

// Renew puts a new key in front of those of a file, and tells its fingerprint.
func Renew(path string) (string, error) {
	had, err := os.ReadFile(path)
	if err != nil {
		return "", fmt.Errorf("the key file cannot be read: %w", err)
	}
	if _, err := Parse(string(had)); err != nil {
		return "", fmt.Errorf("key file %s: %w", path, err)
	}
	r, err := Random()
	if err != nil {
		return "", err
	}
	temp, err := written(path, hex.EncodeToString(r.list[0].bits)+"\n"+string(had))
	if err != nil {
		return "", err
	}
	if err := os.Rename(temp, path); err != nil {
		return "", errors.Join(fmt.Errorf("the key file cannot be replaced: %w", err), os.Remove(temp))
	}
	return r.Current(), nil
}

// Names are the fingerprints of the keys, the present one's first.
func (r *Ring) Names() []string {
	names := make([]string, len(r.list))
	for i, m := range r.list {
		names[i] = m.name
	}
	return names
}

// written is a file beside another with a text on the disk, which nobody but its owner may read.
func written(path, text string) (string, error) {
	temp, err := os.CreateTemp(filepath.Dir(path), ".keys-*") // mode 0600
	if err != nil {
		return "", fmt.Errorf("the key file cannot be made: %w", err)
	}
	_, err = temp.WriteString(text)
	if err = errors.Join(err, temp.Sync(), temp.Close()); err != nil {
		return "", errors.Join(fmt.Errorf("the key file cannot be written: %w", err), os.Remove(temp.Name()))
	}
	return temp.Name(), nil
}

// create writes a new key whole or not at all: another process may start now.
func create(path string) (*Ring, error) {
	r, err := Random()
	if err != nil {
		return nil, err
	}
	temp, err := written(path, hex.EncodeToString(r.list[0].bits)+"\n")
	if err != nil {
		return nil, err
	}
	defer func() { _ = os.Remove(temp) }()
	switch err := os.Link(temp, path); {
	case errors.Is(err, fs.ErrExist):
		return Open(path)
	case err != nil:
		return nil, fmt.Errorf("the key file cannot be made: %w", err)
	}
	return r, nil
}

// Current is the fingerprint of the present key.
func (r *Ring) Current() string { return r.list[0].name }

// Ledger is the key for the hashes of the ledger.
func (r *Ring) Ledger(name string) ([]byte, bool) { return r.derived(name, forLedger) }

func (r *Ring) derived(name, purpose string) ([]byte, bool) {
	for _, m := range r.list {
		if m.name == name {
			return m.made[purpose], true
		}
	}
	return nil, false
}

// String hides the keys.
func (r *Ring) String() string { return fmt.Sprintf("%d keys", len(r.list)) }

// GoString hides the keys.
func (r *Ring) GoString() string { return r.String() }

// Seal encrypts something small under the present key (AES-256-GCM); about is
// what it belongs to and is not kept: it opens with the same about alone.
func (r *Ring) Seal(plain []byte, about string) ([]byte, error) {
	m := r.list[0]
	box, err := sealer(m.made[forTokens])
	if err != nil {
		return nil, err
	}
	out := []byte(m.name)
	nonce := make([]byte, box.NonceSize())
	_, _ = rand.Read(nonce) // never fails (crypto/rand)
	return box.Seal(append(out, nonce...), nonce, plain, []byte(about)), nil
}

// ErrSealed says that a sealed value does not open: it was changed, belongs to
// something else, or its key is not among those given.
var ErrSealed = errors.New("keyring: the sealed value does not open")

const nameSize = 16 // hexadecimal digits

// Open is the opposite of Seal. Errors: ErrSealed.
func (r *Ring) Open(sealed []byte, about string) ([]byte, error) {
	if len(sealed) < nameSize {
		return nil, ErrSealed
	}
	key, known := r.derived(string(sealed[:nameSize]), forTokens)
	if !known {
		return nil, ErrSealed
	}
	box, err := sealer(key)
	if err != nil {
		return nil, err
	}
	rest := sealed[nameSize:]
	if len(rest) < box.NonceSize() {
		return nil, ErrSealed
	}
	plain, err := box.Open(nil, rest[:box.NonceSize()], rest[box.NonceSize():], []byte(about))
	if err != nil {
		return nil, ErrSealed
	}
	return plain, nil
}

func sealer(key []byte) (cipher.AEAD, error) {
	block, err := aes.NewCipher(key)
	if err != nil {
		return nil, fmt.Errorf("keyring: %w", err)
	}
	return cipher.NewGCM(block)
}
