package commands

import (
	"encoding/csv"
	"errors"
	"fmt"
	"io"
	"math"
	"math/rand/v2"
	"os"
	"slices"
	"strconv"
	"strings"
	"time"

	"github.com/spf13/cobra"

	"hotline/cmd/hotline/whole"
	"hotline/search/hotspot"
	"hotline/search/hotspot/simulate"
	"hotline/ticketing/sla"
)

func newHotspot() *cobra.Command {
	c := &cobra.Command{Use: "hotspot", Short: "Early warning: backtest, simulate"}
	var in, out string
	backtest := &cobra.Command{
		Use: "backtest", Args: cobra.NoArgs,
		Short: "Go through daily counts (CSV with series, date, count) as the warning does; adds expected, upper, score, alert. With a column outbreak (0 or 1) it prints what was found",
		RunE: func(c *cobra.Command, _ []string) error {
			all, err := readSeries(in)
			if err != nil {
				return err
			}
			began := time.Now()
			calendar := sla.DefaultCalendar().Workday
			verdicts := make([][]hotspot.Verdict, len(all))
			sum := backtested{Series: len(all)}
			for i, s := range all {
				verdicts[i] = hotspot.Detect(s.Days, calendar, hotspot.DefaultSettings())
			}
			sum.Seconds = time.Since(began).Seconds()
			for i, s := range all {
				sum.add(s, verdicts[i], calendar)
			}
			if err := writeVerdicts(out, all, verdicts); err != nil {
				return err
			}
			return printJSON(c, sum)
		},
	}
	var scenarios simulation
	sim := &cobra.Command{
		Use: "simulate", Short: "Make daily counts with outbreaks that are known, to backtest any way of warning", Args: cobra.NoArgs,
		RunE: func(*cobra.Command, []string) error { return scenarios.write(out) },
	}
	sim.Flags().BoolVar(&scenarios.holidays, "holidays", false, "a city that rests on days off and works on make-up days")
	sim.Flags().IntVar(&scenarios.repeat, "repeat", 1, "series of each of the sixteen scenarios")
	sim.Flags().IntVar(&scenarios.years, "years", 6, "length of a series")
	sim.Flags().Uint64Var(&scenarios.seed, "seed", 1, "of the random numbers")
	backtest.Flags().StringVar(&in, "in", "", "CSV file")
	cobra.CheckErr(backtest.MarkFlagRequired("in"))
	for _, sub := range []*cobra.Command{backtest, sim} {
		sub.Flags().StringVar(&out, "out", "", "CSV file")
		cobra.CheckErr(sub.MarkFlagRequired("out"))
		c.AddCommand(sub)
	}
	return c
}

// countSeries is one series of a file.
type countSeries struct {
	name     string
	Days     []hotspot.Day
	outbreak []bool // empty: the file does not say
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

func (b *backtested) add(s countSeries, verdicts []hotspot.Verdict, calendar hotspot.Calendar) {
	alerts := make([]bool, len(verdicts))
	for i, v := range verdicts {
		if alerts[i] = v.Alert; v.Alert {
			b.Alerts++
		}
	}
	b.Days += len(verdicts)
	if len(s.outbreak) == 0 {
		return
	}
	known := simulate.Series{Days: s.Days, Outbreaks: runsOf(s.outbreak)}
	judge := func(name string, alerts []bool) *found {
		if b.rates == nil {
			b.rates, b.Compared = map[string]*simulate.Rates{}, map[string]*found{}
		}
		if b.rates[name] == nil {
			b.rates[name] = &simulate.Rates{}
		}
		r := b.rates[name]
		r.Judge(known, alerts, hotspot.DefaultSettings().Least, calendar)
		return &found{r.Outbreaks, r.Detection(), r.FalseAlarms(), r.OffFalseAlarms(), r.MakeUpFalseAlarms()}
	}
	b.Found = judge("", alerts)
	for name, usual := range map[string][]bool{
		"ears_c1": simulate.EARS(s.Days, 0), "ears_c2": simulate.EARS(s.Days, 2), "ears_c3": simulate.EARSC3(s.Days),
		"three_sigma": simulate.ThreeSigma(s.Days), "poisson": simulate.Poisson(s.Days),
	} {
		b.Compared[name] = judge(name, usual)
	}
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
	f, err := os.Open(path)
	if err != nil {
		return nil, err
	}
	defer f.Close()
	rows := csv.NewReader(f)
	rows.ReuseRecord = true
	head, err := rows.Read()
	if err != nil {
		return nil, fmt.Errorf("%s: the header cannot be read: %w", path, err)
	}
	at := map[string]int{}
	for i, name := range head {
		at[strings.TrimPrefix(strings.TrimSpace(name), "\ufeff")] = i
	}
	for _, name := range []string{"series", "date", "count"} {
		if _, ok := at[name]; !ok {
			return nil, fmt.Errorf("%s: has no column %q; series, date and count are needed", path, name)
		}
	}
	mark, marked := at["outbreak"]
	index := map[string]int{}
	var all []countSeries
	type labelled struct {
		hotspot.Day
		outbreak bool
	}
	var days [][]labelled
	for {
		row, err := rows.Read()
		if errors.Is(err, io.EOF) {
			break
		}
		if err != nil {
			return nil, fmt.Errorf("%s: %w", path, err)
		}
		line, _ := rows.FieldPos(0)
		date, err := time.Parse(time.DateOnly, row[at["date"]])
		if err != nil {
			return nil, fmt.Errorf("%s: line %d: the date is not YYYY-MM-DD", path, line)
		}
		n, err := strconv.Atoi(row[at["count"]])
		if err != nil || n < 0 || n > maxCount {
			return nil, fmt.Errorf("%s: line %d: the count is not a whole number from 0 to %d", path, line, maxCount)
		}
		name := row[at["series"]]
		i, known := index[name]
		if !known {
			i = len(all)
			index[name] = i
			all, days = append(all, countSeries{name: name}), append(days, nil)
		}
		days[i] = append(days[i], labelled{hotspot.Day{Date: date, Count: n}, marked && row[mark] == "1"})
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
		}
	}
	return all, nil
}

