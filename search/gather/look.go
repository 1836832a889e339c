package gather

import (
	"cmp"
	"context"
	"errors"
	"fmt"
	"slices"
	"sync"
	"time"

	"hotline/search"
	"hotline/search/topic"
)

// Report is a ticket without its person.
type Report struct {
	ID        string
	Number    string
	Person    string // the same for all tickets of one person; empty where that is not known
	Title     string
	Text      string
	Category  string // leaf
	District  string
	Place     string // key in the gazetteer
	PlaceName string
	Location  *search.Point
	At        time.Time // created
	Accepted  time.Time
	Bad       bool // the answer was rated badly
	Cancelled bool
}

func (r Report) topical() topic.Report {
	return topic.Report{ID: r.ID, User: r.Person, Title: r.Title, Body: r.Text, Place: r.Place, Category: r.Category, Time: r.At, Bad: r.Bad}
}

// Source is where the tickets are.
type Source interface {
	// After lists tickets outside of sealed partitions whose number follows one, in order of it.
	After(ctx context.Context, number string, limit int) ([]Report, error)
	// Reports reads some by id, in no order; what is not there, or sealed, is left out.
	Reports(ctx context.Context, ids []string) ([]Report, error)
}

// Index finds tickets that are alike; *search.Index has it.
type Index interface {
	Similar(ctx context.Context, q search.SimilarQuery) ([]search.Similar, error)
	Newest(ctx context.Context, n int, do func(search.Row)) error
	Holds(ctx context.Context, ids []string) (map[string]bool, error)
	Refresh(ctx context.Context) error
}

// Settings of a Gatherer.
type Settings struct {
	NewID func(time.Time) string
	// Grew is told of each topic that got tickets, once they are kept, until it takes it: more
	// than once where a look is interrupted.
	Grew func(ctx context.Context, t Topic) error
}

// How far a look goes.
const (
	window      = 180 * 24 * time.Hour // tickets before are not compared
	firstLook   = 90 * 24 * time.Hour  // before the first ticket that is gathered at all
	lookFor     = 4 * time.Minute      // of a backlog; the next look goes on
	overlap     = 2 * time.Minute      // in which a lower number may be committed after a higher one
	unindexed   = 10 * time.Minute     // for which a ticket is waited for that the index does not have
	pageSize    = 200
	nearTickets = search.MaxSimilar
	nearMembers = 30 // of a topic that are compared with
	toldAtOnce  = 500
	learnedDocs = 20_000
	learnAgain  = 24 * time.Hour
	fewTexts    = 2_000       // after which words are learned once a day
	learnSoon   = time.Minute // again, until then
)

// Gatherer gathers tickets into topics. It is safe for concurrent use.
type Gatherer struct {
	source   Source
	index    Index
	store    Store
	settings Settings

	mu        sync.Mutex // over each page of a look and each deed of people: words are not safe
	words     *topic.Words
	learnedAt time.Time
}

// New makes a gatherer.
func New(source Source, index Index, store Store, s Settings) *Gatherer {
	if s.Grew == nil {
		s.Grew = func(context.Context, Topic) error { return nil }
	}
	return &Gatherer{source: source, index: index, store: store, settings: s}
}

// Look gathers the tickets that have come.
func (g *Gatherer) Look(ctx context.Context, now time.Time) error {
	after, err := g.store.LastNumber(ctx, now.Add(-overlap))
	if err != nil {
		return fmt.Errorf("gather: %w", err)
	}
	if after == "" {
		after = now.Add(-firstLook).Format("20060102")
	}
	whole := true
	for began := time.Now(); whole && err == nil && time.Since(began) < lookFor; {
		after, whole, err = g.page(ctx, after, now)
	}
	if err := errors.Join(err, g.tell(ctx)); err != nil {
		return fmt.Errorf("gather: %w", err)
	}
	return nil
}

