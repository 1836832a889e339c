package warning

import (
	"cmp"
	"context"
	"errors"
	"fmt"
	"log/slog"
	"math"
	"slices"
	"time"

	"hotline/search/hotspot"
)

// Tally is a number of tickets of one category in one district, of one time.
type Tally struct {
	At       time.Time // the time's beginning
	District string
	Category string // leaf
	Count    int
}

// Member is a ticket of an alert, without its person.
type Member struct {
	ID    string
	At    time.Time
	Title string
	Text  string
	Place string // address as it was written
}

// Source is where the tickets are.
type Source interface {
	// Tallies counts the tickets created in [from, to) by unit of time, district and
	// category; units begin with the day in Shanghai.
	Tallies(ctx context.Context, from, to time.Time, unit time.Duration) ([]Tally, error)
	// Members are the newest tickets of a series, and how many there are.
	Members(ctx context.Context, s Series, categories []string, from, to time.Time, limit int) ([]Member, int, error)
	// Families gives each leaf's family; a leaf without one is missing.
	Families(ctx context.Context) (map[string]string, error)
}

// Settings of the watch; the zero value works.
type Settings struct {
	Budget   float64 // false alerts a day that are borne, in the mean; 1 when zero
	Surges   float64 // and of those of an hour; 0.25 when zero
	Frequent float64 // reports a day from which on a leaf is watched of itself; 0.2 when zero
	Most     int     // series that are watched; 3,000 when zero
	Log      *slog.Logger
	Zone     *time.Location
	Workday  hotspot.Calendar
}

func (s Settings) withDefaults() Settings {
	s.Budget = cmp.Or(s.Budget, 1)
	s.Surges = cmp.Or(s.Surges, 0.25)
	s.Frequent = cmp.Or(s.Frequent, 0.2)
	s.Most = cmp.Or(s.Most, 3000)
	if s.Log == nil {
		s.Log = slog.New(slog.DiscardHandler)
	}
	return s
}

// How much is read.
const (
	pastDays   = 3 * 366
	recentDays = 90 // over which a leaf is frequent or not
	chartDays  = 28
	fewest     = 5 // reports of an hour below which it is no surge
)

// Watch looks at the counts of a city. Look is for one caller at a time.
type Watch struct {
	source   Source
	keeper   Keeper
	settings Settings

	day    time.Time // that the models are of
	series []*watched
	shares hourShares
}

type watched struct {
	Series
	leaves []string // categories that are counted
	past   []hotspot.Day
	today  int
	model  *hotspot.Model
	strict float64 // what false alerts of late make the level smaller by
}

// NewWatch makes a watch; it reads the past at the first Look of a day.
func NewWatch(source Source, keeper Keeper, s Settings) *Watch {
	return &Watch{source: source, keeper: keeper, settings: s.withDefaults()}
}

// Look counts what has come and raises or continues alerts. What an earlier look could not
// tell of is told first.
func (w *Watch) Look(ctx context.Context, now time.Time) error {
	told := w.keeper.TellUntold(ctx, now)
	if told != nil {
		told = fmt.Errorf("early warning: telling: %w", told)
	}
	return errors.Join(told, w.look(ctx, now))
}

func (w *Watch) look(ctx context.Context, now time.Time) error {
	now = now.In(w.settings.Zone)
	day := midnight(now)
	if !day.Equal(w.day) || len(w.series) == 0 { // a history may have been imported since
		if err := w.learn(ctx, day); err != nil {
			return fmt.Errorf("early warning: %w", err)
		}
	}
	if err := w.count(ctx, now); err != nil {
		return fmt.Errorf("early warning: %w", err)
	}
	for _, s := range w.series {
		if s.model == nil || s.today == 0 {
			continue
		}
		level := w.level(w.settings.Budget) * s.strict
		if v := s.judge(w.day, level); v.Alert {
			if err := w.raise(ctx, s, Daily, v, level, w.day.AddDate(0, 0, 1-v.Days), now); err != nil {
				return fmt.Errorf("early warning: %w", err)
			}
		}
	}
	if err := w.surges(ctx, now); err != nil {
		return fmt.Errorf("early warning: surges: %w", err)
	}
	return nil
}

// breadth is how much a series takes in: a leaf in a district, a family there, a leaf in the whole city.
func (s *watched) breadth() int {
	switch {
	case s.District == "":
		return 2
	case len(s.leaves) == 1 && s.leaves[0] == s.Category:
		return 0
	}
	return 1
}

// Watched is how many series are looked at.
func (w *Watch) Watched() int { return len(w.series) }

// level is the probability from which on one of all series is warned of, so that the
// budget holds over all.
func (w *Watch) level(budget float64) float64 {
	return min(hotspot.DefaultSettings().Level[0], budget/float64(max(len(w.series), 1)))
}

func (s *watched) judge(day time.Time, level float64) hotspot.Verdict {
	pooled := hotspot.DefaultSettings().Pooled - 1
	days := append(slices.Clone(s.past[max(0, len(s.past)-pooled):]), hotspot.Day{Date: date(day), Count: s.today})
	return s.model.Judge(days, level)
}

