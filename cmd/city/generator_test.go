package city

import (
	"encoding/json"
	"flag"
	"math"
	"os"
	"runtime"
	"slices"
	"strings"
	"sync"
	"testing"
	"time"
	"unicode/utf8"

	"github.com/stretchr/testify/require"

	"hotline/ticketing"
	"hotline/ticketing/routing"
	"hotline/ticketing/sla"
)

var update = flag.Bool("update", false, "write the golden files anew")

func generate(t testing.TB, seed int64, o Options) *Generator {
	t.Helper()
	g, err := New(seed, Sample(), o)
	require.NoError(t, err)
	return g
}

func year(count int) Options {
	return Options{From: time.Date(2024, 1, 1, 0, 0, 0, 0, sla.Zone), To: time.Date(2025, 1, 1, 0, 0, 0, 0, sla.Zone), Count: count}
}

func TestFirstCasesAreGolden(t *testing.T) {
	var cases []Case
	for c := range generate(t, 1, year(100_000)).All() {
		if cases = append(cases, c); len(cases) == 20 {
			break
		}
	}
	got, err := json.MarshalIndent(cases, "", " ")
	require.NoError(t, err)
	const file = "testdata/first20.json"
	if *update {
		require.NoError(t, os.MkdirAll("testdata", 0o755))
		require.NoError(t, os.WriteFile(file, got, 0o644))
	}
	want, err := os.ReadFile(file)
	require.NoError(t, err)
	require.Equal(t, string(want), string(got), "the history of seed 1 changed; run with -update if that is meant")
}

func TestSameSeedSameHistory(t *testing.T) {
	g := generate(t, 7, year(4000))
	var first []Case
	for c := range g.All() {
		first = append(first, c)
	}
	var wg sync.WaitGroup
	for range 2 {
		wg.Add(1)
		go func() {
			defer wg.Done()
			i := 0
			for c := range g.All() {
				if c.ID != first[i].ID || c.Appeal.Description != first[i].Appeal.Description || c.Number != first[i].Number {
					t.Errorf("case %d differs from one walk to the next", i)
					return
				}
				i++
			}
		}()
	}
	wg.Wait()
	i, same := 0, 0
	for c := range generate(t, 8, year(4000)).All() {
		if c.Appeal.Description == first[i].Appeal.Description {
			same++
		}
		i++
	}
	require.Less(t, same, 40, "another seed must give another history")
}

func TestHistoryIsInOrderAndWithoutRepeats(t *testing.T) {
	const count = 20_000
	g := generate(t, 2, year(count))
	ids, numbers, calls := map[string]bool{}, map[string]bool{}, map[string]bool{}
	texts, categories := map[string]int{}, map[string]int{}
	last := time.Time{}
	n := 0
	for c := range g.All() {
		require.Equal(t, n, c.Seq)
		require.False(t, c.ArrivedAt.Before(last), "case %d arrives before the one in front of it", n)
		last = c.ArrivedAt
		require.False(t, ids[c.ID] || numbers[c.Number], "%s %s", c.ID, c.Number)
		ids[c.ID], numbers[c.Number] = true, true
		for _, call := range append(slices.Clone(c.Missed), callOf(c)...) {
			require.False(t, calls[call.ID])
			calls[call.ID] = true
		}
		require.True(t, strings.HasPrefix(c.Number, c.AcceptedAt.In(sla.Zone).Format("20060102-")), "%s %s", c.Number, c.AcceptedAt)
		checkTexts(t, c)
		checkTimes(t, c, g.opts.AsOf)
		texts[c.Appeal.Description]++
		categories[c.Appeal.Category]++
		n++
	}
	require.Equal(t, count, n)
	require.Len(t, categories, 151, "every leaf occurs")
	require.Greater(t, len(texts), count*9/10, "texts vary")
}

func callOf(c Case) []Call {
	if c.Call == nil {
		return nil
	}
	return []Call{*c.Call}
}