// page gathers a page of tickets and tells where the next begins, and whether there may be one.
func (g *Gatherer) page(ctx context.Context, after string, now time.Time) (next string, whole bool, err error) {
	g.mu.Lock()
	defer g.mu.Unlock()
	reports, err := g.source.After(ctx, after, pageSize)
	if err != nil || len(reports) == 0 {
		return after, false, err
	}
	if err := g.learn(ctx, now); err != nil {
		return after, false, err
	}
	ids := idsOf(reports)
	known, err := g.store.Memberships(ctx, ids)
	if err != nil {
		return after, false, err
	}
	gathered := map[string]bool{}
	for _, m := range known {
		gathered[m.Ticket] = true
	}
	held, err := g.index.Holds(ctx, ids)
	if err == nil && len(known) < len(ids) {
		err = g.index.Refresh(ctx)
	}
	if err != nil {
		return after, false, err
	}
	for _, r := range reports {
		if gathered[r.ID] || r.Cancelled {
			continue
		}
		if !held[r.ID] && now.Sub(r.Accepted) < unindexed {
			return after, false, nil // those after it could not find it
		}
		err := g.gather(ctx, r, now)
		if errors.Is(err, ErrConflict) {
			return after, false, nil // another node gathers, or somebody moves tickets: the next look goes on
		}
		if err != nil {
			return after, false, fmt.Errorf("%s: %w", r.Number, err)
		}
	}
	return reports[len(reports)-1].Number, len(reports) == pageSize, nil
}

// tell tells of the topics that grew. One that cannot be told of keeps no other waiting.
func (g *Gatherer) tell(ctx context.Context) error {
	grown, err := g.store.Grown(ctx, toldAtOnce)
	if err != nil {
		return err
	}
	var errs []error
	for _, one := range grown {
		if ctx.Err() != nil {
			break
		}
		err := g.tellOf(ctx, one.Topic)
		if err == nil {
			err = g.store.ToldGrown(ctx, one)
		}
		errs = append(errs, err)
	}
	return errors.Join(errs...)
}

// tellOf tells of a topic under the id that it has now.
func (g *Gatherer) tellOf(ctx context.Context, id string) error {
	for {
		t, err := g.store.Topic(ctx, id)
		if err != nil {
			return err
		}
		if t.Into == "" {
			return g.settings.Grew(ctx, t)
		}
		id = t.Into // it was joined since
	}
}

// learn reads how common words are, once a day; more often while there are few texts.
func (g *Gatherer) learn(ctx context.Context, now time.Time) error {
	again := learnAgain
	if g.words != nil && g.words.Texts() < fewTexts {
		again = learnSoon
	}
	if g.words != nil && now.Sub(g.learnedAt) < again {
		return nil
	}
	words := topic.NewWords()
	if err := g.index.Newest(ctx, learnedDocs, func(r search.Row) { words.Learn(r.Title, r.Body) }); err != nil {
		return fmt.Errorf("learn words: %w", err)
	}
	g.words, g.learnedAt = words, now
	return nil
}

// candidate is a topic, or a ticket alone, that a new ticket may belong to.
type candidate struct {
	topic   *Topic // nil for a ticket alone
	members []Member
	reports []Report
	since   time.Time
}

// gather puts one ticket where it belongs.
func (g *Gatherer) gather(ctx context.Context, r Report, now time.Time) error {
	near, err := g.candidates(ctx, r)
	if err != nil {
		return err
	}
	groups := topic.NewGroups(g.words, topic.DefaultSettings())
	restored := make([]*topic.Topic, len(near))
	for i, c := range near {
		restored[i] = groups.Restore(topicals(c.reports))
	}
	for i, a := range near {
		for k, b := range near[:i] {
			if a.topic != nil && b.topic != nil && (slices.Contains(a.topic.Apart, b.topic.ID) || slices.Contains(b.topic.Apart, a.topic.ID)) {
				groups.KeepApart(restored[i], restored[k])
			}
		}
	}
	joined := groups.Add(r.topical())
	own := Move{Member: Member{Ticket: r.ID, Number: r.Number, At: r.At, GatheredAt: now}, Fresh: true}
	var same []candidate
	for i, c := range near {
		if groups.Of(restored[i].Number) == joined {
			same = append(same, c)
		}
	}
	if len(same) == 0 {
		return g.store.Gather(ctx, Change{Moves: []Move{own}})
	}
	return g.join(ctx, own, same, now)
}