// learn reads the past and makes the models of a day.
func (w *Watch) learn(ctx context.Context, day time.Time) error {
	families, err := w.source.Families(ctx)
	if err != nil {
		return err
	}
	from := day.AddDate(0, 0, -pastDays)
	tallies, err := w.source.Tallies(ctx, from, day, 24*time.Hour)
	if err != nil {
		return err
	}
	began := time.Now()
	w.series = chosen(tallies, families, day, w.settings)
	slices.SortStableFunc(w.series, func(a, b *watched) int { return a.breadth() - b.breadth() }) // the narrowest is told of
	for _, s := range w.series {
		if ctx.Err() != nil {
			return ctx.Err()
		}
		s.model = hotspot.Learn(s.past, w.settings.Workday, hotspot.DefaultSettings())
	}
	if err := w.strictness(ctx, day); err != nil {
		return err
	}
	hours, err := w.source.Tallies(ctx, day.AddDate(0, 0, -chartDays), day, time.Hour)
	if err != nil {
		return err
	}
	w.shares = sharesOf(hours, w.settings.Zone)
	w.day = day
	w.settings.Log.InfoContext(ctx, "early warning learned", "series", len(w.series), "seconds", time.Since(began).Seconds())
	return nil
}

// strictness learns from what people said: each false alert of a series within ninety
// days halves the probability from which on it is warned of again, three times at most.
func (w *Watch) strictness(ctx context.Context, day time.Time) error {
	wrong := map[Series]int{}
	f := Filter{States: []State{False}, Since: day.AddDate(0, 0, -90), Limit: 200}
	for {
		page, err := w.keeper.Store.Alerts(ctx, f)
		if err != nil {
			return err
		}
		for _, a := range page.Items {
			if a.Kind != OfTopic {
				wrong[a.Series]++
			}
		}
		if f.Cursor = page.Next; f.Cursor == "" {
			break
		}
	}
	for _, s := range w.series {
		s.strict = math.Pow(0.5, float64(min(wrong[s.Series], 3)))
	}
	return nil
}

// chosen makes the series: each family in each district, and each leaf that is
// frequent, in a district or in the whole city; the most frequent first.
func chosen(tallies []Tally, families map[string]string, day time.Time, s Settings) []*watched {
	first := day
	for _, t := range tallies {
		if t.At.Before(first) {
			first = t.At
		}
	}
	length := int(date(day).Sub(date(first)).Hours() / 24)
	counts, members := map[Series][]int{}, map[Series]map[string]bool{}
	add := func(k Series, t Tally) {
		if counts[k] == nil {
			counts[k], members[k] = make([]int, length), map[string]bool{}
		}
		if at := int(date(t.At).Sub(date(first)).Hours() / 24); at >= 0 && at < length {
			counts[k][at] += t.Count
		}
		members[k][t.Category] = true
	}
	for _, t := range tallies {
		for _, k := range keysOf(t.District, t.Category, families) {
			add(k, t)
		}
	}
	list := make([]*watched, 0, len(counts))
	recent := map[Series]int{}
	for k, days := range counts {
		sum := 0
		for _, n := range days[max(0, length-recentDays):] {
			sum += n
		}
		if families[k.Category] != "" && float64(sum) < s.Frequent*float64(min(length, recentDays)) {
			continue // a leaf too seldom to be watched of itself
		}
		recent[k] = sum
		x := &watched{Series: k, strict: 1, past: make([]hotspot.Day, length)}
		for i, n := range days {
			x.past[i] = hotspot.Day{Date: date(first).AddDate(0, 0, i), Count: n}
		}
		for c := range members[k] {
			x.leaves = append(x.leaves, c)
		}
		slices.Sort(x.leaves)
		list = append(list, x)
	}
	slices.SortFunc(list, func(a, b *watched) int {
		return cmp.Or(cmp.Compare(recent[b.Series], recent[a.Series]), cmp.Compare(a.Category, b.Category), cmp.Compare(a.District, b.District))
	})
	return list[:min(len(list), s.Most)]
}

// keysOf are the series that a ticket counts in.
func keysOf(district, category string, families map[string]string) []Series {
	if category == "" {
		return nil
	}
	keys := []Series{{Category: category}}
	if district != "" {
		keys = append(keys, Series{District: district, Category: category})
		if family := families[category]; family != "" {
			keys = append(keys, Series{District: district, Category: family})
		}
	}
	return keys
}

// count reads how many there are today.
func (w *Watch) count(ctx context.Context, now time.Time) error {
	counts, err := w.counts(ctx, w.day, now, 24*time.Hour)
	if err != nil {
		return err
	}
	for _, s := range w.series {
		s.today = counts[s.Series]
	}
	return nil
}

// counts are the tickets of each series from a moment until now.
func (w *Watch) counts(ctx context.Context, from, now time.Time, unit time.Duration) (map[Series]int, error) {
	tallies, err := w.source.Tallies(ctx, from, now.Add(time.Second), unit)
	if err != nil {
		return nil, err
	}
	families, err := w.source.Families(ctx)
	if err != nil {
		return nil, err
	}
	counts := map[Series]int{}
	for _, t := range tallies {
		for _, k := range keysOf(t.District, t.Category, families) {
			counts[k] += t.Count
		}
	}
	return counts, nil
}

func midnight(t time.Time) time.Time {
	y, m, d := t.Date()
	return time.Date(y, m, d, 0, 0, 0, 0, t.Location())
}

// date is a day as package hotspot counts them: in UTC, whatever the zone it is in.
func date(t time.Time) time.Time {
	y, m, d := t.Date()
	return time.Date(y, m, d, 0, 0, 0, 0, time.UTC)
}
