package search

import (
	"slices"
	"unicode/utf8"
)

// Highlights are made here from the stored text, by the same analysis that the
// query went through, so that both engines mark the same characters.

type span struct{ start, end int } // byte offsets

// spans returns where any clause occurs in text, in order, overlaps joined.
func spans(text string, clauses []Clause) []span {
	if len(clauses) == 0 {
		return nil
	}
	atoms := Analyse(text)
	var all []span
	for _, c := range clauses {
		for _, at := range c.find(atoms) {
			all = append(all, span{atoms[at[0]].Start, atoms[at[1]-1].End})
		}
	}
	slices.SortFunc(all, func(a, b span) int { return a.start - b.start })
	var joined []span
	for _, s := range all {
		if n := len(joined); n > 0 && s.start <= joined[n-1].end {
			joined[n-1].end = max(joined[n-1].end, s.end)
			continue
		}
		joined = append(joined, s)
	}
	return joined
}

// highlight marks the clauses in the whole text.
func highlight(text string, clauses []Clause) []Segment {
	return segments(text, 0, len(text), spans(text, clauses))
}

// fragment marks the clauses in at most maxFragment runes around the first match.
// "…" stands where text was left out.
func fragment(text string, clauses []Clause) []Segment {
	all := spans(text, clauses)
	from := 0
	if len(all) > 0 {
		from = back(text, all[0].start, maxFragment/6)
	}
	to := from
	for n := 0; n < maxFragment && to < len(text); n++ {
		_, size := utf8.DecodeRuneInString(text[to:])
		to += size
	}
	cut := segments(text, from, to, all)
	if from > 0 {
		cut = slices.Insert(cut, 0, Segment{Text: "…"})
	}
	if to < len(text) {
		cut = append(cut, Segment{Text: "…"})
	}
	return cut
}

// back steps n runes back from offset at.
func back(text string, at, n int) int {
	for ; n > 0 && at > 0; n-- {
		_, size := utf8.DecodeLastRuneInString(text[:at])
		at -= size
	}
	return at
}

// segments cuts text[from:to] at the spans.
func segments(text string, from, to int, marks []span) []Segment {
	var out []Segment
	add := func(start, end int, hit bool) {
		if start < end {
			out = append(out, Segment{Text: text[start:end], Hit: hit})
		}
	}
	at := from
	for _, m := range marks {
		start, end := max(m.start, from), min(m.end, to)
		if start >= end {
			continue
		}
		add(at, start, false)
		add(start, end, true)
		at = end
	}
	add(at, to, false)
	return out
}
