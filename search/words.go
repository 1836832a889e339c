package search

import (
	"context"
	"fmt"
	"math"
	"sync"
	"sync/atomic"
	"time"
)

// How common words are is learned from the newest documents, again after a while.
const (
	learnedDocs  = 20_000
	learnedPage  = 2_000
	learnedAgain = time.Hour
	fewDocs      = 2_000       // of which no share tells how much an engine reads
	learnedSoon  = time.Minute // again, while there are no more than those
)

// rarity says how much each piece of a text tells, by how few documents have it.
type rarity struct {
	docs int
	of   map[string]int32
	at   time.Time
}

// unread are texts that a few stand for: what three of six have is not common yet.
const unread = 200

// most is the weight of a piece that hardly any document has: beyond, it is a name or a
// slip of the pen, not a matter.
const mostWeight = 6.0

// weight is the inverse document frequency; 0 for what tells nothing.
func (r *rarity) weight(piece string) float64 {
	w := math.Log(float64(r.docs+unread)/float64(r.of[piece]+1)) - 1
	return math.Max(0, math.Min(w, mostWeight))
}

// pieces are the pairs of Han characters that follow one another and the whole words of
// a text, each with its clause, in order.
func pieces(text string) []Clause {
	atoms := Analyse(text)
	out := make([]Clause, 0, len(atoms))
	for i, a := range atoms {
		switch {
		case !a.Han:
			out = append(out, Clause(atoms[i:i+1]))
		case i+1 < len(atoms) && atoms[i+1].Joined:
			out = append(out, Clause(atoms[i:i+2]))
		}
	}
	return out
}

func (c Clause) spelled() string {
	if len(c) == 2 {
		return c[0].Text + c[1].Text
	}
	return c[0].Text
}

// learning keeps one rarity and lets one caller at a time learn it.
type learning struct {
	mu  sync.Mutex
	now atomic.Pointer[rarity]
}

// Learn learns how common words are where that is not known, or was learned long ago. Who
// calls it now and then spares those who ask for what is similar the time that it takes.
func (x *Index) Learn(ctx context.Context) error {
	_, err := x.learn(ctx, (*rarity).old)
	return err
}

// rarity is what is known of how common words are; it is learned where nothing is known
// yet, or of so few documents that it is done at once.
func (x *Index) rarity(ctx context.Context) (*rarity, error) {
	return x.learn(ctx, func(r *rarity) bool { return r.young() && r.old() })
}

// learn is the rarity that is known; one that is outdated is learned again.
func (x *Index) learn(ctx context.Context, outdated func(*rarity) bool) (*rarity, error) {
	if known := x.learned.now.Load(); known != nil && !outdated(known) {
		return known, nil
	}
	x.learned.mu.Lock()
	defer x.learned.mu.Unlock()
	if known := x.learned.now.Load(); known != nil && !outdated(known) {
		return known, nil
	}
	r := &rarity{of: map[string]int32{}, at: time.Now()}
	if err := x.Newest(ctx, learnedDocs, r.learn); err != nil {
		return nil, fmt.Errorf("learn words: %w", err)
	}
	x.learned.now.Store(r)
	return r, nil
}

// young tells whether so little was read that an index of its size grows fast.
func (r *rarity) young() bool { return r.docs < fewDocs }

// old tells whether it is time to learn again.
func (r *rarity) old() bool {
	if r.young() {
		return time.Since(r.at) >= learnedSoon
	}
	return time.Since(r.at) >= learnedAgain
}

// Newest goes through the newest documents, n at most.
func (x *Index) Newest(ctx context.Context, n int, do func(Row)) error {
	return x.each(ctx, Plan{Scope: Scope{All: true}, Sort: ByNewest}, n, do)
}

// each goes through the rows of a plan, n at most.
func (x *Index) each(ctx context.Context, plan Plan, n int, do func(Row)) error {
	plan.TotalCap = 1
	for n > 0 {
		plan.Limit = min(n, learnedPage)
		found, err := x.driver.Search(ctx, plan)
		if err != nil {
			return unanswered(ctx, err)
		}
		for _, row := range found.Rows {
			do(row)
		}
		if len(found.Rows) < plan.Limit {
			return nil
		}
		n -= len(found.Rows)
		last := found.Rows[len(found.Rows)-1]
		plan.After = &Position{CreatedAt: last.CreatedAt, ID: last.ID}
	}
	return nil
}

// Holds tells which of some documents the index has.
func (x *Index) Holds(ctx context.Context, ids []string) (map[string]bool, error) {
	held := make(map[string]bool, len(ids))
	err := inBatches(ids, x.batch, func(part []string) error {
		stamps, err := x.driver.Lookup(ctx, part)
		for _, s := range stamps {
			held[s.ID] = true
		}
		return err
	})
	if err != nil {
		return nil, unanswered(ctx, err)
	}
	return held, nil
}

func (r *rarity) learn(row Row) {
	seen := map[string]bool{}
	for _, text := range []string{row.Title, row.Body} {
		for _, p := range pieces(text) {
			s := p.spelled()
			if !seen[s] {
				seen[s] = true
				r.of[s]++
			}
		}
	}
	r.docs++
}
