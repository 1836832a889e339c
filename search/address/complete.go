package address

import (
	"cmp"
	"slices"
	"strings"

	"hotline/search/pinyin"
)

// Complete returns at most n places that are called as typed: by characters anywhere in
// a name, or by how it begins in pinyin, each character by its initial or in full. Names
// that begin so come first, shorter ones before longer ones.
func (g *Gazetteer) Complete(typed string, n int) []*Place {
	typed = strings.ToLower(strings.Join(strings.Fields(typed), ""))
	if typed == "" || len([]rune(typed)) > MaxName {
		return nil
	}
	latin := strings.IndexFunc(typed, func(r rune) bool { return r < 'a' || r > 'z' }) < 0
	bySound := map[int32]bool{}
	if latin {
		for _, i := range g.initials[typed[0]] {
			if n := g.names[i]; !bySound[n.place] && pinyin.Begins(n.called, typed) {
				bySound[n.place] = true
			}
		}
	}
	type hit struct {
		place *Place
		rank  int
	}
	var all []hit
	for i := range g.places {
		p := &g.places[i]
		best := -1
		for _, called := range append([]string{p.Name}, p.Aliases...) {
			rank := -1
			switch at := strings.Index(strings.ToLower(called), typed); {
			case at == 0:
				rank = 0
			case bySound[int32(i)]: //nolint:gosec // MaxPlaces
				rank = 1
			case at > 0:
				rank = 2
			}
			if rank >= 0 && (best < 0 || rank < best) {
				best = rank
			}
		}
		if best >= 0 {
			all = append(all, hit{p, best})
		}
	}
	slices.SortStableFunc(all, func(a, b hit) int {
		return cmp.Or(cmp.Compare(a.rank, b.rank), cmp.Compare(len(a.place.Name), len(b.place.Name)))
	})
	out := make([]*Place, min(n, len(all)))
	for i := range out {
		out[i] = all[i].place
	}
	return out
}
