package classify

import (
	"errors"
	"fmt"
	"math"
	"slices"
	"sort"
)

// Example is a text whose label is known.
type Example struct{ Label, Text string }

// Model is what was learned.
type Model struct {
	Labels []string
	Sure   float64 // the least probability for which a label is proposed
	Texts  int     // that were learned from

	vocabulary *vocabulary
	planes     []linear
	sigmoids   []sigmoid
}

// Bounds of learning.
const (
	MaxLabels   = 2_000
	MaxExamples = 1_000_000
	fewestOf    = 4 // examples of a label: fewer cannot be learned and checked
	checks      = 3 // folds that probabilities are calibrated on
)

// DefaultSure is where a proposal is right more often than a glance costs.
const DefaultSure = 0.5

// ErrTooFew says that there is nothing to learn from.
var ErrTooFew = errors.New("classify: give at least two labels with four texts each")

// Learn makes a model of examples. Labels with fewer than four are left out.
// Errors: ErrTooFew.
func Learn(examples []Example) (*Model, error) {
	if len(examples) > MaxExamples {
		return nil, fmt.Errorf("classify: %d texts at most", MaxExamples)
	}
	counts := map[string]int{}
	for _, e := range examples {
		counts[e.Label]++
	}
	m := &Model{Sure: DefaultSure}
	for label, n := range counts {
		if n >= fewestOf {
			m.Labels = append(m.Labels, label)
		}
	}
	sort.Strings(m.Labels)
	if len(m.Labels) < 2 {
		return nil, ErrTooFew
	}
	if len(m.Labels) > MaxLabels {
		return nil, fmt.Errorf("classify: %d labels at most", MaxLabels)
	}
	examples = slices.DeleteFunc(slices.Clone(examples), func(e Example) bool { return counts[e.Label] < fewestOf })
	m.Texts = len(examples)
	texts := make([]string, len(examples))
	for i, e := range examples {
		texts[i] = e.Text
	}
	m.vocabulary = learnVocabulary(texts)
	xs := make([]vector, len(texts))
	for i, text := range texts {
		xs[i] = m.vocabulary.vector(text)
	}
	labels := make([]int, len(examples))
	for i, e := range examples {
		labels[i], _ = slices.BinarySearch(m.Labels, e.Label)
	}
	for label := range m.Labels {
		m.planes = append(m.planes, m.plane(xs, labels, label, nil, 0))
		m.sigmoids = append(m.sigmoids, m.sigmoid(xs, labels, label))
	}
	return m, nil
}

// plane learns one label against the others, from the examples that are not left out.
func (m *Model) plane(xs []vector, labels []int, label int, fold []int, out int) linear {
	var some []vector
	var positive []bool
	for i, x := range xs {
		if fold == nil || fold[i] != out {
			some, positive = append(some, x), append(positive, labels[i] == label)
		}
	}
	with := 0
	for _, p := range positive {
		if p {
			with++
		}
	}
	// A rare label's mistakes weigh as much, all together, as those of all others.
	n, k := float64(len(some)), float64(len(m.Labels))
	weight := [2]float64{n / (n - float64(with)) * (k - 1) / k, n / (k * float64(max(with, 1)))}
	return learnLinear(some, positive, len(m.vocabulary.Pieces), weight, uint64(label)) //nolint:gosec // an index
}

// sigmoid calibrates a label on scores of planes that had not seen the text.
func (m *Model) sigmoid(xs []vector, labels []int, label int) sigmoid {
	fold, next := make([]int, len(xs)), map[int]int{}
	positive := make([]bool, len(xs))
	for i, l := range labels { // each label's examples are dealt out in turn
		fold[i] = next[l] % checks
		next[l]++
		positive[i] = l == label
	}
	scores := make([]float64, len(xs))
	for out := range checks {
		plane := m.plane(xs, labels, label, fold, out)
		for i, x := range xs {
			if fold[i] == out {
				scores[i] = plane.score(x)
			}
		}
	}
	return calibrate(scores, positive)
}

// Choice is a label with its probability.
type Choice struct {
	Label       string  `json:"label"`
	Probability float64 `json:"probability"`
}

// Prediction is what a model says of a text.
type Prediction struct {
	Choice
	Sure    bool     `json:"sure"`    // whether it is worth proposing
	Others  []Choice `json:"others"`  // the next most probable, three at most
	Because []string `json:"because"` // pieces of the text that speak for the label, the strongest first
}

// Predict says which label a text has.
func (m *Model) Predict(text string) Prediction {
	x := m.vocabulary.vector(text)
	best, scores := 0, make([]float64, len(m.planes))
	probabilities := make([]float64, len(m.planes))
	sum := 0.0
	for i, plane := range m.planes {
		scores[i] = plane.score(x)
		probabilities[i] = m.sigmoids[i].of(scores[i])
		sum += probabilities[i]
		if scores[i] > scores[best] {
			best = i
		}
	}
	order := make([]int, len(scores))
	for i := range order {
		order[i] = i
		if sum > 0 {
			probabilities[i] /= sum
		} else {
			probabilities[i] = 1 / float64(len(scores))
		}
	}
	sort.SliceStable(order, func(a, b int) bool { return probabilities[order[a]] > probabilities[order[b]] })
	// The planes decide; their probabilities say how sure that is.
	p := Prediction{Choice: Choice{m.Labels[best], probabilities[best]}, Because: []string{}, Others: []Choice{}}
	p.Sure = len(x.index) > 0 && p.Probability >= m.Sure && !math.IsNaN(p.Probability)
	for _, i := range order {
		if i != best && len(p.Others) < 3 {
			p.Others = append(p.Others, Choice{m.Labels[i], probabilities[i]})
		}
	}
	p.Because = append(p.Because, m.because(text, x, best)...)
	return p
}
