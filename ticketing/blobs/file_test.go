package blobs_test

import (
	"bytes"
	"context"
	"crypto/sha256"
	"encoding/hex"
	"errors"
	"io"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/stretchr/testify/require"
	"pgregory.net/rapid"

	"hotline/ticketing/blobs"
)

func open(t *testing.T) (blobs.Store, string) {
	t.Helper()
	dir := t.TempDir()
	f, err := blobs.Open("file://" + dir)
	require.NoError(t, err)
	t.Cleanup(func() { require.NoError(t, f.Close()) })
	return f, dir
}

func read(t *testing.T, f blobs.Store, name string) []byte {
	t.Helper()
	r, info, err := f.Open(t.Context(), name)
	require.NoError(t, err)
	raw, err := io.ReadAll(r)
	require.NoError(t, err)
	require.NoError(t, r.Close())
	require.Equal(t, int64(len(raw)), info.Size)
	return raw
}

func TestWhatWasPutComesBackAndCanBeReplaced(t *testing.T) {
	f, _ := open(t)
	for _, text := range []string{"first sound", "second"} {
		put, err := f.Put(t.Context(), "calls/2026/11/a.wav", strings.NewReader(text))
		require.NoError(t, err)
		sum := sha256.Sum256([]byte(text))
		require.Equal(t, blobs.Blob{Name: "calls/2026/11/a.wav", Size: int64(len(text)), SHA256: hex.EncodeToString(sum[:])}, put)
		require.Equal(t, text, string(read(t, f, "calls/2026/11/a.wav")))
	}
	require.NoError(t, f.Delete(t.Context(), "calls/2026/11/a.wav"))
	require.NoError(t, f.Delete(t.Context(), "calls/2026/11/a.wav"))
	_, _, err := f.Open(t.Context(), "calls/2026/11/a.wav")
	require.ErrorIs(t, err, blobs.ErrNotFound)
}

func TestABrokenPutLeavesWhatWasThere(t *testing.T) {
	f, dir := open(t)
	_, err := f.Put(t.Context(), "a", strings.NewReader("whole"))
	require.NoError(t, err)
	broken := io.MultiReader(strings.NewReader("ha"), failing{})
	_, err = f.Put(t.Context(), "a", broken)
	require.ErrorIs(t, err, errBroken)
	require.Equal(t, "whole", string(read(t, f, "a")))
	ctx, cancel := context.WithCancel(t.Context())
	cancel()
	_, err = f.Put(ctx, "a", bytes.NewReader(make([]byte, 1<<20)))
	require.ErrorIs(t, err, context.Canceled)
	left, err := os.ReadDir(filepath.Join(dir, ".tmp"))
	require.NoError(t, err)
	require.Empty(t, left)
}

var errBroken = errors.New("broken")

type failing struct{}

func (failing) Read([]byte) (int, error) { return 0, errBroken }

func TestNamesNeverLeadOutside(t *testing.T) {
	f, dir := open(t)
	for _, name := range []string{"", "/etc/passwd", "../a", "a/../../b", "a//b", "a/", ".tmp/x", "a/.b", "a\\b", "a b", "a\x00b", "录音", strings.Repeat("a", 201)} {
		_, err := f.Put(t.Context(), name, strings.NewReader("x"))
		require.ErrorIs(t, err, blobs.ErrName, "%q", name)
		_, _, err = f.Open(t.Context(), name)
		require.ErrorIs(t, err, blobs.ErrName, "%q", name)
	}
	rapid.Check(t, func(r *rapid.T) {
		name := rapid.StringMatching(`[a./\\-]{1,12}`).Draw(r, "name")
		if _, err := f.Put(context.Background(), name, strings.NewReader("x")); err == nil {
			if _, err := os.Stat(filepath.Join(dir, name)); err != nil {
				r.Fatalf("%q is not below the folder: %v", name, err)
			}
			if err := f.Delete(context.Background(), name); err != nil {
				r.Fatal(err)
			}
			_ = os.RemoveAll(filepath.Join(dir, strings.SplitN(name, "/", 2)[0]))
		}
	})
}

func TestASymbolicLinkIsNotFollowedOutside(t *testing.T) {
	f, dir := open(t)
	require.NoError(t, os.Symlink("/etc", filepath.Join(dir, "out")))
	_, _, err := f.Open(t.Context(), "out/passwd")
	require.Error(t, err)
}

func TestOpenSaysWhatToDo(t *testing.T) {
	for _, url := range []string{"s3://bucket", "file://host/a", "/a", "file:a"} {
		_, err := blobs.Open(url)
		require.ErrorContains(t, err, "is not a store of blobs")
	}
	file := filepath.Join(t.TempDir(), "file")
	require.NoError(t, os.WriteFile(file, nil, 0o600))
	_, err := blobs.Open("file://" + file)
	require.ErrorContains(t, err, "make the folder writable or name another")
}
