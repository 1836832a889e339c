package blobs_test

import (
	"bytes"
	"crypto/sha256"
	"encoding/hex"
	"encoding/pem"
	"fmt"
	"io"
	"net/http/httptest"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/johannesboyne/gofakes3"
	"github.com/johannesboyne/gofakes3/backend/s3mem"
	"github.com/stretchr/testify/require"

	"hotline/ticketing/blobs"
)

// s3Server is a server that speaks S3 over TLS, in memory, with one bucket. Over
// TLS clients leave the payload unsigned, which is all that this server reads.
func s3Server(t *testing.T) string {
	t.Helper()
	backend := s3mem.New()
	require.NoError(t, backend.CreateBucket("city"))
	server := httptest.NewTLSServer(gofakes3.New(backend, gofakes3.WithAutoBucket(false)).Server())
	t.Cleanup(server.Close)
	authority := filepath.Join(t.TempDir(), "ca.pem")
	require.NoError(t, os.WriteFile(authority, pem.EncodeToMemory(&pem.Block{Type: "CERTIFICATE", Bytes: server.Certificate().Raw}), 0o600))
	t.Setenv("SSL_CERT_FILE", authority) // httptest has one certificate for all its servers
	t.Setenv("HOTLINE_S3_ACCESS_KEY", "key")
	t.Setenv("HOTLINE_S3_SECRET_KEY", "secret")
	return strings.TrimPrefix(server.URL, "https://")
}

func bucket(t *testing.T) blobs.Store {
	t.Helper()
	b, err := blobs.Open(fmt.Sprintf("s3://city/hotline?endpoint=%s&region=cn-east", s3Server(t)))
	require.NoError(t, err)
	t.Cleanup(func() { require.NoError(t, b.Close()) })
	return b
}

func TestAnObjectComesBackAndCanBeReplaced(t *testing.T) {
	b := bucket(t)
	for _, text := range []string{"first sound", "second"} {
		put, err := b.Put(t.Context(), "calls/2026/11/a.wav", strings.NewReader(text))
		require.NoError(t, err)
		sum := sha256.Sum256([]byte(text))
		require.Equal(t, blobs.Blob{Name: "calls/2026/11/a.wav", Size: int64(len(text)), SHA256: hex.EncodeToString(sum[:])}, put)
		require.Equal(t, text, string(read(t, b, "calls/2026/11/a.wav")))
	}
	r, info, err := b.Open(t.Context(), "calls/2026/11/a.wav")
	require.NoError(t, err)
	require.EqualValues(t, 6, info.Size)
	_, err = r.Seek(3, io.SeekStart)
	require.NoError(t, err)
	rest, err := io.ReadAll(r)
	require.NoError(t, err)
	require.Equal(t, "ond", string(rest))
	require.NoError(t, r.Close())
	require.NoError(t, b.Delete(t.Context(), "calls/2026/11/a.wav"))
	require.NoError(t, b.Delete(t.Context(), "calls/2026/11/a.wav"))
	_, _, err = b.Open(t.Context(), "calls/2026/11/a.wav")
	require.ErrorIs(t, err, blobs.ErrNotFound)
}

func TestALargeObjectGoesInParts(t *testing.T) {
	b := bucket(t)
	large := bytes.Repeat([]byte("0123456789abcdef"), 20<<16) // 20 MiB: three parts
	put, err := b.Put(t.Context(), "large", bytes.NewReader(large))
	require.NoError(t, err)
	require.EqualValues(t, len(large), put.Size)
	require.Equal(t, large, read(t, b, "large"))
}

func TestABrokenPutLeavesTheObject(t *testing.T) {
	b := bucket(t)
	_, err := b.Put(t.Context(), "a", strings.NewReader("whole"))
	require.NoError(t, err)
	_, err = b.Put(t.Context(), "a", io.MultiReader(strings.NewReader("ha"), failing{}))
	require.Error(t, err)
	require.Equal(t, "whole", string(read(t, b, "a")))
	for _, name := range []string{"", "/a", "../a", "a/../b", "a b", "a//b"} {
		_, err := b.Put(t.Context(), name, strings.NewReader("x"))
		require.ErrorIs(t, err, blobs.ErrName, name)
	}
}

func TestABucketThatCannotBeOpenedSaysWhatToDo(t *testing.T) {
	at := s3Server(t)
	for url, want := range map[string]string{
		"s3://none?endpoint=" + at:                 "has no bucket none; make it first",
		"s3://city":                                "use s3://bucket/prefix?endpoint=host:port",
		"s3://city?endpoint=" + at + "&colour=red": "use s3://bucket/prefix?endpoint=host:port",
		"s3://key:secret@city?endpoint=" + at:      "use s3://bucket/prefix?endpoint=host:port",
		"s3://city?endpoint=127.0.0.1:1&tls=false": "does not answer; check endpoint, keys and tls",
		"gs://city": "use file:///folder or s3://bucket",
	} {
		_, err := blobs.Open(url)
		require.ErrorContains(t, err, want, url)
		require.NotContains(t, err.Error(), "secret@")
	}
	t.Setenv("HOTLINE_S3_SECRET_KEY", "")
	_, err := blobs.Open("s3://city?endpoint=" + at)
	require.ErrorContains(t, err, "HOTLINE_S3_SECRET_KEY")
}