func checkTexts(t *testing.T, c Case) {
	t.Helper()
	n := utf8.RuneCountInString(c.Appeal.Description)
	require.True(t, n >= MinDescription && n <= MaxDescription, "%d characters: %s", n, c.Appeal.Description)
	title := utf8.RuneCountInString(c.Appeal.Title)
	require.True(t, title >= 4 && title <= MaxTitle, c.Appeal.Title)
	for _, s := range append(c.Spoken(), c.Appeal.Title, c.Appeal.Description, c.Appeal.Address, c.Answer, c.FollowUp, c.Summary()) {
		require.True(t, utf8.ValidString(s))
		require.NotContains(t, s, "{", "a slot is left over")
		require.NotContains(t, s, "，，")
		require.NotContains(t, s, "。。")
	}
	require.NotEmpty(t, c.Appeal.Address)
	require.Regexp(t, `^(142|143|154)\d{8}$`, c.Citizen.Phone)
	require.NotEmpty(t, c.Summary())
}

// checkTimes: what has happened happened in order and not after AsOf, and the
// state follows from it.
func checkTimes(t *testing.T, c Case, asOf time.Time) {
	t.Helper()
	last := c.ArrivedAt
	for i, at := range []time.Time{c.AcceptedAt, c.DispatchedAt, c.SignedAt, c.ContactedAt, c.ResolvedAt, c.ReviewedAt, c.FollowedAt} {
		if at.IsZero() {
			continue
		}
		require.False(t, at.Before(last), "case %d: time %d", c.Seq, i)
		require.False(t, i > 0 && at.After(asOf), "case %d: time %d is after AsOf", c.Seq, i)
		last = at
	}
	if c.Call != nil {
		k := c.Call
		require.True(t, k.StartedAt.Before(k.QueuedAt) && !k.OfferedAt.Before(k.QueuedAt) && k.AnsweredAt.After(k.OfferedAt) && k.EndedAt.After(k.AnsweredAt))
	}
	switch c.State {
	case ticketing.Closed, ticketing.Archived:
		require.False(t, c.ClosedAt.IsZero())
		require.NotEmpty(t, c.Answer)
		require.Equal(t, c.Direct, c.Department == "")
	case ticketing.InProgress:
		require.True(t, !c.SignedAt.IsZero() && c.ResolvedAt.IsZero() && c.Answer == "" && c.Rating == Unrated)
	case ticketing.Dispatched:
		require.True(t, !c.DispatchedAt.IsZero() && c.SignedAt.IsZero() && c.Department != "")
	case ticketing.Accepted, ticketing.Draft:
		require.True(t, c.DispatchedAt.IsZero() && c.Department == "")
	case ticketing.InReview:
		require.True(t, !c.ResolvedAt.IsZero() && c.ReviewedAt.IsZero())
	case ticketing.FollowUp:
		require.True(t, !c.ReviewedAt.IsZero() && c.FollowedAt.IsZero())
	default:
		require.Fail(t, "unexpected state", c.State)
	}
}

func TestOpenTicketsStandAtTheEnd(t *testing.T) {
	states := map[ticketing.State]int{}
	for c := range generate(t, 3, Options{PerDay: 2000, From: time.Date(2025, 6, 2, 0, 0, 0, 0, sla.Zone), To: time.Date(2025, 6, 12, 11, 0, 0, 0, sla.Zone)}).All() {
		states[c.State]++
	}
	for _, s := range []ticketing.State{ticketing.Dispatched, ticketing.InProgress, ticketing.InReview, ticketing.FollowUp, ticketing.Closed} {
		require.Greater(t, states[s], 10, "%s of %v", s, states)
	}
}

func TestSeasonsWeekdaysAndHolidays(t *testing.T) {
	o := year(100_000)
	o.Outbreaks = []Outbreak{}
	calendar := sla.DefaultCalendar()
	days := map[time.Weekday]map[string]int{}
	holiday, holidays := 0, map[string]bool{}
	hours := [24]int{}
	byMonth := map[string][13]int{}
	wednesdays, wednesday := 0, map[string]bool{}
	for c := range generate(t, 4, o).All() {
		at := c.ArrivedAt
		day := at.Format("2006-01-02")
		if days[at.Weekday()] == nil {
			days[at.Weekday()] = map[string]int{}
		}
		days[at.Weekday()][day]++
		if !calendar.Workday(at) && calendar.Name(at) != "" {
			holiday++
			holidays[day] = true
		}
		if at.Weekday() == time.Wednesday && calendar.Workday(at) {
			wednesdays++
			wednesday[day] = true
			hours[at.Hour()]++
		}
		m := byMonth[c.Appeal.Category]
		m[at.Month()]++
		byMonth[c.Appeal.Category] = m
	}
	holidayMean, wednesdayMean := float64(holiday)/float64(len(holidays)), float64(wednesdays)/float64(len(wednesday))
	require.Less(t, holidayMean, wednesdayMean*.75, "holidays are quieter")
	require.Greater(t, mean(days[time.Monday]), mean(days[time.Friday])*1.05, "Monday is the fullest day")
	require.Greater(t, hours[9], 4*hours[6])
	require.Greater(t, hours[9], 10*hours[3])
	cold, bites := byMonth["utility-heating-cold"], byMonth["env-mosquitoes"]
	require.Greater(t, cold[1], 20*max(1, cold[7]), "people freeze in winter")
	require.Greater(t, bites[7], 10*max(1, bites[1]), "mosquitoes bite in summer")
}

