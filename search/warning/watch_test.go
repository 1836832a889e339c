package warning_test

import (
	"context"
	"fmt"
	"math/rand/v2"
	"slices"
	"testing"
	"time"

	"github.com/stretchr/testify/require"
	"pgregory.net/rapid"

	"hotline/search/warning"
)

var zone = time.FixedZone("CST", 8*60*60)

func at(day, hour, minute int) time.Time {
	return time.Date(2026, 3, 2, hour, minute, 0, 0, zone).AddDate(0, 0, day)
}

// town is the tickets of a small city, in memory.
type town struct {
	tickets []ticket
}

type ticket struct {
	warning.Member
	district, category string
}

func (c *town) report(district, category string, when time.Time, title string) {
	c.tickets = append(c.tickets, ticket{warning.Member{ID: fmt.Sprint("t", len(c.tickets)), At: when, Title: title, Text: title, Place: "望江路"}, district, category})
}

// history brings a number of reports a day, at every hour of the day, to each district and category.
func (c *town) history(days int, mean float64) {
	random := rand.New(rand.NewPCG(1, 2))
	for day := -days; day < 0; day++ {
		for _, district := range []string{"east", "west"} {
			for _, category := range []string{"lamp", "noise"} {
				n := int(mean + random.Float64()*mean/2)
				for range n {
					c.report(district, category, at(day, random.IntN(24), random.IntN(60)), "日常"+category)
				}
			}
		}
	}
}

func (c *town) Tallies(_ context.Context, from, to time.Time, unit time.Duration) ([]warning.Tally, error) {
	counts := map[warning.Tally]int{}
	for _, t := range c.tickets {
		if t.At.Before(from) || !t.At.Before(to) {
			continue
		}
		begin := time.Date(t.At.Year(), t.At.Month(), t.At.Day(), 0, 0, 0, 0, zone)
		counts[warning.Tally{At: begin.Add(t.At.Sub(begin).Truncate(unit)), District: t.district, Category: t.category}]++
	}
	var list []warning.Tally
	for k, n := range counts {
		k.Count = n
		list = append(list, k)
	}
	return list, nil
}

func (c *town) Members(_ context.Context, s warning.Series, categories []string, from, to time.Time, limit int) ([]warning.Member, int, error) {
	var list []warning.Member
	for _, t := range slices.Backward(c.tickets) {
		if !t.At.Before(from) && t.At.Before(to) && slices.Contains(categories, t.category) && (s.District == "" || s.District == t.district) {
			list = append(list, t.Member)
		}
	}
	return list[:min(len(list), limit)], len(list), nil
}

func (c *town) Families(context.Context) (map[string]string, error) {
	return map[string]string{"lamp": "urban", "noise": "env"}, nil
}

// shelf keeps alerts in memory; search/storetest tries the real stores.
type shelf map[string]warning.Alert

func (s shelf) SaveAlert(_ context.Context, a warning.Alert) error {
	if s[a.ID].Version != a.Version-1 {
		return warning.ErrConflict
	}
	s[a.ID] = a
	return nil
}

func (s shelf) Alert(_ context.Context, id string) (warning.Alert, error) { return s[id], nil }

func (s shelf) Alerts(_ context.Context, f warning.Filter) (warning.Page, error) {
	var page warning.Page
	for _, a := range s {
		if (f.Series == nil || *f.Series == a.Series) && (len(f.States) == 0 || slices.Contains(f.States, a.State)) && !a.UpdatedAt.Before(f.Since) &&
			(f.Topic == "" || f.Topic == a.Topic) && (!f.Top || a.Below == "") && (f.Series == nil || a.Topic == "") {
			page.Items = append(page.Items, a)
		}
	}
	slices.SortFunc(page.Items, func(a, b warning.Alert) int { return b.UpdatedAt.Compare(a.UpdatedAt) })
	return page, nil
}

func (s shelf) of(kind warning.Kind, district, category string) []warning.Alert {
	var list []warning.Alert
	for _, a := range s {
		if a.Kind == kind && a.Series == (warning.Series{District: district, Category: category}) {
			list = append(list, a)
		}
	}
	return list
}

