package commands

import (
	"encoding/csv"
	"errors"
	"fmt"
	"slices"
	"strconv"
	"strings"
	"time"

	"hotline/search/hotspot"
	"hotline/search/hotspot/simulate"
)

// countSeries is one series of a file.
type countSeries struct {
	name     string
	Days     []hotspot.Day
	outbreak []bool    // empty: the file does not say
	means    []float64 // of quiet days; empty: the file does not say
	noise    float64   // variance over mean
}

// backtested is what a backtest came to.
type backtested struct {
	Series  int     `json:"series"`
	Days    int     `json:"days"`
	Alerts  int     `json:"alerts"`
	Seconds float64 `json:"seconds"`
	Found   *found  `json:"found,omitempty"`
	// Compared are the usual ways on the same counts.
	Compared map[string]*found `json:"compared,omitempty"`

	rates map[string]*simulate.Rates
}

// found is how good the alerts were, over the days on which there could be any.
type found struct {
	Outbreaks         int     `json:"outbreaks"`
	Detection         float64 `json:"detection"`
	FalseAlarms       float64 `json:"false_alarms"`
	OffFalseAlarms    float64 `json:"false_alarms_days_off"`
	MakeUpFalseAlarms float64 `json:"false_alarms_make_up_days"`
}

func (b *backtested) add(s countSeries, verdicts []hotspot.Verdict, others []otherAlerts, calendar hotspot.Calendar) {
	alerts := alertsOf(verdicts)
	for _, warned := range alerts {
		if warned {
			b.Alerts++
		}
	}
	b.Days += len(verdicts)
	if len(s.outbreak) == 0 {
		return
	}
	if b.rates == nil {
		b.rates, b.Compared = map[string]*simulate.Rates{}, map[string]*found{}
	}
	from := hotspot.DefaultSettings().Least
	known := simulate.Series{Days: s.Days, Outbreaks: runsOf(s.outbreak)}
	b.Found = b.judge("", known, alerts, from, calendar)
	for name, usual := range map[string][]bool{
		"ears_c1": simulate.EARS(s.Days, 0), "ears_c2": simulate.EARS(s.Days, 2), "ears_c3": simulate.EARSC3(s.Days),
		"three_sigma": simulate.ThreeSigma(s.Days), "poisson": simulate.Poisson(s.Days),
	} {
		b.Compared[name] = b.judge(name, known, usual, from, calendar)
	}
	if len(s.means) > 0 {
		b.Compared["oracle"] = b.judge("oracle", known, alertsOf(hotspot.Oracle(s.Days, s.means, s.noise, hotspot.DefaultSettings())), from, calendar)
	}
	for _, o := range others {
		theirs, from := o.of(s)
		b.Compared[o.name] = b.judge(o.name, known, theirs, from, calendar)
		b.Compared["hotline_beside_"+o.name] = b.judge("hotline_beside_"+o.name, known, alerts, from, calendar)
	}
}

// judge adds a series to what a way of warning came to.
func (b *backtested) judge(name string, known simulate.Series, alerts []bool, from int, calendar hotspot.Calendar) *found {
	if b.rates[name] == nil {
		b.rates[name] = &simulate.Rates{}
	}
	r := b.rates[name]
	r.Judge(known, alerts, from, calendar)
	return &found{r.Outbreaks, r.Detection(), r.FalseAlarms(), r.OffFalseAlarms(), r.MakeUpFalseAlarms()}
}

func alertsOf(verdicts []hotspot.Verdict) []bool {
	alerts := make([]bool, len(verdicts))
	for i, v := range verdicts {
		alerts[i] = v.Alert
	}
	return alerts
}

func runsOf(marked []bool) []simulate.Outbreak {
	var list []simulate.Outbreak
	for i, m := range marked {
		switch {
		case m && (i == 0 || !marked[i-1]):
			list = append(list, simulate.Outbreak{From: i, To: i + 1})
		case m:
			list[len(list)-1].To = i + 1
		}
	}
	return list
}

// maxCount bounds a count: more in a day is a mistake of the file.
const maxCount = 1_000_000_000

