package web

import (
	"fmt"
	"slices"
	"strings"

	"hotline/ticketing"
)

// PermissionsMarkdown renders who may do what: the table of rights, and the
// right that each operation of the API asks for.
func PermissionsMarkdown() (string, error) {
	s, err := build(Deps{}, Options{}.withDefaults())
	if err != nil {
		return "", err
	}
	s.cancel()
	var b strings.Builder
	b.WriteString(ticketing.RightsMarkdown())
	b.WriteString("\n## Operations\n\n| operation | address | right | key of a system |\n|---|---|---|---|\n")
	ops := slices.Clone(s.operations)
	slices.SortFunc(ops, func(a, b operation) int { return strings.Compare(a.path+a.method, b.path+b.method) })
	for _, op := range ops {
		right := "everybody who is signed in"
		switch {
		case op.who.public:
			right = "anybody"
		case op.who.right != "":
			right = "`" + op.who.right + "`"
		}
		scope := "–"
		if op.scope != "" {
			scope = "`" + string(op.scope) + "`"
		}
		fmt.Fprintf(&b, "| %s | `%s %s` | %s | %s |\n", op.id, op.method, op.path, right, scope)
	}
	return b.String(), nil
}