func watch(c *town, s shelf, raised *[]string) *warning.Watch {
	ids := 0
	return warning.NewWatch(c, warning.Keeper{
		Store: s, Again: 72 * time.Hour,
		NewID: func(time.Time) string { ids++; return fmt.Sprint("a", ids) },
		Raised: func(_ context.Context, a warning.Alert) error {
			*raised = append(*raised, a.ID)
			return nil
		},
	}, warning.Settings{
		Zone: zone, Workday: func(day time.Time) bool { return day.Weekday() != time.Saturday && day.Weekday() != time.Sunday },
	})
}

// TestAnOutbreakIsWarnedOfOnce, explained, and goes on as one alert.
func TestAnOutbreakIsWarnedOfOnce(t *testing.T) {
	for name, days := range map[string]int{"a year and more": 500, "two months": 60, "two weeks": 14} {
		t.Run(name, func(t *testing.T) {
			c, s := &town{}, shelf{}
			var raised []string
			c.history(days, 4)
			w := watch(c, s, &raised)
			require.NoError(t, w.Look(t.Context(), at(0, 9, 0)))
			require.Empty(t, s, "an ordinary morning")
			for i := range 30 {
				c.report("east", "lamp", at(0, 9, i), "望江路路灯不亮")
			}
			require.NoError(t, w.Look(t.Context(), at(0, 14, 0)))
			daily := s.of(warning.Daily, "east", "lamp")
			require.Len(t, daily, 1)
			a := daily[0]
			require.Equal(t, warning.New, a.State)
			require.Equal(t, 1, a.Days)
			require.Equal(t, 30, a.Observed)
			require.Greater(t, float64(a.Observed), a.Upper-1)
			require.Greater(t, a.Upper, a.Expected)
			require.True(t, a.FirstSeen.Equal(at(0, 9, 0)))
			require.Len(t, a.Tickets, 30)
			require.Equal(t, []warning.Count{{Name: "望江路", Count: 30}}, a.Places)
			require.NotEmpty(t, a.Words)
			require.Contains(t, "望江路路灯不亮", a.Words[0])
			require.NotEmpty(t, a.Chart)
			require.Equal(t, "2026-03-02", a.Chart[len(a.Chart)-1].Day)
			require.Equal(t, 30, a.Chart[len(a.Chart)-1].Count)
			require.Empty(t, s.of(warning.Daily, "west", "lamp"))
			require.Equal(t, []string{a.ID}, raised, "one outbreak, one message")
			for id, other := range s {
				if id != a.ID {
					require.Equal(t, a.ID, other.Below, "%+v has the same tickets", other.Series)
				}
			}
			require.Greater(t, len(s), 1)

			c.report("east", "lamp", at(0, 14, 30), "望江路路灯不亮")
			require.NoError(t, w.Look(t.Context(), at(0, 14, 31)))
			daily = s.of(warning.Daily, "east", "lamp")
			require.Len(t, daily, 1)
			require.Equal(t, 31, daily[0].Observed)
			require.Len(t, raised, 1, "the same alert is told of once")
			require.NoError(t, w.Look(t.Context(), at(0, 14, 32)))
			require.Equal(t, daily, s.of(warning.Daily, "east", "lamp"), "nothing new, nothing written")
		})
	}
}

// TestASurgeWithinTheDay is warned of before the day is over, and only while it lasts.
func TestASurgeWithinTheDay(t *testing.T) {
	c, s := &town{}, shelf{}
	var raised []string
	c.history(200, 24)
	w := watch(c, s, &raised)
	require.NoError(t, w.Look(t.Context(), at(0, 9, 0)))
	for i := range 16 {
		c.report("west", "noise", at(0, 9, 10+i), "机场路爆炸声")
	}
	require.NoError(t, w.Look(t.Context(), at(0, 9, 30)))
	require.Len(t, s.of(warning.Surge, "west", "noise"), 1)
	require.Empty(t, s.of(warning.Daily, "west", "noise"), "no more than a day brings")
	require.Zero(t, s.of(warning.Surge, "west", "noise")[0].Days)
	require.InDelta(t, 0.25/24/float64(w.Watched()), s.of(warning.Surge, "west", "noise")[0].Level, 1e-9)
	before := len(s)
	require.NoError(t, w.Look(t.Context(), at(0, 12, 0)))
	require.Len(t, s, before)
}

