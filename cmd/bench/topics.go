package main

import (
	"context"
	"math"
	"slices"
	"time"

	"hotline/cmd/city"
	"hotline/search"
	"hotline/search/classify"
	"hotline/search/topic"
	"hotline/ticketing"
)

// groupedTickets are grouped; the baseline compares each with each.
const groupedTickets = 2_500

// benchTopics groups a generated city's tickets and compares the groups with what the
// generator knows: the same matter is the same category at the same place. Neither is given:
// places are read from the texts, categories proposed by a model of earlier tickets.
func benchTopics(ctx context.Context, r *run) error {
	end := time.Date(2026, 1, 1, 0, 0, 0, 0, ticketing.Shanghai())
	sample := city.Sample()
	g, err := city.New(7, sample, city.Options{From: end.AddDate(0, 0, -30), To: end, Count: groupedTickets})
	if err != nil {
		return err
	}
	gazetteer := city.Addresses(sample, city.Gazetteer())
	var reports []topic.Report
	var truth []string
	for c := range g.All() {
		report := topic.Report{ID: c.ID, User: c.Citizen.Phone, Title: c.Appeal.Title, Body: c.Appeal.Description, Time: c.ArrivedAt}
		if place := gazetteer.ReadBoth(c.Appeal.Address, c.Appeal.Title+"。"+c.Appeal.Description).Place; place != nil {
			report.Place = place.Name
		}
		reports, truth = append(reports, report), append(truth, c.Place+"\n"+c.Appeal.Category)
	}
	if err := proposeCategories(reports, sample, end); err != nil {
		return err
	}
	whole := pairwiseF1(truth, grouped(reports))
	r.add(Figure{
		Name: "topics_pairwise_f1", Value: whole, Goal: 0.94, HigherIsBetter: true,
		Baseline: bestLinkage(reports, truth), BaselineName: "average-link clustering on TF-IDF of character pairs, at its best threshold",
	})
	return onEngines(ctx, r, "topics", func(engine string, index *search.Index) error {
		return benchGather(ctx, r, engine, index, reports, truth, whole)
	})
}

// proposeCategories says what a model would that learned from the months before.
func proposeCategories(reports []topic.Report, sample ticketing.City, end time.Time) error {
	before, err := city.New(8, sample, city.Options{From: end.AddDate(0, -4, 0), To: end.AddDate(0, 0, -30), Count: 8_000})
	if err != nil {
		return err
	}
	var examples []classify.Example
	for c := range before.All() {
		examples = append(examples, classify.Example{Label: c.Appeal.Category, Text: c.Appeal.Title + "\n" + c.Appeal.Description})
	}
	m, err := classify.Learn(examples)
	if err != nil {
		return err
	}
	for i := range reports {
		reports[i].Category = m.Predict(reports[i].Title + "\n" + reports[i].Body).Label
	}
	return nil
}

// grouped is the topic of each report.
func grouped(reports []topic.Report) []int {
	words := topic.NewWords()
	for _, r := range reports {
		words.Learn(r.Title, r.Body)
	}
	groups := topic.NewGroups(words, topic.DefaultSettings())
	numbers := make([]int, len(reports))
	for i, r := range reports {
		numbers[i] = groups.Add(r).Number
	}
	for i, n := range numbers {
		numbers[i] = groups.Of(n).Number // topics may have been joined since
	}
	return numbers
}

// pairwiseF1 is the harmonic mean of precision and recall over pairs of reports that
// are in one group.
func pairwiseF1[A, B comparable](truth []A, found []B) float64 {
	type both struct {
		a A
		b B
	}
	as, bs, together := map[A]int{}, map[B]int{}, map[both]int{}
	for i := range truth {
		as[truth[i]]++
		bs[found[i]]++
		together[both{truth[i], found[i]}]++
	}
	right, there, said := pairs(together), pairs(as), pairs(bs)
	if there+said == 0 {
		return 0
	}
	return 2 * right / (there + said)
}

