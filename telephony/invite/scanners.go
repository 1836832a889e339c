package invite

import (
	"bytes"
	"strings"
)

// lowered are the words of Options.Scanners as they are looked for.
func lowered(words []string) [][]byte {
	var out [][]byte
	for _, w := range words {
		if w = strings.ToLower(w); strings.TrimSpace(w) != "" {
			out = append(out, []byte(w))
		}
	}
	return out
}

// scanner tells whether a request names one of the scanners in its User-Agent
// or From. It looks at lines, not at parsed headers: nothing is spent on them.
func (e *Endpoint) scanner(b []byte) bool {
	if len(e.scanners) == 0 {
		return false
	}
	for len(b) > 0 {
		line, rest, _ := bytes.Cut(b, []byte("\n"))
		b = rest
		if len(line) <= 1 {
			return false // the end of the headers
		}
		switch line[0] {
		case 'U', 'u', 'F', 'f':
		default:
			continue
		}
		name, value, _ := bytes.Cut(line, []byte(":"))
		name = bytes.TrimSpace(name)
		if !bytes.EqualFold(name, []byte("User-Agent")) && !bytes.EqualFold(name, []byte("From")) && !bytes.EqualFold(name, []byte("f")) {
			continue
		}
		value = bytes.ToLower(value)
		for _, w := range e.scanners {
			if bytes.Contains(value, w) {
				return true
			}
		}
	}
	return false
}