func writeVerdicts(path string, all []countSeries, verdicts [][]hotspot.Verdict) error {
	return writeCSV(path, func(w *csv.Writer) error {
		if err := w.Write([]string{"series", "date", "count", "expected", "upper", "score", "alert"}); err != nil {
			return err
		}
		number := func(v float64) string {
			if math.IsNaN(v) {
				return ""
			}
			return strconv.FormatFloat(v, 'f', 4, 64)
		}
		for i, s := range all {
			for k, v := range verdicts[i] {
				alert := "0"
				if v.Alert {
					alert = "1"
				}
				row := []string{s.name, s.Days[k].Date.Format(time.DateOnly), strconv.Itoa(s.Days[k].Count), number(v.Expected), number(v.Upper), number(v.Score), alert}
				if err := w.Write(row); err != nil {
					return err
				}
			}
		}
		return nil
	})
}

// writeCSV writes a file whole or not at all.
func writeCSV(path string, write func(*csv.Writer) error) error {
	return whole.Write(path, func(f io.Writer) error {
		w := csv.NewWriter(f)
		err := write(w)
		w.Flush()
		return errors.Join(err, w.Error())
	})
}

// simulation is what `hotspot simulate` makes.
type simulation struct {
	holidays      bool
	repeat, years int
	seed          uint64
}

// settledYears are the days before outbreaks begin.
const settledYears = 1

func (s simulation) write(path string) error {
	if s.repeat < 1 || s.repeat > 1000 || s.years < 2 || s.years > 8 {
		return usageError{errors.New("give 1 to 1000 series of 2 to 8 years")}
	}
	scenarios := simulate.Scenarios()
	if s.holidays {
		scenarios = simulate.WithHolidays()
	}
	calendar := sla.DefaultCalendar().Workday
	first := time.Date(2026-s.years, 1, 1, 0, 0, 0, 0, time.UTC) // the calendar is known from 2018 to 2026
	return writeCSV(path, func(w *csv.Writer) error {
		if err := w.Write([]string{"series", "date", "count", "outbreak"}); err != nil {
			return err
		}
		for i, scenario := range scenarios {
			for n := range s.repeat {
				random := rand.New(rand.NewPCG(s.seed, uint64(i*s.repeat+n))) //nolint:gosec // the same numbers each time
				made := simulate.Make(scenario, first, s.years*365, settledYears*365, 40, calendar, random)
				if err := writeSimulated(w, fmt.Sprintf("%02d-%03d", i, n), made); err != nil {
					return err
				}
			}
		}
		return nil
	})
}

func writeSimulated(w *csv.Writer, name string, s simulate.Series) error {
	busy := make([]string, len(s.Days))
	for i := range busy {
		busy[i] = "0"
	}
	for _, o := range s.Outbreaks {
		for t := o.From; t < o.To; t++ {
			busy[t] = "1"
		}
	}
	for i, d := range s.Days {
		if err := w.Write([]string{name, d.Date.Format(time.DateOnly), strconv.Itoa(d.Count), busy[i]}); err != nil {
			return err
		}
	}
	return nil
}
