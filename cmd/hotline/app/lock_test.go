package app

import (
	"testing"

	"github.com/stretchr/testify/require"
)

func TestOneNodeOwnsADataFolder(t *testing.T) {
	dir := t.TempDir()
	unlock, err := lockData(dir)
	require.NoError(t, err)
	_, err = lockData(dir)
	require.ErrorContains(t, err, "another hotline runs on "+dir)
	require.NoError(t, unlock())
	unlock, err = lockData(dir)
	require.NoError(t, err)
	require.NoError(t, unlock())
	_, err = lockData(dir + "/missing")
	require.ErrorContains(t, err, "make the folder writable or name another")
}
