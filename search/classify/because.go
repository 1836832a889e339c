package classify

import (
	"sort"
	"strings"
	"unicode"
)

const (
	mostReasons   = 5
	longestReason = 8 // characters
)

// because finds the pieces of a text that speak most for a label: each character
// has what the pieces over it add to the score, and neighbours that speak for it
// are one piece.
func (m *Model) because(text string, x vector, label int) []string {
	weights := make(map[string]float64, len(x.index))
	for i, at := range x.index {
		weights[m.vocabulary.Pieces[at]] = float64(x.value[i]) * float64(m.planes[label].W[at])
	}
	runes := normal(text)
	for_ := make([]float64, len(runes))
	grams(runes, func(piece []rune, at int) {
		w := weights[string(piece)] / float64(len(piece))
		for i := range piece {
			for_[at+i] += w
		}
	})
	strong := 0.0
	for _, w := range for_ {
		strong = max(strong, w)
	}
	type reason struct {
		text  string
		worth float64
	}
	found := map[string]reason{}
	for i := 0; i < len(runes); {
		j, worth := i, 0.0
		for j < len(runes) && j-i < longestReason && for_[j] > strong*0.25 && (unicode.IsLetter(runes[j])) {
			worth += for_[j]
			j++
		}
		if j-i >= 2 {
			t := string(runes[i:j])
			found[t] = reason{t, worth / float64(j-i)}
		}
		i = max(j, i+1)
	}
	list := make([]reason, 0, len(found))
	for _, r := range found {
		list = append(list, r)
	}
	sort.Slice(list, func(a, b int) bool {
		if list[a].worth != list[b].worth {
			return list[a].worth > list[b].worth
		}
		return list[a].text < list[b].text
	})
	var out []string
	for _, r := range list {
		if len(out) == mostReasons {
			break
		}
		if !within(out, r.text) {
			out = append(out, r.text)
		}
	}
	return out
}

func within(list []string, text string) bool {
	for _, have := range list {
		if strings.Contains(have, text) {
			return true
		}
	}
	return false
}