// readSeries reads a CSV file by the names in its header; days of a series may be
// in any order and must follow one another: none twice, none missing.
func readSeries(path string) ([]countSeries, error) {
	type labelled struct {
		hotspot.Day
		outbreak bool
		mean     float64
	}
	index := map[string]int{}
	var all []countSeries
	var days [][]labelled
	var marked, known bool
	err := eachRow(path, []string{"series", "date", "count"}, func(r csvRow) error {
		date, err := r.date("date")
		if err != nil {
			return err
		}
		n, err := strconv.Atoi(r.text("count"))
		if err != nil || n < 0 || n > maxCount {
			return fmt.Errorf("the count is not a whole number from 0 to %d", maxCount)
		}
		d := labelled{Day: hotspot.Day{Date: date, Count: n}, outbreak: r.text("outbreak") == "1"}
		marked = r.has("outbreak")
		noise := 0.0
		if known = r.has("mean") && r.has("noise"); known {
			var wrong error
			d.mean, err = strconv.ParseFloat(r.text("mean"), 64)
			noise, wrong = strconv.ParseFloat(r.text("noise"), 64)
			if err != nil || wrong != nil || d.mean < 0 || noise < 1 {
				return errors.New("mean is not a number, or noise no number from 1")
			}
		}
		name := r.text("series")
		i, listed := index[name]
		if !listed {
			i = len(all)
			index[name] = i
			all, days = append(all, countSeries{name: name, noise: noise}), append(days, nil)
		}
		days[i] = append(days[i], d)
		return nil
	})
	if err != nil {
		return nil, err
	}
	for i := range all {
		slices.SortStableFunc(days[i], func(a, b labelled) int { return a.Date.Compare(b.Date) })
		for k, d := range days[i] {
			if k > 0 && !d.Date.Equal(days[i][k-1].Date.AddDate(0, 0, 1)) {
				return nil, fmt.Errorf("%s: series %q: after %s comes %s: each day once, zeros too", path, all[i].name, days[i][k-1].Date.Format(time.DateOnly), d.Date.Format(time.DateOnly))
			}
			all[i].Days = append(all[i].Days, d.Day)
			if marked {
				all[i].outbreak = append(all[i].outbreak, d.outbreak)
			}
			if known {
				all[i].means = append(all[i].means, d.mean)
			}
		}
	}
	return all, nil
}

// otherAlerts is what another program warned of.
type otherAlerts struct {
	name   string
	alerts map[string]map[time.Time]bool // by series
}

// of puts alerts beside the days of a series; before from the other program said nothing.
func (o otherAlerts) of(s countSeries) (alerts []bool, from int) {
	alerts, from = make([]bool, len(s.Days)), len(s.Days)
	for i, d := range s.Days {
		warned, said := o.alerts[s.name][d.Date]
		alerts[i] = warned
		if said {
			from = min(from, i)
		}
	}
	return alerts, from
}

func readOthers(files []string) ([]otherAlerts, error) {
	var all []otherAlerts
	for _, f := range files {
		name, path, ok := strings.Cut(f, "=")
		if !ok || name == "" {
			return nil, usageError{fmt.Errorf("--beside %s: give NAME=FILE", f)}
		}
		o := otherAlerts{name: name, alerts: map[string]map[time.Time]bool{}}
		err := eachRow(path, []string{"series", "date", "alert"}, func(r csvRow) error {
			date, err := r.date("date")
			if err != nil {
				return err
			}
			series := r.text("series")
			if o.alerts[series] == nil {
				o.alerts[series] = map[time.Time]bool{}
			}
			o.alerts[series][date] = r.text("alert") == "1"
			return nil
		})
		if err != nil {
			return nil, err
		}
		all = append(all, o)
	}
	return all, nil
}

func writeVerdicts(path string, all []countSeries, verdicts [][]hotspot.Verdict) error {
	return writeCSV(path, func(w *csv.Writer) error {
		if err := w.Write([]string{"series", "date", "count", "expected", "upper", "score", "alert"}); err != nil {
			return err
		}
		for i, s := range all {
			for k, v := range verdicts[i] {
				alert := "0"
				if v.Alert {
					alert = "1"
				}
				row := []string{s.name, s.Days[k].Date.Format(time.DateOnly), strconv.Itoa(s.Days[k].Count), decimal(v.Expected), decimal(v.Upper), decimal(v.Score), alert}
				if err := w.Write(row); err != nil {
					return err
				}
			}
		}
		return nil
	})
}
