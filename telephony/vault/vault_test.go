package vault_test

import (
	"bytes"
	"errors"
	"fmt"
	"io"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/stretchr/testify/require"
	"pgregory.net/rapid"

	"hotline/telephony/vault"
)

var (
	oldKey = strings.Repeat("0a", 32)
	newKey = strings.Repeat("f1", 32)
)

func keys(t require.TestingT, text string) *vault.Keys {
	k, err := vault.ParseKeys(text)
	require.NoError(t, err)
	return k
}

func readAll(t require.TestingT, k *vault.Keys, path string) ([]byte, error) {
	f, err := os.Open(path)
	require.NoError(t, err)
	r, err := k.Read(f)
	if err != nil {
		return nil, err
	}
	defer func() { require.NoError(t, r.Close()) }()
	return io.ReadAll(r)
}

// Whatever is written in whatever order, cut, closed and opened again, a sealed file holds what a plain one would, by every way of reading.
func TestASealedFileIsAFile(t *testing.T) {
	dir := t.TempDir()
	n := 0
	rapid.Check(t, func(t *rapid.T) {
		n++
		path := filepath.Join(dir, fmt.Sprint(n))
		k := keys(t, newKey)
		f, err := k.Create(path)
		require.NoError(t, err)
		var model []byte
		for range rapid.IntRange(1, 20).Draw(t, "steps") {
			switch rapid.SampledFrom([]string{"append", "append", "append", "over", "cut", "again"}).Draw(t, "step") {
			case "append":
				data := bytes.Repeat([]byte{byte(len(model))}, rapid.IntRange(0, 9000).Draw(t, "length"))
				_, err = f.WriteAt(data, int64(len(model)))
				model = append(model, data...)
			case "over":
				at := rapid.IntRange(0, len(model)).Draw(t, "at")
				data := bytes.Repeat([]byte{0xEE}, rapid.IntRange(0, 5000).Draw(t, "length"))
				_, err = f.WriteAt(data, int64(at))
				model = append(model[:at:at], append(data, model[min(len(model), at+len(data)):]...)...)
			case "cut":
				at := rapid.IntRange(0, len(model)).Draw(t, "at")
				err = f.Truncate(int64(at))
				model = model[:at]
			case "again":
				require.NoError(t, f.Close())
				f, err = k.Open(path)
			}
			require.NoError(t, err)
			size, err := f.Size()
			require.NoError(t, err)
			require.EqualValues(t, len(model), size)
		}
		require.NoError(t, f.Sync())
		whole, err := io.ReadAll(io.NewSectionReader(f, 0, int64(len(model))))
		require.NoError(t, err)
		require.True(t, bytes.Equal(model, whole))
		require.NoError(t, f.Close())
		got, err := readAll(t, k, path)
		require.NoError(t, err)
		require.True(t, bytes.Equal(model, got))
		from := rapid.IntRange(0, len(model)).Draw(t, "from")
		file, err := os.Open(path)
		require.NoError(t, err)
		r, err := k.Read(file)
		require.NoError(t, err)
		_, err = r.Seek(int64(from), io.SeekStart)
		require.NoError(t, err)
		rest, err := io.ReadAll(r)
		require.NoError(t, err)
		require.True(t, bytes.Equal(model[from:], rest))
		require.NoError(t, r.Close())
	})
}

func sealed(t *testing.T, k *vault.Keys, text string) string {
	path := filepath.Join(t.TempDir(), "f")
	f, err := k.Create(path)
	require.NoError(t, err)
	_, err = f.WriteAt([]byte(text), 0)
	require.NoError(t, err)
	require.NoError(t, f.Close())
	return path
}

// Nothing of the sound and nothing of the key is on the disk, and each octet that is changed is noticed.
func TestNothingIsReadOrChanged(t *testing.T) {
	k := keys(t, newKey)
	text := strings.Repeat("6222 0200 1234 5678 ", 600)
	path := sealed(t, k, text)
	raw, err := os.ReadFile(path)
	require.NoError(t, err)
	require.NotContains(t, string(raw), "6222")
	require.NotContains(t, string(raw), strings.Repeat("\xf1", 8))
	for _, at := range []int{10, 20, 50, 60, 100, 5000, len(raw) - 1} {
		changed := bytes.Clone(raw)
		changed[at] ^= 1
		require.NoError(t, os.WriteFile(path, changed, 0o600))
		_, err := readAll(t, k, path)
		require.Error(t, err, "octet %d", at)
		require.True(t, errors.Is(err, vault.ErrBroken) || errors.Is(err, vault.ErrUnknownKey), err)
	}
	// Two chunks in each other's place.
	const head, seal = 48, 12 + 4096 + 16
	changed := bytes.Clone(raw)
	copy(changed[head:], raw[head+seal:head+2*seal])
	copy(changed[head+seal:], raw[head:head+seal])
	require.NoError(t, os.WriteFile(path, changed, 0o600))
	_, err = readAll(t, k, path)
	require.ErrorIs(t, err, vault.ErrBroken)
}

// Keys change: files of old keys are read as long as these are named, new files use the new one, files from before there was one stay.
func TestKeysChange(t *testing.T) {
	path := sealed(t, keys(t, oldKey), "old")
	both := keys(t, newKey+", "+oldKey)
	got, err := readAll(t, both, path)
	require.NoError(t, err)
	require.Equal(t, "old", string(got))
	_, err = readAll(t, keys(t, newKey), path)
	require.ErrorIs(t, err, vault.ErrUnknownKey)
	require.NotContains(t, err.Error(), oldKey)
	_, err = keys(t, newKey).Open(path)
	require.ErrorIs(t, err, vault.ErrUnknownKey)
	_, err = readAll(t, keys(t, oldKey), sealed(t, both, "new"))
	require.ErrorIs(t, err, vault.ErrUnknownKey)
	for _, none := range []*vault.Keys{nil, keys(t, "")} {
		require.Empty(t, none.Name())
		plain := sealed(t, none, "plain")
		raw, err := os.ReadFile(plain)
		require.NoError(t, err)
		require.Equal(t, "plain", string(raw))
		got, err := readAll(t, both, plain)
		require.NoError(t, err)
		require.Equal(t, "plain", string(got))
	}
	require.NotEqual(t, both.Name(), keys(t, oldKey).Name())
	require.NotContains(t, fmt.Sprintf("%v %+v %#v %s", both, both, both, both.Name()), newKey)
}

func TestBadKeys(t *testing.T) {
	for _, text := range []string{"secret", oldKey[1:], oldKey + "zz", strings.Repeat("0", 64), newKey + "," + "x"} {
		_, err := vault.ParseKeys(text)
		require.ErrorIs(t, err, vault.ErrKey)
		require.NotContains(t, err.Error(), text)
	}
}

// What a kill or a full disk cuts off in the middle of a chunk is left out, the rest is there.
func TestACutFile(t *testing.T) {
	k := keys(t, newKey)
	text := strings.Repeat("0123456789abcdef", 1024)
	path := sealed(t, k, text)
	info, err := os.Stat(path)
	require.NoError(t, err)
	for cut := range 300 {
		require.NoError(t, os.Truncate(path, info.Size()-int64(cut)))
		f, err := k.Open(path)
		require.NoError(t, err)
		size, err := f.Size()
		require.NoError(t, err)
		require.Contains(t, []int64{16384, 12288}, size)
		got, err := io.ReadAll(io.NewSectionReader(f, 0, size))
		require.NoError(t, err)
		require.Equal(t, text[:size], string(got))
		require.NoError(t, f.Close())
	}
}