// candidates are what a ticket may belong to, the oldest first.
func (g *Gatherer) candidates(ctx context.Context, r Report) ([]candidate, error) {
	alike, err := g.index.Similar(ctx, search.SimilarQuery{
		Title: r.Title, Text: r.Text, Place: r.Place, Location: r.Location, Category: r.Category, Without: r.ID,
		Since: r.At.Add(-window), Now: r.At, Scope: search.Scope{All: true}, Limit: nearTickets,
	})
	if err != nil {
		return nil, err
	}
	ids := make([]string, len(alike))
	for i, s := range alike {
		ids[i] = s.ID
	}
	known, err := g.store.Memberships(ctx, ids)
	if err != nil {
		return nil, err
	}
	var list []candidate
	seen := map[string]bool{}
	for _, m := range known {
		if m.Topic == "" {
			list = append(list, candidate{members: []Member{m}, since: m.At})
			continue
		}
		if seen[m.Topic] {
			continue
		}
		seen[m.Topic] = true
		t, err := g.store.Topic(ctx, m.Topic)
		if err != nil {
			return nil, err
		}
		members, _, err := g.store.Members(ctx, m.Topic, nearMembers)
		if err != nil {
			return nil, err
		}
		list = append(list, candidate{topic: &t, members: members, since: t.CreatedAt})
	}
	slices.SortFunc(list, func(a, b candidate) int {
		return cmp.Or(a.since.Compare(b.since), cmp.Compare(a.members[0].Ticket, b.members[0].Ticket))
	})
	return g.read(ctx, list)
}

// read reads the tickets of candidates and drops those that are gone.
func (g *Gatherer) read(ctx context.Context, list []candidate) ([]candidate, error) {
	var ids []string
	for _, c := range list {
		for _, m := range c.members {
			ids = append(ids, m.Ticket)
		}
	}
	reports, err := g.source.Reports(ctx, ids)
	if err != nil {
		return nil, err
	}
	byID := map[string]Report{}
	for _, r := range reports {
		byID[r.ID] = r
	}
	kept := list[:0]
	for _, c := range list {
		for _, m := range c.members {
			if r, there := byID[m.Ticket]; there && !r.Cancelled {
				c.reports = append(c.reports, r)
			}
		}
		if len(c.reports) > 0 {
			kept = append(kept, c)
		}
	}
	return kept, nil
}

// join makes one topic of a ticket and what it belongs to.
func (g *Gatherer) join(ctx context.Context, own Move, same []candidate, now time.Time) error {
	change := Change{Joined: map[string]string{}}
	var into *Topic
	for _, c := range same {
		switch {
		case c.topic == nil:
			change.Moves = append(change.Moves, Move{Member: c.members[0]})
		case into == nil:
			t := c.topic.clone()
			into = &t
			into.Version++
		default:
			change.absorb(into, *c.topic, now)
		}
	}
	if into == nil {
		into = &Topic{ID: g.settings.NewID(now), Version: 1, CreatedAt: now}
	}
	into.UpdatedAt = now
	change.Moves = append(change.Moves, own)
	for i := range change.Moves {
		change.Moves[i].Topic = into.ID
	}
	if err := g.describe(ctx, into, change); err != nil {
		return err
	}
	change.Topics = append(change.Topics, *into)
	return g.store.Gather(ctx, change)
}

// absorb has another topic joined to one.
func (c *Change) absorb(into *Topic, other Topic, now time.Time) {
	c.Joined[other.ID] = into.ID
	for _, id := range other.Apart {
		if id != into.ID && !slices.Contains(into.Apart, id) {
			into.Apart = append(into.Apart, id)
		}
	}
	other = other.clone()
	other.Version, other.Into, other.UpdatedAt, other.Members = other.Version+1, into.ID, now, 0
	c.Topics = append(c.Topics, other)
}

func topicals(reports []Report) []topic.Report {
	out := make([]topic.Report, len(reports))
	for i, r := range reports {
		out[i] = r.topical()
	}
	return out
}

func idsOf(reports []Report) []string {
	ids := make([]string, len(reports))
	for i, r := range reports {
		ids[i] = r.ID
	}
	return ids
}
