package city

import (
	"errors"
	"fmt"
	"strings"

	"go.yaml.in/yaml/v3"

	"hotline/ticketing"
)

// MaxDocument is the size in bytes above which Parse refuses a document.
const MaxDocument = 8 << 20

// maxProblems bounds how many faults one Parse reports.
const maxProblems = 20

// Problem is one fault of a city document.
type Problem struct {
	Line int    // from 1; 0: the document as a whole
	Text string // what is wrong and what to do about it
}

// Error implements error.
func (p *Problem) Error() string {
	if p.Line == 0 {
		return p.Text
	}
	return fmt.Sprintf("line %d: %s", p.Line, p.Text)
}

// Parse reads a city document. It is strict: unknown fields, missing or
// repeated codes, unknown parents, districts, categories and departments are
// faults. The error joins up to 20 *Problem, each with its line and what to do.
// An absent policy or calendar is the platform's default.
func Parse(doc []byte) (ticketing.City, error) {
	p := &parser{}
	root := p.root(doc)
	if root == nil {
		return ticketing.City{}, p.err()
	}
	c := p.city(root)
	if len(p.problems) > 0 {
		return ticketing.City{}, p.err()
	}
	return c, nil
}

type parser struct {
	problems []error
	more     int
}

func (p *parser) fail(line int, format string, args ...any) {
	if len(p.problems) >= maxProblems {
		p.more++
		return
	}
	p.problems = append(p.problems, &Problem{Line: line, Text: fmt.Sprintf(format, args...)})
}

func (p *parser) err() error {
	if p.more > 0 {
		p.problems = append(p.problems, &Problem{Text: fmt.Sprintf("and %d more", p.more)})
		p.more = 0
	}
	return fmt.Errorf("city document: %w", errors.Join(p.problems...))
}

// root decodes the single YAML document into nodes and refuses what would make
// it larger than it looks.
func (p *parser) root(doc []byte) *yaml.Node {
	if len(doc) > MaxDocument {
		p.fail(0, "the document has %d bytes; at most %d are read", len(doc), MaxDocument)
		return nil
	}
	dec := yaml.NewDecoder(strings.NewReader(string(doc)))
	var n yaml.Node
	if err := dec.Decode(&n); err != nil {
		p.fail(0, "not a YAML document: %s", strings.TrimPrefix(err.Error(), "yaml: "))
		return nil
	}
	var second yaml.Node
	if dec.Decode(&second) == nil {
		p.fail(second.Line, "a second document begins here; keep one city in one file")
		return nil
	}
	if !p.plain(&n) {
		return nil
	}
	if len(n.Content) != 1 || n.Content[0].Kind != yaml.MappingNode {
		p.fail(n.Line, "the document must be a mapping with name, districts, departments, categories and catalogue")
		return nil
	}
	return n.Content[0]
}

// plain refuses aliases: a few lines of them can stand for gigabytes.
func (p *parser) plain(n *yaml.Node) bool {
	if n.Kind == yaml.AliasNode {
		p.fail(n.Line, "aliases (*%s) are not read; write the value out", n.Value)
		return false
	}
	for _, c := range n.Content {
		if !p.plain(c) {
			return false
		}
	}
	return true
}

// fields returns the values of a mapping by key, refusing all but the known ones.
func (p *parser) fields(n *yaml.Node, what string, known ...string) map[string]*yaml.Node {
	if n.Kind != yaml.MappingNode {
		p.fail(n.Line, "%s must be a mapping such as {%s: …}", what, known[0])
		return nil
	}
	out := make(map[string]*yaml.Node, len(known))
	for i := 0; i+1 < len(n.Content); i += 2 {
		k, v := n.Content[i], n.Content[i+1]
		ok := false
		for _, name := range known {
			ok = ok || name == k.Value
		}
		switch {
		case !ok:
			p.fail(k.Line, "unknown field %q in %s; known are %s", k.Value, what, strings.Join(known, ", "))
		case out[k.Value] != nil:
			p.fail(k.Line, "field %q is given twice in %s; keep one", k.Value, what)
		default:
			out[k.Value] = v
		}
	}
	return out
}

// text returns a string field. A required one must not be empty.
func (p *parser) text(f map[string]*yaml.Node, key, what string, line int, required bool) string {
	n := f[key]
	if n == nil {
		if required {
			p.fail(line, "%s lacks %s; add it", what, key)
		}
		return ""
	}
	if n.Kind != yaml.ScalarNode || n.Tag == "!!null" {
		p.fail(n.Line, "%s of %s must be a text", key, what)
		return ""
	}
	v := strings.TrimSpace(n.Value)
	if v == "" && required {
		p.fail(n.Line, "%s of %s is empty; fill it in", key, what)
	}
	if len(v) > 200 {
		p.fail(n.Line, "%s of %s is longer than 200 bytes; shorten it", key, what)
	}
	return v
}

// list returns the items of a sequence.
func (p *parser) list(n *yaml.Node, what string, line int) []*yaml.Node {
	if n == nil {
		p.fail(line, "%s are missing; add a list of at least one", what)
		return nil
	}
	if n.Kind != yaml.SequenceNode {
		p.fail(n.Line, "%s must be a list; begin each item with a dash", what)
		return nil
	}
	if len(n.Content) == 0 {
		p.fail(n.Line, "%s are empty; add at least one", what)
	}
	return n.Content
}

// code checks what is used in URLs, logins and file names.
func (p *parser) code(v string, line int, what string) {
	if v == "" {
		return
	}
	ok := len(v) <= 60
	for i := range len(v) {
		b := v[i]
		ok = ok && (b >= 'a' && b <= 'z' || b >= '0' && b <= '9' || i > 0 && (b == '-' || b == '.' || b == '_'))
	}
	if !ok {
		p.fail(line, "code %q of %s must be at most 60 of a-z 0-9 - _ . and begin with a letter or digit", v, what)
	}
}
