package search

import (
	"cmp"
	"context"
	"slices"
	"strings"
	"unicode/utf8"
)

// The bounds of a ranking of words.
const (
	MostWords  = 200
	readTitles = 2_000 // the newest that a query finds
	firstWords = 50
	longestRun = 12 // characters of a word
	fewestOf   = 2  // titles that a word is in
)

// Word is a word and how many of the titles that were read have it.
type Word struct {
	Text  string
	Count int
}

// WordQuery asks which words the titles have that a query finds.
type WordQuery struct {
	Query     // Sort, Limit, Cursor, Facets and Histogram are not looked at
	Most  int // words; 50 when zero
}

// Words are what many of these titles have and few documents in all, those that tell the
// most first; titles is how many were read.
func (x *Index) Words(ctx context.Context, q WordQuery) (words []Word, titles int, err error) {
	p, err := x.planWhole(ctx, q.Query)
	if err != nil {
		return nil, 0, err
	}
	most := cmp.Or(q.Most, firstWords)
	if most < 1 || most > MostWords {
		return nil, 0, refuse("most", "use 1 to %d", MostWords)
	}
	ctx, cancel := x.bounded(ctx)
	defer cancel()
	rare, err := x.rarity(ctx)
	if err != nil {
		return nil, 0, err
	}
	runs := map[string]*run{}
	err = x.each(ctx, p, readTitles, func(r Row) {
		titles++
		rare.runs(r.Title, func(text, before, after string, weight float64) {
			one := runs[text]
			if one == nil {
				one = &run{weight: weight, before: before, after: after}
				runs[text] = one
			}
			if one.last == titles {
				return
			}
			one.last = titles
			one.count++
			one.freeLeft = one.freeLeft || before == "" || before != one.before
			one.freeRight = one.freeRight || after == "" || after != one.after
		})
	})
	return ranked(runs, most), titles, err
}

// run is a piece of titles. It is free on a side where a title begins or ends, or where
// different characters stand: there a word ends.
type run struct {
	count, last         int // titles; the last that had it
	weight              float64
	before, after       string // where it was seen first
	freeLeft, freeRight bool
}

// within is how much less a piece counts for each side on which it is part of something longer.
const within = 0.3

// usualWord is the length beyond which a word is not better for being longer.
const usualWord = 4

func (r *run) score(text string) float64 {
	score := float64(r.count) * r.weight * float64(min(utf8.RuneCountInString(text), usualWord))
	if !r.freeLeft {
		score *= within
	}
	if !r.freeRight {
		score *= within
	}
	return score
}

// runs are the pieces of two to twelve characters of a text, and whole words, with what
// stands beside them and how much they tell in the mean.
func (r *rarity) runs(text string, do func(text, before, after string, weight float64)) {
	atoms := Analyse(text)
	beside := func(i int, joined bool) string {
		if !joined || i < 0 || i >= len(atoms) {
			return ""
		}
		return atoms[i].Text
	}
	for i, a := range atoms {
		if !a.Han {
			if w := r.weight(a.Text); w > 0 && utf8.RuneCountInString(a.Text) > 1 {
				do(a.Text, "", "", w)
			}
			continue
		}
		piece, sum := a.Text, 0.0
		for k := i + 1; k < len(atoms) && k-i < longestRun && atoms[k].Joined && atoms[k].Han; k++ {
			piece += atoms[k].Text
			w := r.weight(atoms[k-1].Text + atoms[k].Text)
			if w == 0 {
				break // what everything has belongs to no word
			}
			sum += w
			do(piece, beside(i-1, a.Joined), beside(k+1, k+1 < len(atoms) && atoms[k+1].Joined), sum/float64(k-i))
		}
	}
}

// ranked are the words that tell the most, none of which shares two characters with a better one.
func ranked(runs map[string]*run, most int) []Word {
	type scored struct {
		Word
		score float64
	}
	var list []scored
	for text, r := range runs {
		if r.count >= fewestOf {
			list = append(list, scored{Word{text, r.count}, r.score(text)})
		}
	}
	slices.SortFunc(list, func(a, b scored) int {
		return cmp.Or(cmp.Compare(b.score, a.score), cmp.Compare(len(b.Text), len(a.Text)), strings.Compare(a.Text, b.Text))
	})
	var words []Word
	for _, s := range list {
		if len(words) == most {
			break
		}
		if !slices.ContainsFunc(words, func(w Word) bool { return Overlap(w.Text, s.Text) }) {
			words = append(words, s.Word)
		}
	}
	return words
}

// Overlap tells whether two words share two characters that follow one another.
func Overlap(a, b string) bool {
	runes := []rune(a)
	for i := 0; i+2 <= len(runes); i++ {
		if strings.Contains(b, string(runes[i:i+2])) {
			return true
		}
	}
	return false
}
