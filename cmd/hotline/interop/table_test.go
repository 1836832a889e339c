package interop

import (
	"flag"
	"fmt"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/stretchr/testify/require"
)

// cell is one cell of the table.
type cell struct {
	peer  string // the foreign program
	over  string // transports
	media string
	as    string // what it is to the node
	name  string // of the test, below peer and transport
	shows string
	play  func(*stage)
}

func (c cell) test() string {
	return strings.NewReplacer(" ", "-", "+", "-").Replace(strings.ToLower(c.peer + "/" + c.over + "/" + c.name))
}

// TestInterop plays every cell, each on its own line of one node.
func TestInterop(t *testing.T) {
	all := cells()
	b := startBed(t, all)
	for n, c := range all {
		t.Run(c.test(), func(t *testing.T) {
			t.Parallel()
			c.play(&stage{T: t, bed: b, n: n, line: lineOf(n)})
		})
	}
}

var update = flag.Bool("update", false, "write docs/interop.md")

// TestTable holds docs/interop.md to the cells that run.
func TestTable(t *testing.T) {
	var b strings.Builder
	b.WriteString("# Interoperability\n\nEach row is a test that `make test` runs against a whole node: `go test ./cmd/hotline/interop -run 'TestInterop/NAME'`.\n" +
		"The table is written from the tests (`-run TestTable -update`). Sound is measured by tones at both ends.\n\n" +
		"| peer | transport | media | it is a | what is shown | test |\n|---|---|---|---|---|---|\n")
	seen := map[string]bool{}
	for _, c := range cells() {
		require.False(t, seen[c.test()], "two cells are named %s", c.test())
		seen[c.test()] = true
		fmt.Fprintf(&b, "| %s | %s | %s | %s | %s | `%s` |\n", c.peer, c.over, c.media, c.as, c.shows, c.test())
	}
	path := filepath.Join("..", "..", "..", "docs", "interop.md")
	if *update {
		require.NoError(t, os.WriteFile(path, []byte(b.String()), 0o644))
	}
	raw, err := os.ReadFile(path)
	require.NoError(t, err)
	require.Equal(t, string(raw), b.String(), "go test ./cmd/hotline/interop -run TestTable -update")
}
