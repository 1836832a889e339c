package classify

import (
	"maps"
	"math"
	"slices"
	"sort"
	"strings"
	"unicode"
	"unicode/utf8"
)

// Grams are the lengths of the pieces that a text is taken apart into, in characters.
const (
	shortestGram = 1
	longestGram  = 2
	fewestTexts  = 2 // a piece of one text alone says nothing of the next
	mostPieces   = 60_000
)

// vector is a sparse vector of length one, in order of index.
type vector struct {
	index []int32
	value []float32
}

// normal brings a text into the form that is learned from: small letters, digits
// and spaces each as one sign. Which number a house has, says nothing.
func normal(text string) []rune {
	out := make([]rune, 0, len(text)/2)
	for _, r := range strings.ToLower(text) {
		switch {
		case unicode.IsSpace(r) || unicode.IsControl(r):
			r = ' '
		case unicode.IsDigit(r):
			r = '0'
		}
		if n := len(out); n > 0 && out[n-1] == r && (r == ' ' || r == '0') {
			continue
		}
		out = append(out, r)
	}
	return out
}

// grams calls do with each piece of a text.
func grams(text []rune, do func(piece []rune, at int)) {
	for n := shortestGram; n <= longestGram; n++ {
		for i := 0; i+n <= len(text); i++ {
			do(text[i:i+n], i)
		}
	}
}

// vocabulary are the known pieces, and how much each weighs.
type vocabulary struct {
	Pieces  []string  // in order
	Weights []float32 // inverse document frequency
	index   map[string]int32
}

// learnVocabulary takes the pieces that are in enough of the texts.
func learnVocabulary(texts []string) *vocabulary {
	counts := map[string]int32{}
	for _, text := range texts {
		seen := map[string]bool{}
		grams(normal(text), func(piece []rune, _ int) {
			if s := string(piece); !seen[s] {
				seen[s] = true
				counts[s]++
			}
		})
	}
	v := &vocabulary{}
	for piece, n := range counts {
		if n >= fewestTexts {
			v.Pieces = append(v.Pieces, piece)
		}
	}
	if len(v.Pieces) > mostPieces { // the rarest go
		sort.Slice(v.Pieces, func(a, b int) bool {
			if n, m := counts[v.Pieces[a]], counts[v.Pieces[b]]; n != m {
				return n > m
			}
			return v.Pieces[a] < v.Pieces[b]
		})
		v.Pieces = v.Pieces[:mostPieces]
	}
	sort.Strings(v.Pieces)
	v.Weights = make([]float32, len(v.Pieces))
	for i, piece := range v.Pieces {
		v.Weights[i] = float32(math.Log(float64(1+len(texts))/float64(1+counts[piece])) + 1)
	}
	v.ready()
	return v
}

func (v *vocabulary) ready() {
	v.index = make(map[string]int32, len(v.Pieces))
	for i, piece := range v.Pieces {
		v.index[piece] = int32(i) //nolint:gosec // far fewer pieces than that
	}
}

// The beginning of a text is its title, or its first sentence: it names the
// matter, and counts again by half.
const (
	beginning = 40 // characters
	again     = 0.5
)

// vector is a text's: the logarithm of how often a piece is there, times its
// weight, the beginning once more.
func (v *vocabulary) vector(text string) vector {
	runes := normal(text)
	whole := v.weigh(runes)
	for i, w := range v.weigh(runes[:min(len(runes), beginning)]) {
		whole[i] += again * w
	}
	out := vector{index: make([]int32, 0, len(whole)), value: make([]float32, 0, len(whole))}
	for i := range whole {
		out.index = append(out.index, i)
	}
	slices.Sort(out.index)
	length := norm(whole)
	for _, i := range out.index {
		out.value = append(out.value, float32(whole[i]/length))
	}
	return out
}

// weigh gives each known piece its weight in a text, all together of length one.
func (v *vocabulary) weigh(text []rune) map[int32]float64 {
	weights := map[int32]float64{}
	var buf []byte
	grams(text, func(piece []rune, _ int) {
		buf = buf[:0]
		for _, r := range piece {
			buf = utf8.AppendRune(buf, r)
		}
		if i, known := v.index[string(buf)]; known {
			weights[i]++
		}
	})
	for i, n := range weights {
		weights[i] = (1 + math.Log(n)) * float64(v.Weights[i])
	}
	length := norm(weights)
	for i := range weights {
		weights[i] /= length
	}
	return weights
}

// norm is the length of a vector, 1 of an empty one. It is summed in order: the
// same text is the same vector to the last bit.
func norm(weights map[int32]float64) float64 {
	sum := 0.0
	for _, i := range slices.Sorted(maps.Keys(weights)) {
		sum += weights[i] * weights[i]
	}
	if sum == 0 {
		return 1
	}
	return math.Sqrt(sum)
}