func mean(m map[string]int) float64 {
	n := 0
	for _, v := range m {
		n += v
	}
	return float64(n) / float64(len(m))
}

func TestOutbreaksStandOut(t *testing.T) {
	g := generate(t, 5, year(30_000))
	outbreaks := g.Outbreaks()
	require.Greater(t, len(outbreaks), 15)
	found, background := map[string]int{}, map[string]int{}
	for c := range g.All() {
		if c.Outbreak != "" {
			found[c.Outbreak]++
		}
		for _, o := range outbreaks {
			if c.Appeal.Category != o.Category || c.Place != o.Place {
				continue
			}
			if c.Outbreak == o.ID {
				require.False(t, c.ArrivedAt.Before(o.From) || !c.ArrivedAt.Before(o.To))
				require.Equal(t, o.District, c.Appeal.District)
			} else {
				background[o.ID]++
			}
		}
	}
	for _, o := range outbreaks {
		require.Equal(t, o.Cases, found[o.ID], o.ID)
		perDay := float64(o.Cases) / o.To.Sub(o.From).Hours() * 24
		require.Greater(t, perDay, 20*float64(background[o.ID])/366, "%+v", o)
	}
}

func TestOutbreakOfTheCallersChoice(t *testing.T) {
	o := year(5000)
	o.Outbreaks = []Outbreak{{Category: "utility-water-outage", Place: "鼓楼花园", From: o.From.AddDate(0, 6, 0), To: o.From.AddDate(0, 6, 3), Cases: 60}}
	n := 0
	for c := range generate(t, 1, o).All() {
		if c.Outbreak == "outbreak-01" {
			n++
			require.Equal(t, "utility-water-outage", c.Appeal.Category)
			require.Equal(t, "zhonglan-gulou", c.Street)
			require.Equal(t, "water-co", departmentOr(c, "water-co"))
		}
	}
	require.Equal(t, 60, n)
}

func departmentOr(c Case, direct string) string {
	if c.Direct {
		return direct
	}
	return c.Department
}

func TestDepartmentsFollowTheCatalogue(t *testing.T) {
	city := Sample()
	find := newLookup(city)
	desk := 0
	for c := range generate(t, 6, year(10_000)).All() {
		if c.Direct {
			continue
		}
		want := find.department(c.Appeal.Category, c.Street)
		require.Equal(t, want == "", c.Desk)
		if c.Desk {
			desk++
		} else if c.Department != "" {
			require.Equal(t, want, c.Department)
		}
	}
	require.Greater(t, desk, 50)
}

// The platform's own router and the generator read the catalogue alike.
func TestRouterAgrees(t *testing.T) {
	city := Sample()
	find, router := newLookup(city), routing.New(city)
	for _, k := range city.Categories {
		if k.Parent == "" {
			continue
		}
		for _, d := range city.Districts {
			got := router.Route(ticketing.Ticket{Appeal: ticketing.Appeal{Category: k.Code, District: d.Code}})
			require.Equal(t, find.department(k.Code, d.Code), got.Department, "%s in %s", k.Code, d.Code)
		}
	}
}

