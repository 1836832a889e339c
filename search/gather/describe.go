package gather

import (
	"cmp"
	"context"
	"math"
	"slices"
	"time"

	"hotline/search/topic"
)

const (
	describedBy = 300 // of the newest tickets of a topic, which say what it is
	halfLife    = 180 * 24 * time.Hour
	coolest     = 1e-9
)

// HeatAt is how much a topic moves people at a moment: it halves in 180 days after the last ticket.
func (t Topic) HeatAt(now time.Time) float64 {
	age := max(0, now.Sub(t.Last))
	return t.Heat * math.Exp2(-float64(age)/float64(halfLife))
}

// HeatRank orders topics as HeatAt does, at any moment after their last tickets.
func (t Topic) HeatRank() float64 {
	return math.Log2(max(t.Heat, coolest)) + float64(t.Last.UnixMilli())/float64(halfLife.Milliseconds())
}

// describe says what a topic is once a change is written: by its tickets.
func (g *Gatherer) describe(ctx context.Context, t *Topic, c Change) error {
	members, total, err := g.membersAfter(ctx, t.ID, c)
	if err != nil || len(members) == 0 {
		return err
	}
	ids := make([]string, len(members))
	for i, m := range members {
		ids[i] = m.Ticket
	}
	reports, err := g.source.Reports(ctx, ids)
	if err != nil {
		return err
	}
	reports = slices.DeleteFunc(reports, func(r Report) bool { return r.Cancelled })
	if len(reports) == 0 {
		return nil
	}
	slices.SortFunc(reports, func(a, b Report) int { return cmp.Or(a.At.Compare(b.At), cmp.Compare(a.ID, b.ID)) })
	t.Members = total
	t.says(reports, g.words)
	return nil
}

// membersAfter are the newest tickets of a topic once a change is written, and how many there are.
func (g *Gatherer) membersAfter(ctx context.Context, id string, c Change) ([]Member, int, error) {
	moved := map[string]bool{}
	for _, m := range c.Moves {
		moved[m.Ticket] = true
	}
	var all []Member
	total := 0
	from := []string{id}
	for other, into := range c.Joined {
		if into == id {
			from = append(from, other)
		}
	}
	for _, topic := range from {
		list, n, err := g.store.Members(ctx, topic, describedBy)
		if err != nil {
			return nil, 0, err
		}
		total += n
		for _, m := range list {
			if moved[m.Ticket] {
				total--
			} else {
				all = append(all, m)
			}
		}
	}
	for _, m := range c.Moves {
		if m.Topic == id {
			all = append(all, m.Member)
			total++
		}
	}
	slices.SortFunc(all, func(a, b Member) int { return cmp.Or(b.At.Compare(a.At), cmp.Compare(b.Ticket, a.Ticket)) })
	return all[:min(len(all), describedBy)], total, nil
}

// says takes from tickets, the oldest first, what a topic is.
func (t *Topic) says(reports []Report, words *topic.Words) {
	groups := topic.NewGroups(words, topic.DefaultSettings())
	group := groups.Restore(topicals(reports))
	heat := group.Heat(reports[len(reports)-1].At)
	t.Heat, t.PerMonth, t.People, t.Bad = heat.Value, heat.PerMonth, heat.People, heat.Bad
	if t.First.IsZero() || heat.First.Before(t.First) || len(reports) == t.Members {
		t.First = heat.First
	}
	t.Last = heat.Last
	if t.NamedBy == "" {
		t.Name = groups.Name(group)
	}
	t.Words = groups.Words(group)
	t.Category = most(reports, func(r Report) string { return r.Category })
	t.District = most(reports, func(r Report) string { return r.District })
	t.Place, t.PlaceName, t.Location = most(reports, func(r Report) string { return r.Place }), "", nil
	for _, r := range reports {
		if r.Place == t.Place && t.Place != "" {
			t.PlaceName, t.Location = r.PlaceName, r.Location
		}
	}
}

// most is the value that most reports have of those that have any; of several, the first.
func most(reports []Report, of func(Report) string) string {
	counts, best := map[string]int{}, ""
	for _, r := range reports {
		if v := of(r); v != "" {
			counts[v]++
			if counts[v] > counts[best] {
				best = v
			}
		}
	}
	return best
}
