package main

import (
	"context"
	"encoding/json"
	"errors"
	"flag"
	"fmt"
	"io"
	"os"
	"os/signal"
	"path/filepath"
	"strings"
	"syscall"
	"time"

	"hotline/cmd/hotline/drill"
)

// Figure is one measured value as bench.json holds it.
type Figure struct {
	Name           string  `json:"name"`
	Value          float64 `json:"value"`
	Unit           string  `json:"unit"`
	Goal           float64 `json:"goal"`
	HigherIsBetter bool    `json:"higher_is_better"`
	Baseline       float64 `json:"baseline"`
	BaselineName   string  `json:"baseline_name"`
}

// Met tells whether the goal is reached.
func (f Figure) Met() bool {
	if f.HigherIsBetter {
		return f.Value >= f.Goal
	}
	return f.Value <= f.Goal
}

// bench is one group of figures that are measured together.
type bench struct {
	name string
	run  func(ctx context.Context, r *run) error
}

var benches = []bench{
	{"store", benchStore},
	{"http", benchHTTP},
	{"ledger", benchLedger},
	{"metropolis", benchMetropolis},
	{"warning", benchWarning},
	{"metropolis-postgres", benchMetropolisPostgres},
	{"outbox", benchOutbox},
	{"search", benchSearch},
	{"topics", benchTopics},
	{"duplicates", benchDuplicates},
	{"drift", benchDrift},
	{"fresh", benchFresh},
	{"relay", benchRelay},
	{"calls1000", benchManyCalls},
	{"browsers", benchBrowsers},
	{"signalling", benchSignalling},
	{"queue", benchQueue},
	{"callcentre", benchCentre},
	{"startup", benchStartup},
}

// run is one run of the program.
type run struct {
	out      io.Writer
	work     string        // folder that goes with the run
	window   time.Duration // over which CPU and packets are counted
	tickets  int           // of a metropolis
	figures  []Figure
	binaries drill.Binaries
}

func main() {
	ctx, stop := signal.NotifyContext(context.Background(), os.Interrupt, syscall.SIGTERM)
	err := execute(ctx, os.Args[1:], os.Stdout, os.Stderr)
	stop()
	if err != nil {
		fmt.Fprintln(os.Stderr, "bench:", err)
		os.Exit(1)
	}
}

func execute(ctx context.Context, args []string, stdout, stderr io.Writer) (err error) {
	if len(args) > 0 && args[0] == "relay" {
		return serveRelay(args[1:])
	}
	flags := flag.NewFlagSet("bench", flag.ContinueOnError)
	flags.SetOutput(stderr)
	only := flags.String("only", "", "run one bench: "+strings.Join(names(), ", ")+" (all when empty)")
	window := flags.Duration("window", time.Minute, "over which packets and their CPU are counted")
	tickets := flags.Int("tickets", 1_000_000, "of the metropolis, each with ten events")
	path := flags.String("out", "bench.json", "file for the figures")
	if err := flags.Parse(args); err != nil {
		return err
	}
	chosen, err := choose(*only)
	if err != nil {
		return err
	}
	work, err := os.MkdirTemp("", "hotline-bench-")
	if err != nil {
		return err
	}
	defer func() { err = errors.Join(err, os.RemoveAll(work)) }()
	r := &run{out: stdout, work: work, window: *window, tickets: *tickets}
	var errs []error
	for _, b := range chosen {
		if err := b.run(ctx, r); err != nil {
			errs = append(errs, fmt.Errorf("%s: %w", b.name, err))
			r.say("%s: %v", b.name, err)
		}
	}
	return errors.Join(append(errs, r.write(*path))...)
}

func names() []string {
	all := make([]string, len(benches))
	for i, b := range benches {
		all[i] = b.name
	}
	return all
}

func choose(only string) ([]bench, error) {
	if only == "" {
		return benches, nil
	}
	for _, b := range benches {
		if b.name == only {
			return []bench{b}, nil
		}
	}
	return nil, fmt.Errorf("no bench is called %q; use one of %s", only, strings.Join(names(), ", "))
}

func (r *run) say(format string, args ...any) { fmt.Fprintf(r.out, format+"\n", args...) }

// add prints a figure beside its goal and its baseline, and keeps it.
func (r *run) add(f Figure) {
	r.figures = append(r.figures, f)
	verdict := "met"
	if !f.Met() {
		verdict = "MISSED"
	}
	sign := "<="
	if f.HigherIsBetter {
		sign = ">="
	}
	r.say("%-28s %10.4g %-9s goal %s %-8.4g %-7s baseline %.4g (%s)", f.Name, f.Value, f.Unit, sign, f.Goal, verdict, f.Baseline, f.BaselineName)
}

func (r *run) write(path string) error {
	if r.figures == nil {
		r.figures = []Figure{}
	}
	raw, err := json.MarshalIndent(r.figures, "", "  ")
	if err != nil {
		return err
	}
	return os.WriteFile(path, append(raw, '\n'), 0o644) //nolint:gosec // figures are for everybody
}

// folder makes an empty folder of the run.
func (r *run) folder(name string) (string, error) {
	dir := filepath.Join(r.work, name+time.Now().Format("-150405.000"))
	return dir, os.MkdirAll(dir, 0o750)
}

// built compiles the programs once per run.
func (r *run) built(ctx context.Context) (drill.Binaries, error) {
	if r.binaries.Hotline != "" {
		return r.binaries, nil
	}
	if dir := os.Getenv("HOTLINE_BENCH_BIN"); dir != "" { // programs built otherwise, to profile them
		r.binaries = drill.Binaries{Hotline: filepath.Join(dir, "hotline"), Callsim: filepath.Join(dir, "callsim")}
		return r.binaries, nil
	}
	dir, err := r.folder("bin")
	if err != nil {
		return drill.Binaries{}, err
	}
	r.binaries, err = drill.Build(ctx, dir)
	return r.binaries, err
}

// setup is a node of the run's own, with free addresses and the log in a file.
func (r *run) setup(ctx context.Context, name string) (drill.Setup, error) {
	bin, err := r.built(ctx)
	if err != nil {
		return drill.Setup{}, err
	}
	dir, err := r.folder(name)
	if err != nil {
		return drill.Setup{}, err
	}
	log, err := os.Create(filepath.Join(dir, "server.log")) //nolint:gosec // in the run's own folder
	if err != nil {
		return drill.Setup{}, err
	}
	s := drill.Setup{Binary: bin.Hotline, Data: filepath.Join(dir, "data"), Log: log}
	return s, s.Loopback(ctx)
}
