package warning

import (
	"context"
	"time"

	"hotline/search/hotspot"
)

// hourShares is which part of a day's reports each hour brings, over all series.
type hourShares [24]float64

func sharesOf(hours []Tally, zone *time.Location) hourShares {
	var shares hourShares
	total := 0.0
	for _, t := range hours {
		shares[t.At.In(zone).Hour()] += float64(t.Count)
		total += float64(t.Count)
	}
	for h := range shares {
		// As if an hour's worth of a hundred more had come evenly: no hour is impossible.
		shares[h] = (shares[h] + 100.0/24) / (total + 100)
	}
	return shares
}

// of is the share of the hour that ends at a moment.
func (s hourShares) of(end time.Time) float64 {
	begin := end.Add(-time.Hour)
	part := float64(end.Minute()*60+end.Second()) / 3600
	return s[begin.Hour()]*(1-part) + s[end.Hour()]*part
}

// surges looks at the last hour.
func (w *Watch) surges(ctx context.Context, now time.Time) error {
	// Minutes, so that the hour is the last sixty of them.
	counts, err := w.counts(ctx, now.Add(-time.Hour), now, time.Minute)
	if err != nil {
		return err
	}
	share := w.shares.of(now)
	for _, s := range w.series {
		n := counts[s.Series]
		if n < fewest || s.model == nil {
			continue
		}
		level := w.level(w.settings.Surges/24) * s.strict
		v := s.model.Surge(date(now), n, share, level)
		if !v.Alert {
			continue
		}
		if err := w.raise(ctx, s, Surge, v, level, now.Add(-time.Hour), now); err != nil {
			return err
		}
	}
	return nil
}

// chart is the last four weeks of a series, and today.
func (w *Watch) chart(s *watched) []Point {
	days := append(append([]hotspot.Day{}, s.past[max(0, len(s.past)-chartDays):]...), hotspot.Day{Date: date(w.day), Count: s.today})
	points := make([]Point, len(days))
	for i, d := range days {
		mean, _, _ := s.model.Expect(d.Date)
		points[i] = Point{Day: d.Date.Format(time.DateOnly), Count: d.Count, Expected: mean}
	}
	return points
}