func TestSharesAndRepeatCallers(t *testing.T) {
	const count = 20_000
	callers, phones := map[int]int{}, map[string]int{}
	channels, kinds, ratings := map[ticketing.Channel]int{}, map[ticketing.AppealType]int{}, map[Rating]int{}
	direct, missed := 0, 0
	for c := range generate(t, 9, year(count)).All() {
		callers[c.Caller]++
		if other, ok := phones[c.Citizen.Phone]; ok {
			require.Equal(t, other, c.Caller, "two people share a number")
		}
		phones[c.Citizen.Phone] = c.Caller
		channels[c.Channel]++
		kinds[c.Appeal.Type]++
		ratings[c.Rating]++
		missed += len(c.Missed)
		if c.Direct {
			direct++
		}
	}
	require.InDelta(t, .78, float64(channels[ticketing.ByPhone])/count, .02)
	require.Len(t, kinds, 6)
	require.InDelta(t, .25, float64(kinds[ticketing.Inquiry])/count, .12)
	require.Greater(t, direct, count/10)
	require.Greater(t, missed, count/50)
	for r := Unrated; r <= VerySatisfied; r++ {
		require.Greater(t, ratings[r], 30)
	}
	most := 0
	for _, n := range callers {
		most = max(most, n)
	}
	require.Greater(t, most, 50, "somebody calls all the time")
	require.Greater(t, len(callers), 2000)
}

func TestPerDayIsKept(t *testing.T) {
	o := Options{From: time.Date(2025, 4, 14, 0, 0, 0, 0, sla.Zone), To: time.Date(2025, 4, 19, 0, 0, 0, 0, sla.Zone), PerDay: 1000, Outbreaks: []Outbreak{}}
	n := 0
	for range generate(t, 1, o).All() {
		n++
	}
	require.InDelta(t, 5200, n, 400)
}

func TestOptionsAreChecked(t *testing.T) {
	from := time.Date(2025, 1, 1, 0, 0, 0, 0, sla.Zone)
	to := from.AddDate(0, 1, 0)
	for want, o := range map[string]Options{
		"at least an hour":     {From: to, To: from},
		"more than 20 years":   {From: from.AddDate(-30, 0, 0), To: to},
		"Count -1":             {Count: -1},
		"Count 1000001":        {Count: MaxCount + 1},
		"PerDay NaN":           {PerDay: math.NaN()},
		"Callers -1":           {Callers: -1},
		"not a leaf":           {From: from, To: to, Outbreaks: []Outbreak{{Category: "urban", Place: "鼓楼花园", From: from, To: to, Cases: 1}}},
		"not in the gazetteer": {From: from, To: to, Outbreaks: []Outbreak{{Category: "urban-stalls", Place: "别处", From: from, To: to, Cases: 1}}},
		"within the history":   {From: from, To: to, Outbreaks: []Outbreak{{Category: "urban-stalls", Place: "鼓楼花园", From: from, To: to.AddDate(0, 1, 0), Cases: 1}}},
		"more than Count":      {From: from, To: to, Count: 5, Outbreaks: []Outbreak{{Category: "urban-stalls", Place: "鼓楼花园", From: from, To: to, Cases: 6}}},
	} {
		_, err := New(1, Sample(), o)
		require.ErrorContains(t, err, want)
	}
}

// A city of one's own has neither the sample's categories nor its places.
func TestForeignCity(t *testing.T) {
	c, err := Parse([]byte(small))
	require.NoError(t, err)
	g, err := New(1, c, Options{Count: 500})
	require.NoError(t, err)
	n := 0
	for k := range g.All() {
		n++
		checkTexts(t, k)
		require.Equal(t, "noise-night", k.Appeal.Category)
		require.Equal(t, "east", k.Appeal.District)
	}
	require.Equal(t, 500, n)
}

func TestMemoryIsBounded(t *testing.T) {
	g := generate(t, 1, year(90_000))
	var before, now runtime.MemStats
	runtime.GC()
	runtime.ReadMemStats(&before)
	n := 0
	for range g.All() {
		if n++; n%30_000 == 0 {
			runtime.GC()
			runtime.ReadMemStats(&now)
			require.Less(t, int64(now.HeapAlloc)-int64(before.HeapAlloc), int64(8<<20))
		}
	}
}

func BenchmarkCases(b *testing.B) {
	g := generate(b, 1, year(MaxCount))
	b.ReportAllocs()
	n := 0
	b.ResetTimer()
	for range g.All() {
		if n++; n == b.N {
			break
		}
	}
	b.ReportMetric(float64(n)/b.Elapsed().Seconds(), "cases/s")
}