// TestWhatPeopleSayCounts: a false alert is silent for three days, and makes the next harder.
func TestWhatPeopleSayCounts(t *testing.T) {
	c, s := &town{}, shelf{}
	var raised []string
	c.history(400, 4)
	w := watch(c, s, &raised)
	outbreak := func(day, n int) {
		for i := range n {
			c.report("east", "lamp", at(day, 10, i), "路灯")
		}
	}
	outbreak(0, 30)
	require.NoError(t, w.Look(t.Context(), at(0, 12, 0)))
	a := s.of(warning.Daily, "east", "lamp")[0]
	level := a.Level
	a, err := a.Do(warning.Command{Version: a.Version, State: warning.False, Note: "演练"}, "u1", at(0, 13, 0))
	require.NoError(t, err)
	require.NoError(t, s.SaveAlert(t.Context(), a))
	outbreak(0, 20)
	require.NoError(t, w.Look(t.Context(), at(0, 14, 0)))
	require.Equal(t, warning.False, s.of(warning.Daily, "east", "lamp")[0].State)
	require.Len(t, s.of(warning.Daily, "east", "lamp"), 1)
	outbreak(5, 40)
	require.NoError(t, w.Look(t.Context(), at(5, 12, 0)))
	again := s.of(warning.Daily, "east", "lamp")
	require.Len(t, again, 2)
	fresh := again[slices.IndexFunc(again, func(x warning.Alert) bool { return x.ID != a.ID })]
	require.Equal(t, []string{a.ID}, fresh.Past)
	require.InDelta(t, level/2, fresh.Level, level/100)
}

// TestFewFalseAlertsADay: on counts without any outbreak the budget holds over all series.
func TestFewFalseAlertsADay(t *testing.T) {
	c, s := &town{}, shelf{}
	random := rand.New(rand.NewPCG(5, 5))
	const past, days = 200, 30
	for day := -past; day < days; day++ {
		for d := range 10 {
			for k := range 4 {
				for n := poisson(random, 3); n > 0; n-- {
					c.report(fmt.Sprint("d", d), fmt.Sprint("c", k), at(day, random.IntN(24), random.IntN(60)), "x")
				}
			}
		}
	}
	var raised []string
	w := watch(c, s, &raised)
	for day := range days {
		require.NoError(t, w.Look(t.Context(), at(day, 23, 59)))
	}
	require.Greater(t, w.Watched(), 40)
	require.LessOrEqual(t, len(raised), 2*days, "one a day is borne in the mean")
}

func poisson(random *rand.Rand, mean int) int {
	n := 0
	for range mean * 100 {
		if random.IntN(100) == 0 {
			n++
		}
	}
	return n
}

// TestLifeOfAnAlert: whatever is asked for, only legal steps are made, each on record.
func TestLifeOfAnAlert(t *testing.T) {
	states := []warning.State{"", warning.New, warning.Verified, warning.Handled, warning.Closed, warning.False}
	rapid.Check(t, func(rt *rapid.T) {
		a := warning.Alert{ID: "a", Version: 1, State: warning.New}
		for range 20 {
			c := warning.Command{
				Version: a.Version + int64(rapid.IntRange(0, 1).Draw(rt, "behind")), State: rapid.SampledFrom(states).Draw(rt, "state"),
				Owner: rapid.SampledFrom([]string{"", "u2"}).Draw(rt, "owner"), Note: rapid.SampledFrom([]string{"", "看过"}).Draw(rt, "note"),
			}
			b, err := a.Do(c, "u1", at(0, 0, 0))
			if err != nil {
				require.Equal(rt, a, b)
				continue
			}
			require.Equal(rt, a.Version+1, b.Version)
			require.Len(rt, b.Steps, len(a.Steps)+1)
			if b.State != a.State {
				require.Contains(rt, a.State.Next(), b.State)
				require.NotEmpty(rt, b.Owner)
			}
			if a.State.Over() {
				require.Equal(rt, a.State, b.State)
			}
			a = b
		}
	})
}
