package main

import (
	"os"
	"regexp"
	"testing"

	"github.com/stretchr/testify/require"
)

// TestEachProblemHasItsTest keeps docs/problems.md true: the tests that it names are there.
func TestEachProblemHasItsTest(t *testing.T) {
	doc, err := os.ReadFile("../../docs/problems.md")
	require.NoError(t, err)
	rows := regexp.MustCompile("`([tT]est\\w+)` in (\\S+\\.go)").FindAllStringSubmatch(string(doc), -1)
	require.Len(t, rows, 15)
	for _, row := range rows {
		source, err := os.ReadFile("../../" + row[2])
		require.NoError(t, err)
		require.Contains(t, string(source), "func "+row[1]+"(", "%s has it no more", row[2])
	}
}