func pairs[K comparable](sizes map[K]int) float64 {
	n := 0.0
	for _, size := range sizes {
		n += float64(size) * float64(size-1) / 2
	}
	return n
}

// bestLinkage is the best that average-link clustering reaches, over all thresholds.
func bestLinkage(reports []topic.Report, truth []string) float64 {
	texts := make([]string, len(reports))
	for i, r := range reports {
		texts[i] = r.Title + "\n" + r.Body
	}
	merges := averageLink(cosines(texts))
	slices.SortFunc(merges, func(a, b merge) int {
		if a.nearness > b.nearness {
			return -1
		}
		return 1
	})
	group := make([]int, len(reports))
	for i := range group {
		group[i] = i
	}
	find := func(i int) int {
		for group[i] != i {
			group[i] = group[group[i]]
			i = group[i]
		}
		return i
	}
	best := 0.0
	for k, m := range merges {
		group[find(m.b)] = find(m.a)
		if k%50 != 0 {
			continue
		}
		now := make([]int, len(group))
		for i := range now {
			now[i] = find(i)
		}
		best = math.Max(best, pairwiseF1(truth, now))
	}
	return best
}

// cosines are the nearness of each two texts by TF-IDF of character pairs.
func cosines(texts []string) [][]float32 {
	type part struct {
		text   int
		weight float32
	}
	holders := map[[2]rune][]part{}
	for i, text := range texts {
		counts := map[[2]rune]float64{}
		runes := []rune(text)
		for k := 1; k < len(runes); k++ {
			counts[[2]rune{runes[k-1], runes[k]}]++
		}
		for pair, n := range counts {
			holders[pair] = append(holders[pair], part{i, float32(n)})
		}
	}
	squares := make([]float64, len(texts))
	for _, list := range holders {
		idf := math.Log(float64(1+len(texts))/float64(1+len(list))) + 1
		for k := range list {
			list[k].weight *= float32(idf)
			squares[list[k].text] += float64(list[k].weight) * float64(list[k].weight)
		}
	}
	near := make([][]float32, len(texts))
	for i := range near {
		near[i] = make([]float32, len(texts))
	}
	for _, list := range holders {
		for _, a := range list {
			for _, b := range list {
				near[a.text][b.text] += a.weight * b.weight
			}
		}
	}
	for i := range near {
		for j := range near[i] {
			near[i][j] /= float32(math.Sqrt(squares[i] * squares[j]))
		}
	}
	return near
}

// merge joins the groups of two texts.
type merge struct {
	a, b     int
	nearness float32
}

// averageLink clusters to the end, by chains of nearest neighbours (Murtagh 1983).
func averageLink(near [][]float32) []merge {
	n := len(near)
	sizes := make([]float32, n)
	alive := make([]bool, n)
	for i := range n {
		sizes[i], alive[i] = 1, true
	}
	var merges []merge
	var chain []int
	for len(merges) < n-1 {
		if len(chain) == 0 {
			chain = append(chain, slices.Index(alive, true))
		}
		a := chain[len(chain)-1]
		b, most := -1, float32(-1)
		if len(chain) > 1 {
			b, most = chain[len(chain)-2], near[a][chain[len(chain)-2]]
		}
		for k := range n {
			if alive[k] && k != a && near[a][k] > most {
				b, most = k, near[a][k]
			}
		}
		if len(chain) < 2 || b != chain[len(chain)-2] {
			chain = append(chain, b)
			continue
		}
		chain = chain[:len(chain)-2]
		merges = append(merges, merge{a, b, most})
		for k := range n {
			if alive[k] && k != a && k != b {
				mean := (sizes[a]*near[a][k] + sizes[b]*near[b][k]) / (sizes[a] + sizes[b])
				near[a][k], near[k][a] = mean, mean
			}
		}
		sizes[a] += sizes[b]
		alive[b] = false
	}
	return merges
}
