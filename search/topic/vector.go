package topic

import (
	"cmp"
	"math"
	"slices"

	"hotline/search"
)

// term is one piece of a text and how much it weighs there.
type term struct {
	id     uint32
	weight float32
}

// vector is sparse, in order of id, of length one; empty for a text that says nothing.
type vector []term

// Words are the pieces that texts are made of and in how many texts each was.
type Words struct {
	ids   map[string]uint32
	names []string
	texts []int32 // in how many
	total int
}

// NewWords knows nothing yet.
func NewWords() *Words { return &Words{ids: map[string]uint32{}} }

// Learn counts the pieces of a report's texts.
func (w *Words) Learn(title, body string) {
	seen := map[uint32]bool{}
	for _, text := range []string{title, body} {
		for _, p := range pieces(text) {
			id := w.id(p.text)
			if !seen[id] {
				seen[id] = true
				w.texts[id]++
			}
		}
	}
	w.total++
}

// Texts is how many were learned.
func (w *Words) Texts() int { return w.total }

func (w *Words) id(piece string) uint32 {
	id, ok := w.ids[piece]
	if !ok {
		id = uint32(len(w.names)) //nolint:gosec // far fewer pieces than that
		w.ids[piece] = id
		w.names, w.texts = append(w.names, piece), append(w.texts, 0)
	}
	return id
}

// unread are texts that a few stand for: what three of six have is not common yet.
const unread = 200

// rarity is the inverse document frequency.
func (w *Words) rarity(id uint32) float64 {
	return math.Log(float64(w.total+unread) / float64(w.texts[id]+1))
}

// piece is a pair of Han characters that follow one another, or a whole word.
type piece struct {
	text  string
	place bool // part of a place's name
}

func pieces(text string) []piece {
	atoms := search.Analyse(text)
	in := placed(atoms)
	out := make([]piece, 0, len(atoms))
	for i, a := range atoms {
		switch {
		case !a.Han:
			out = append(out, piece{a.Text, in[i]})
		case i+1 < len(atoms) && atoms[i+1].Joined:
			out = append(out, piece{a.Text + atoms[i+1].Text, in[i] && in[i+1]})
		}
	}
	return out
}

// How a report's vectors are made.
const (
	titleShare = 0.6 // of the length; the text has the rest
	mostTerms  = 80  // that are kept, by weight
	mostBody   = 600 // bytes of the text that are read: what it is about comes first

	// Rarities. A place of every seventeenth text is the whole district or city, and
	// tells nothing; nor does a word of every third. A word rarer than that of every
	// hundred and fiftieth text weighs no more: it is a name, not a matter.
	commonPlace  = 2.8
	commonMatter = 1
	rareMatter   = 4
)

// vectors weigh the pieces of a report by how rare they are: those of places, and the
// others.
func (w *Words) vectors(title, body string) (place, matter vector) {
	places, matters := map[uint32]float64{}, map[uint32]float64{}
	w.weigh(places, matters, title, titleShare)
	w.weigh(places, matters, cut(body, mostBody), 1-titleShare)
	return heaviest(places), heaviest(matters)
}

func (w *Words) weigh(places, matters map[uint32]float64, text string, share float64) {
	counts := map[bool]map[uint32]int{true: {}, false: {}}
	order := map[bool][]uint32{}
	for _, p := range pieces(text) {
		id := w.id(p.text)
		if counts[p.place][id]++; counts[p.place][id] == 1 {
			order[p.place] = append(order[p.place], id)
		}
	}
	for place, sum := range map[bool]map[uint32]float64{true: places, false: matters} {
		part, squares := make(map[uint32]float64, len(counts[place])), 0.0
		for _, id := range order[place] {
			n := counts[place][id]
			weight := w.rarity(id)
			if place {
				weight -= commonPlace
			} else {
				weight = min(weight-commonMatter, rareMatter)
			}
			if weight <= 0 {
				continue
			}
			part[id] = (1 + math.Log(float64(n))) * weight
			squares += part[id] * part[id]
		}
		if squares == 0 {
			continue
		}
		for id, weight := range part {
			sum[id] += share * weight / math.Sqrt(squares)
		}
	}
}

func (v vector) normalise() {
	squares := 0.0
	for _, t := range v {
		squares += float64(t.weight) * float64(t.weight)
	}
	if squares == 0 {
		return
	}
	by := float32(1 / math.Sqrt(squares))
	for i := range v {
		v[i].weight *= by
	}
}

func cut(text string, most int) string {
	if len(text) <= most {
		return text
	}
	for most > 0 && text[most]&0xC0 == 0x80 { // within a character
		most--
	}
	return text[:most]
}

// heaviest keeps the terms of most weight, in order of id and of length one.
func heaviest(sum map[uint32]float64) vector {
	v := make(vector, 0, len(sum))
	for id, weight := range sum {
		v = append(v, term{id, float32(weight)})
	}
	slices.SortFunc(v, func(a, b term) int { return cmp.Or(cmp.Compare(b.weight, a.weight), cmp.Compare(a.id, b.id)) })
	v = v[:min(len(v), mostTerms)]
	slices.SortFunc(v, func(a, b term) int { return cmp.Compare(a.id, b.id) })
	v.normalise()
	return v
}
