package warning

import (
	"cmp"
	"context"
	"slices"
	"time"

	"hotline/search/hotspot"
	"hotline/search/topic"
)

// raise opens an alert, or continues the one that the series has.
func (w *Watch) raise(ctx context.Context, s *watched, kind Kind, v hotspot.Verdict, level float64, from, now time.Time) error {
	page, err := w.keeper.Store.Alerts(ctx, Filter{Series: &s.Series, Limit: 10})
	if err != nil {
		return err
	}
	members, total, err := w.source.Members(ctx, s.Series, s.leaves, from, now.Add(time.Second), MostMembers)
	if err != nil || len(members) == 0 {
		return err
	}
	found := Alert{
		Kind: kind, Series: s.Series, From: from, Until: now, UpdatedAt: now, Expected: v.Expected, Upper: v.Upper, Days: v.Days,
		Score: v.Score, Level: level, Observed: total, Members: total,
	}
	if kind == Daily { // over all the days whose evidence was taken together
		found.Expected = 0
		for d := range v.Days {
			mean, _, _ := s.model.Expect(date(w.day).AddDate(0, 0, -d))
			found.Expected += mean
		}
	}
	open, past := current(page.Items, kind, now, w.keeper.Again)
	if open != nil && open.State == False {
		return nil // it was looked at, and is nothing
	}
	if open != nil && open.Observed >= total && (open.From.Equal(from) || kind == Surge) {
		return nil // nothing new
	}
	if err := w.explain(ctx, &found, s, members); err != nil {
		return err
	}
	found.Past = past
	return w.keeper.keep(ctx, found, open, now)
}

const mostPlaces = 5

// explain says which tickets they are, where, and in which words.
func (w *Watch) explain(ctx context.Context, a *Alert, s *watched, members []Member) error {
	for _, m := range members {
		a.Tickets = append(a.Tickets, m.ID)
		if a.FirstSeen.IsZero() || m.At.Before(a.FirstSeen) {
			a.FirstSeen = m.At
		}
	}
	a.Places = placesOf(members)
	a.Chart = w.chart(s)
	background, _, err := w.source.Members(ctx, s.Series, s.leaves, w.day.AddDate(0, 0, -chartDays), a.From, MostMembers)
	if err != nil {
		return err
	}
	a.Words = telling(members, background)
	return nil
}

// placesOf are the places that most tickets speak of.
func placesOf(members []Member) (list []Count) {
	places := map[string]int{}
	for _, m := range members {
		if m.Place != "" {
			places[m.Place]++
		}
	}
	for name, n := range places {
		list = append(list, Count{name, n})
	}
	slices.SortFunc(list, func(x, y Count) int { return cmp.Or(y.Count-x.Count, cmp.Compare(x.Name, y.Name)) })
	return list[:min(len(list), mostPlaces)]
}

// telling are the words that these tickets have and those before them had less.
func telling(members, background []Member) []string {
	words := topic.NewWords()
	for _, m := range background {
		words.Learn(m.Title, m.Text)
	}
	for _, m := range members {
		words.Learn(m.Title, m.Text)
	}
	titles := make([]string, len(members))
	for i, m := range members {
		titles[i] = m.Title
	}
	return words.Telling(titles)
}
