package web

import (
	"context"
	"crypto/rand"
	"crypto/subtle"
	"encoding/base64"
	"errors"
	"fmt"
	"strings"

	"golang.org/x/crypto/argon2"
)

// Parameters of new hashes: OWASP's recommendation for argon2id.
const (
	argonMemory  = 19 * 1024 // KiB
	argonTime    = 2
	argonThreads = 1
	argonKeyLen  = 32
	argonSaltLen = 16

	maxPassword = 256 // bytes
)

var errBadHash = errors.New("web: not an argon2id hash in PHC form")

// HashPassword makes an argon2id hash in PHC form.
func HashPassword(password string) (string, error) {
	if password == "" || len(password) > maxPassword {
		return "", fmt.Errorf("web: a password has 1 to %d bytes", maxPassword)
	}
	salt := make([]byte, argonSaltLen)
	if _, err := rand.Read(salt); err != nil {
		return "", fmt.Errorf("web: salt: %w", err)
	}
	key := argon2.IDKey([]byte(password), salt, argonTime, argonMemory, argonThreads, argonKeyLen)
	b64 := base64.RawStdEncoding
	return fmt.Sprintf("$argon2id$v=%d$m=%d,t=%d,p=%d$%s$%s",
		argon2.Version, argonMemory, argonTime, argonThreads, b64.EncodeToString(salt), b64.EncodeToString(key)), nil
}

// checkPassword says whether the password belongs to the hash. Hashes whose
// parameters would cost too much are refused, so that a planted one cannot
// exhaust the memory.
func checkPassword(hash, password string) (bool, error) {
	parts := strings.Split(hash, "$")
	if len(parts) != 6 || parts[0] != "" || parts[1] != "argon2id" {
		return false, errBadHash
	}
	var version int
	var memory, passes uint32
	var threads uint8
	if _, err := fmt.Sscanf(parts[2], "v=%d", &version); err != nil || version != argon2.Version {
		return false, errBadHash
	}
	if _, err := fmt.Sscanf(parts[3], "m=%d,t=%d,p=%d", &memory, &passes, &threads); err != nil {
		return false, errBadHash
	}
	salt, err := base64.RawStdEncoding.DecodeString(parts[4])
	if err != nil {
		return false, errBadHash
	}
	want, err := base64.RawStdEncoding.DecodeString(parts[5])
	if err != nil {
		return false, errBadHash
	}
	if memory < 8 || memory > 256*1024 || passes < 1 || passes > 16 || threads < 1 || threads > 16 ||
		len(salt) < 8 || len(want) < 16 || len(want) > 64 {
		return false, errBadHash
	}
	got := argon2.IDKey([]byte(password), salt, passes, memory, threads, uint32(len(want)))
	return subtle.ConstantTimeCompare(got, want) == 1, nil
}

// verifier checks passwords, a bounded number at a time: each costs 19 MiB and
// some 30 ms of a core.
type verifier struct {
	slots chan struct{}
	dummy string // hash of a password that nobody has
}

func newVerifier(atOnce int) (*verifier, error) {
	secret := make([]byte, 24)
	if _, err := rand.Read(secret); err != nil {
		return nil, fmt.Errorf("web: random: %w", err)
	}
	dummy, err := HashPassword(base64.RawURLEncoding.EncodeToString(secret))
	if err != nil {
		return nil, err
	}
	return &verifier{slots: make(chan struct{}, atOnce), dummy: dummy}, nil
}

// check takes as long for an unknown user (hash "") as for a known one.
func (v *verifier) check(ctx context.Context, hash, password string) (bool, error) {
	select {
	case v.slots <- struct{}{}:
		defer func() { <-v.slots }()
	case <-ctx.Done():
		return false, ctx.Err()
	}
	if hash == "" {
		_, err := checkPassword(v.dummy, password)
		return false, err
	}
	return checkPassword(hash, password)
}
