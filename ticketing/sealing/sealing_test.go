package sealing_test

import (
	"bytes"
	"crypto/rand"
	"errors"
	"io"
	"testing"

	"pgregory.net/rapid"

	"hotline/ticketing/sealing"
)

func ciphers() map[string]sealing.Cipher {
	return map[string]sealing.Cipher{"aes-256-gcm": sealing.AES, "sm4-gcm": sealing.SM4}
}

func TestCipherNames(t *testing.T) {
	for name, want := range ciphers() {
		if got, err := sealing.ParseCipher(name); err != nil || got != want {
			t.Errorf("%s: %v, %v", name, got, err)
		}
	}
	if _, err := sealing.ParseCipher("des"); err == nil {
		t.Error("des was taken")
	}
}

func TestBoxOpensOnlyWithItsKeyAndPlace(t *testing.T) {
	for name, c := range ciphers() {
		t.Run(name, func(t *testing.T) {
			rapid.Check(t, func(t *rapid.T) {
				key, plain := sealing.NewKey(), rapid.SliceOfN(rapid.Byte(), 0, 300).Draw(t, "plain")
				box, err := c.Seal(key, plain, "ticket 1")
				if err != nil {
					t.Fatal(err)
				}
				if got, err := sealing.Open(key, box, "ticket 1"); err != nil || !bytes.Equal(got, plain) {
					t.Fatalf("%x, %v", got, err)
				}
				if _, err := sealing.Open(key, box, "ticket 2"); !errors.Is(err, sealing.ErrBroken) {
					t.Fatalf("opened elsewhere: %v", err)
				}
				if _, err := sealing.Open(sealing.NewKey(), box, "ticket 1"); !errors.Is(err, sealing.ErrBroken) {
					t.Fatalf("opened with another key: %v", err)
				}
				at := rapid.IntRange(0, len(box)-1).Draw(t, "at")
				box[at] ^= byte(1 << rapid.IntRange(0, 7).Draw(t, "bit"))
				if _, err := sealing.Open(key, box, "ticket 1"); !errors.Is(err, sealing.ErrBroken) {
					t.Fatalf("opened although changed at %d: %v", at, err)
				}
			})
		})
	}
	if _, err := sealing.Open(sealing.NewKey(), nil, ""); !errors.Is(err, sealing.ErrBroken) {
		t.Error(err)
	}
}

type file struct{ *bytes.Reader }

func (file) Close() error { return nil }

func stream(t *testing.T, c sealing.Cipher, key, plain []byte) []byte {
	t.Helper()
	r, err := sealing.NewReader(c, key, "person", bytes.NewReader(plain))
	if err != nil {
		t.Fatal(err)
	}
	sealed, err := io.ReadAll(r)
	if err != nil {
		t.Fatal(err)
	}
	return sealed
}

func TestStreamReadsFromAnyPlace(t *testing.T) {
	for name, c := range ciphers() {
		for _, size := range []int{0, 1, 65535, 65536, 65537, 3*65536 + 77} {
			key, plain := sealing.NewKey(), make([]byte, size)
			_, _ = rand.Read(plain)
			sealed := stream(t, c, key, plain)
			owner, ok, err := sealing.Owner(bytes.NewReader(sealed))
			if err != nil || !ok || owner != "person" {
				t.Fatalf("%s %d: owner %q, %v, %v", name, size, owner, ok, err)
			}
			s, err := sealing.OpenStream(key, file{bytes.NewReader(sealed)})
			if err != nil || s.Size() != int64(size) {
				t.Fatalf("%s %d: %d, %v", name, size, s.Size(), err)
			}
			if got, err := io.ReadAll(s); err != nil || !bytes.Equal(got, plain) {
				t.Fatalf("%s %d: read %d, %v", name, size, len(got), err)
			}
			for _, at := range []int{0, size / 2, max(0, size-1)} {
				if _, err := s.Seek(int64(at), io.SeekStart); err != nil {
					t.Fatal(err)
				}
				if got, err := io.ReadAll(s); err != nil || !bytes.Equal(got, plain[at:]) {
					t.Fatalf("%s %d from %d: read %d, %v", name, size, at, len(got), err)
				}
			}
			if _, err := s.Seek(-1, io.SeekStart); err == nil {
				t.Error("went before the beginning")
			}
		}
	}
}

func TestStreamThatWasTouched(t *testing.T) {
	key, plain := sealing.NewKey(), make([]byte, 3*65536)
	sealed := stream(t, sealing.AES, key, plain)
	const head, chunk = 8 + 2 + 6 + 7, 65536 + 16
	read := func(b []byte) error {
		s, err := sealing.OpenStream(key, file{bytes.NewReader(b)})
		if err != nil {
			return err
		}
		_, err = io.Copy(io.Discard, s)
		return err
	}
	if err := read(sealed); err != nil {
		t.Fatal(err)
	}
	swapped := bytes.Clone(sealed)
	copy(swapped[head:], sealed[head+chunk:head+2*chunk])
	copy(swapped[head+chunk:], sealed[head:head+chunk])
	flipped := bytes.Clone(sealed)
	flipped[head+chunk+9] ^= 4
	renamed := bytes.Clone(sealed)
	renamed[10] ^= 1
	for name, b := range map[string][]byte{
		"cut at a chunk": sealed[:head+2*chunk], "cut in a chunk": sealed[:head+chunk+100], "cut in the head": sealed[:head-2],
		"only a head": sealed[:head], "chunks swapped": swapped, "a bit": flipped, "another owner": renamed, "empty": nil,
	} {
		if err := read(b); !errors.Is(err, sealing.ErrBroken) {
			t.Errorf("%s: %v", name, err)
		}
	}
	if _, ok, err := sealing.Owner(bytes.NewReader([]byte("RIFF...."))); ok || err != nil {
		t.Errorf("a plain file has an owner: %v, %v", ok, err)
	}
}

func TestStreamGivesItsReadersError(t *testing.T) {
	broken := errors.New("the disk is gone")
	r, err := sealing.NewReader(sealing.AES, sealing.NewKey(), "p", io.MultiReader(bytes.NewReader(make([]byte, 70000)), failing{broken}))
	if err != nil {
		t.Fatal(err)
	}
	if _, err := io.ReadAll(r); !errors.Is(err, broken) {
		t.Fatal(err)
	}
}

type failing struct{ err error }

func (f failing) Read([]byte) (int, error) { return 0, f.err }
