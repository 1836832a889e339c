package topic

import (
	"cmp"
	"slices"
	"strings"
	"unicode/utf8"

	"hotline/search"
)

// What a title begins and ends with that says nothing of the matter.
var (
	opening = []string{"关于", "反映", "投诉", "举报", "咨询", "请问", "再次", "强烈", "坚决", "建议", "希望", "恳请", "请求", "求助", "询问", "请", "对", "有关", "紧急"}
	closing = []string{"的问题", "的投诉", "的建议", "的咨询", "的请求", "！", "!", "。", "？", "?", "，", " "}
)

const (
	shortestName = 8 // characters
	longestName  = 30
	mostNamed    = 60 // members that are looked at for a name
	mostWords    = 5
)

// Name is the title that says best what a topic is about: near to all the others,
// neither too short nor too long.
func (g *Groups) Name(t *Topic) string {
	best, most := 0, -1.0
	for i := range t.Members[:min(len(t.Members), mostNamed)] {
		score := g.says(t, t.Members[i].Title)
		switch n := utf8.RuneCountInString(t.Members[i].Title); {
		case n < shortestName:
			score *= 0.6
		case n > longestName:
			score *= 0.8
		}
		if score > most {
			best, most = i, score
		}
	}
	return bare(t.Members[best].Title)
}

// says is how near a title alone is to a topic, in place and matter.
func (g *Groups) says(t *Topic, title string) float64 {
	place, matter := g.words.vectors(title, "")
	score := 0.0
	for _, x := range place {
		score += float64(x.weight) * t.place.terms[x.id] / float64(max(t.place.n, 1))
	}
	for _, x := range matter {
		score += float64(x.weight) * t.matter.terms[x.id] / float64(max(t.matter.n, 1))
	}
	return score
}

// bare drops what says nothing of the matter, and keeps a title that is nothing else.
func bare(title string) string {
	title = strings.TrimSpace(title)
	text := title
	for again := true; again; {
		again = false
		for _, o := range opening {
			if rest, ok := strings.CutPrefix(text, o); ok {
				text, again = strings.TrimLeft(rest, "，,：: "), true
			}
		}
	}
	for again := true; again; {
		again = false
		for _, c := range closing {
			if rest, ok := strings.CutSuffix(text, c); ok {
				text, again = rest, true
			}
		}
	}
	if utf8.RuneCountInString(text) < 4 {
		return title
	}
	return text
}

// Words are what most titles of a topic have and few others: up to five, the most telling first.
func (g *Groups) Words(t *Topic) []string {
	titles := make([]string, len(t.Members))
	for i, m := range t.Members {
		titles[i] = m.Title
	}
	return g.words.Telling(titles)
}

// Telling are what most of some titles have and few texts that were learned: up to
// five, the most telling first.
func (w *Words) Telling(titles []string) []string {
	type candidate struct {
		text  string
		score float64
	}
	titles = titles[:min(len(titles), mostNamed)]
	counts, rarity := map[string]int{}, map[string]float64{}
	for _, title := range titles {
		seen := map[string]bool{}
		w.runs(title, func(text string, rare float64) {
			if !seen[text] {
				seen[text] = true
				counts[text]++
				rarity[text] = rare
			}
		})
	}
	least := max(1, (len(titles)+2)/3)
	if len(titles) > 1 {
		least = max(2, least)
	}
	var list []candidate
	for text, n := range counts {
		if n >= least {
			list = append(list, candidate{text, float64(n) * rarity[text] * float64(utf8.RuneCountInString(text))})
		}
	}
	slices.SortFunc(list, func(a, b candidate) int { return cmp.Or(cmp.Compare(b.score, a.score), cmp.Compare(a.text, b.text)) })
	var words []string
	for _, c := range list {
		if len(words) == mostWords {
			break
		}
		if !slices.ContainsFunc(words, func(w string) bool { return search.Overlap(w, c.text) }) {
			words = append(words, c.text)
		}
	}
	return words
}

const longestRun = 6 // characters of a word that is offered

// runs gives the pieces of two to six characters that a title holds, and how rare
// their pairs are in the mean.
func (w *Words) runs(title string, do func(text string, rare float64)) {
	atoms := search.Analyse(title)
	for i := range atoms {
		text, sum := atoms[i].Text, 0.0
		for k := i + 1; k < len(atoms) && k-i < longestRun && atoms[k].Joined; k++ {
			text += atoms[k].Text
			id, known := w.ids[atoms[k-1].Text+atoms[k].Text]
			if !known {
				break
			}
			r := w.rarity(id)
			if r < commonMatter {
				break // a word that everything has belongs to none
			}
			sum += r
			do(text, sum/float64(k-i))
		}
	}
}
