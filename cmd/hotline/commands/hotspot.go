package commands

import (
	"encoding/csv"
	"errors"
	"fmt"
	"math/rand/v2"
	"runtime"
	"strconv"
	"time"

	"github.com/spf13/cobra"
	"golang.org/x/sync/errgroup"

	"hotline/search/hotspot"
	"hotline/search/hotspot/simulate"
	"hotline/ticketing/sla"
)

func newHotspot() *cobra.Command {
	c := &cobra.Command{Use: "hotspot", Short: "Early warning: backtest, simulate, topics"}
	var in, out string
	var beside []string
	backtest := &cobra.Command{
		Use: "backtest", Args: cobra.NoArgs,
		Short: "Go through daily counts (CSV with series, date, count) as the warning does; adds expected, upper, score, alert. With a column outbreak (0 or 1) it prints what was found",
		RunE: func(c *cobra.Command, _ []string) error {
			all, err := readSeries(in)
			if err != nil {
				return err
			}
			others, err := readOthers(beside)
			if err != nil {
				return err
			}
			began := time.Now()
			calendar := sla.DefaultCalendar().Workday
			verdicts := make([][]hotspot.Verdict, len(all))
			sum := backtested{Series: len(all)}
			group, _ := errgroup.WithContext(c.Context())
			group.SetLimit(runtime.GOMAXPROCS(0))
			for i, s := range all {
				group.Go(func() error {
					verdicts[i] = hotspot.Detect(s.Days, calendar, hotspot.DefaultSettings())
					return nil
				})
			}
			if err := group.Wait(); err != nil {
				return err
			}
			sum.Seconds = time.Since(began).Seconds()
			for i, s := range all {
				sum.add(s, verdicts[i], others, calendar)
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
	sim.Flags().IntVar(&scenarios.outbreaks.Gap, "gap", simulate.Weekly.Gap, "days from one outbreak to the next, in the mean")
	sim.Flags().Float64Var(&scenarios.outbreaks.Factor, "factor", simulate.Weekly.Factor, "an outbreak has Poisson(k·factor·sd) reports, k from 1 to 5")
	sim.Flags().Float64Var(&scenarios.outbreaks.Days, "days", simulate.Weekly.Days, "half of its reports come within so many days")
	sim.Flags().Uint64Var(&scenarios.seed, "seed", 1, "of the random numbers")
	backtest.Flags().StringVar(&in, "in", "", "CSV file")
	backtest.Flags().StringArrayVar(&beside, "beside", nil, "NAME=CSV with series, date, alert: what another program warned of, to compare; days that are not in it count for nobody")
	cobra.CheckErr(backtest.MarkFlagRequired("in"))
	for _, sub := range []*cobra.Command{backtest, sim} {
		sub.Flags().StringVar(&out, "out", "", "CSV file")
		cobra.CheckErr(sub.MarkFlagRequired("out"))
		c.AddCommand(sub)
	}
	c.AddCommand(newTopics())
	return c
}

// simulation is what `hotspot simulate` makes.
type simulation struct {
	holidays      bool
	outbreaks     simulate.Spread
	repeat, years int
	seed          uint64
}

// settledYears are the days before outbreaks begin.
const settledYears = 1

func (s simulation) write(path string) error {
	if s.repeat < 1 || s.repeat > 1000 || s.years < 2 || s.years > 8 {
		return usageError{errors.New("give 1 to 1000 series of 2 to 8 years")}
	}
	if o := s.outbreaks; o.Gap < 2 || o.Gap > 100_000 || o.Factor <= 0 || o.Factor > 100 || o.Days <= 0 || o.Days > 30 {
		return usageError{errors.New("give a gap of 2 to 100000 days, a factor up to 100 and up to 30 days")}
	}
	scenarios := simulate.Scenarios()
	if s.holidays {
		scenarios = simulate.WithHolidays()
	}
	calendar := sla.DefaultCalendar().Workday
	first := time.Date(2026-s.years, 1, 1, 0, 0, 0, 0, time.UTC) // the calendar is known from 2018 to 2026
	return writeCSV(path, func(w *csv.Writer) error {
		if err := w.Write([]string{"series", "date", "count", "outbreak", "mean", "noise"}); err != nil {
			return err
		}
		for i, scenario := range scenarios {
			for n := range s.repeat {
				random := rand.New(rand.NewPCG(s.seed, uint64(i*s.repeat+n))) //nolint:gosec // the same numbers each time
				made := simulate.Make(scenario, first, s.years*365, settledYears*365, s.outbreaks, calendar, random)
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
		if err := w.Write([]string{name, d.Date.Format(time.DateOnly), strconv.Itoa(d.Count), busy[i], decimal(s.Means[i]), decimal(s.Noise)}); err != nil {
			return err
		}
	}
	return nil
}
