package classify

import (
	"math/rand/v2"
	"slices"
	"sort"
)

// Measure says how good predictions were.
type Measure struct {
	Texts    int            `json:"texts"`
	Accuracy float64        `json:"accuracy"`
	MacroF1  float64        `json:"macro_f1"` // mean of the labels' F1
	Sure     float64        `json:"sure"`     // part of the texts for which a label was proposed
	Right    float64        `json:"right"`    // of those, the part that was right
	Labels   []LabelMeasure `json:"labels"`
}

// LabelMeasure is that of one label.
type LabelMeasure struct {
	Label     string  `json:"label"`
	Texts     int     `json:"texts"`
	Precision float64 `json:"precision"`
	Recall    float64 `json:"recall"`
	F1        float64 `json:"f1"`
}

// tally counts predictions.
type tally struct {
	texts, right, sure, rightOfSure int
	of                              map[string]*[3]int // hits, false alarms, misses
}

func newTally() *tally { return &tally{of: map[string]*[3]int{}} }

func (t *tally) label(name string) *[3]int {
	if t.of[name] == nil {
		t.of[name] = &[3]int{}
	}
	return t.of[name]
}

func (t *tally) add(want string, p Prediction) {
	t.texts++
	hit := p.Label == want
	if p.Sure {
		t.sure++
	}
	if !hit {
		t.label(p.Label)[1]++
		t.label(want)[2]++
		return
	}
	t.label(want)[0]++
	t.right++
	if p.Sure {
		t.rightOfSure++
	}
}

func part(n, of int) float64 {
	if of == 0 {
		return 0
	}
	return float64(n) / float64(of)
}

func (t *tally) measure() Measure {
	m := Measure{Texts: t.texts, Accuracy: part(t.right, t.texts), Sure: part(t.sure, t.texts), Right: part(t.rightOfSure, t.sure), Labels: []LabelMeasure{}}
	for label, n := range t.of {
		l := LabelMeasure{Label: label, Texts: n[0] + n[2], Precision: part(n[0], n[0]+n[1]), Recall: part(n[0], n[0]+n[2])}
		l.F1 = part(2*n[0], 2*n[0]+n[1]+n[2])
		m.Labels = append(m.Labels, l)
	}
	sort.Slice(m.Labels, func(a, b int) bool { return m.Labels[a].Label < m.Labels[b].Label })
	for _, l := range m.Labels {
		m.MacroF1 += l.F1 / float64(len(m.Labels))
	}
	return m
}

// Evaluate measures a model on texts whose labels are known.
func (m *Model) Evaluate(examples []Example) Measure {
	t := newTally()
	for _, e := range examples {
		t.add(e.Label, m.Predict(e.Text))
	}
	return t.measure()
}

// CrossValidate learns and measures on parts of the examples that the model has
// not seen: folds of equal shares of each label, dealt out at random by the seed.
// It gives the measure of each fold.
func CrossValidate(examples []Example, folds int, seed uint64) ([]Measure, error) {
	fold := deal(examples, folds, seed)
	var all []Measure
	for out := range folds {
		var learn, check []Example
		for i, e := range examples {
			if fold[i] == out {
				check = append(check, e)
			} else {
				learn = append(learn, e)
			}
		}
		m, err := Learn(learn)
		if err != nil {
			return nil, err
		}
		all = append(all, m.Evaluate(check))
	}
	return all, nil
}

func deal(examples []Example, folds int, seed uint64) []int {
	random := rand.New(rand.NewPCG(seed, 0xf01d)) //nolint:gosec // the same folds each time
	order := random.Perm(len(examples))
	slices.SortStableFunc(order, func(a, b int) int {
		switch {
		case examples[a].Label < examples[b].Label:
			return -1
		case examples[a].Label > examples[b].Label:
			return 1
		}
		return 0
	})
	fold := make([]int, len(examples))
	for at, i := range order {
		fold[i] = at % folds
	}
	return fold
}
