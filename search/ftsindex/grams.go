package ftsindex

import (
	"strings"

	"hotline/search"
)

// grams spells a text as tokens for FTS5: each Han character with the one joined
// to it, the last of a run alone, each word whole. So every atom begins exactly
// one token, and token positions are atom positions.
func grams(text string) string {
	atoms := search.Analyse(text)
	var b strings.Builder
	b.Grow(3 * len(text))
	for i, a := range atoms {
		if i > 0 {
			b.WriteByte(' ')
		}
		b.WriteString(a.Text)
		if i+1 < len(atoms) && atoms[i+1].Joined {
			b.WriteString(atoms[i+1].Text)
		}
	}
	return b.String()
}

// phrase spells a clause as an FTS5 phrase over those tokens. Atoms hold letters
// and digits only, so nothing in them can end the quotation.
func phrase(c search.Clause) string {
	var b strings.Builder
	b.WriteByte('"')
	last := len(c) - 1
	for i, a := range c {
		if i == last && a.Joined {
			break // the bigram before it ends in this character
		}
		if i > 0 {
			b.WriteByte(' ')
		}
		b.WriteString(a.Text)
		if i < last && c[i+1].Joined {
			b.WriteString(c[i+1].Text)
		}
	}
	b.WriteByte('"')
	if c[last].Han && !c[last].Joined {
		b.WriteString(" *") // it may go on in the document
	}
	return b.String()
}

// one spells what finds one of some clauses.
func one(clauses []search.Clause) string {
	parts := make([]string, len(clauses))
	for i, c := range clauses {
		parts[i] = phrase(c)
	}
	return "(" + strings.Join(parts, " OR ") + ")"
}

// expression joins the clauses of a plan; negated is true when it finds what must be left out.
func expression(p search.Plan) (expr string, negated bool) {
	var must []string
	for _, c := range p.Must {
		must = append(must, one(c))
	}
	for _, c := range p.Titles {
		must = append(must, "{title} : "+one(c))
	}
	all := "(" + strings.Join(must, " AND ") + ")"
	switch {
	case len(must)+len(p.MustNot) == 0:
		return "", false
	case len(must) == 0:
		return one(p.MustNot), true
	case len(p.MustNot) == 0:
		return all, false
	default:
		return all + " NOT " + one(p.MustNot), false
	}
}
