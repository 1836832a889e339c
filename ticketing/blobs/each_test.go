package blobs_test

import (
	"errors"
	"net/url"
	"slices"
	"strings"
	"testing"

	"github.com/stretchr/testify/require"

	"hotline/ticketing/blobs"
)

// TestEachNamesEveryBlob, on both kinds of store, and stops when it is told to.
func TestEachNamesEveryBlob(t *testing.T) {
	files, err := blobs.Open((&url.URL{Scheme: "file", Path: t.TempDir()}).String())
	require.NoError(t, err)
	t.Cleanup(func() { require.NoError(t, files.Close()) })
	for kind, store := range map[string]blobs.Store{"files": files, "s3": bucket(t)} {
		t.Run(kind, func(t *testing.T) {
			names := []string{"a", "calls/1.wav", "calls/deep/2.wav"}
			for _, name := range names {
				_, err := store.Put(t.Context(), name, strings.NewReader(name))
				require.NoError(t, err)
			}
			var got []string
			require.NoError(t, store.Each(t.Context(), func(name string) error {
				got = append(got, name)
				return nil
			}))
			slices.Sort(got)
			require.Equal(t, names, got)
			stop := errors.New("stop")
			require.ErrorIs(t, store.Each(t.Context(), func(string) error { return stop }), stop)
		})
	}
}
