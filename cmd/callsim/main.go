package main

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"os"
	"os/signal"
	"syscall"
	"time"

	"github.com/spf13/cobra"
)

// errFailed says that the command did its work and calls failed.
var errFailed = errors.New("calls failed")

func main() {
	ctx, stop := signal.NotifyContext(context.Background(), os.Interrupt, syscall.SIGTERM)
	code := execute(ctx, os.Args[1:], os.Stdout, os.Stderr)
	stop()
	os.Exit(code)
}

// execute runs the command line and gives the exit status.
func execute(ctx context.Context, args []string, stdout, stderr io.Writer) int {
	root := command(stdout)
	root.SetArgs(args)
	root.SetOut(stdout)
	root.SetErr(stderr)
	err := root.ExecuteContext(ctx)
	switch {
	case err == nil:
		return 0
	case errors.Is(err, errFailed):
		return 1
	}
	_, _ = fmt.Fprintln(stderr, "callsim:", err)
	return 2
}

func command(stdout io.Writer) *cobra.Command {
	root := &cobra.Command{
		Use: "callsim", Short: "Simulated callers and seats on real SIP and RTP",
		SilenceUsage: true, SilenceErrors: true,
	}
	root.AddCommand(callCommand(stdout), loadCommand(stdout), seatsCommand(stdout))
	return root
}

func callCommand(stdout io.Writer) *cobra.Command {
	o := defaults()
	cmd := &cobra.Command{
		Use: "call", Short: "Make one call", Args: cobra.NoArgs,
		RunE: func(cmd *cobra.Command, _ []string) error {
			o.Calls, o.Concurrency, o.Details = 1, 1, true
			return report(cmd.Context(), stdout, "call", o, runLoad)
		},
	}
	o.common(cmd)
	o.caller(cmd)
	return cmd
}

func loadCommand(stdout io.Writer) *cobra.Command {
	o := defaults()
	cmd := &cobra.Command{
		Use: "load", Short: "Make many calls at a rate", Args: cobra.NoArgs,
		Long: "Makes --calls calls, --rate a second and at most --concurrency at once; after --duration none is begun any more.\n" +
			"With --seats the seats run here too; a call then counts as good when caller and seat hear one another's tone.",
		RunE: func(cmd *cobra.Command, _ []string) error {
			return report(cmd.Context(), stdout, "load", o, runLoad)
		},
	}
	o.common(cmd)
	o.caller(cmd)
	o.seat(cmd)
	f := cmd.Flags()
	f.IntVar(&o.Calls, "calls", o.Calls, "number of calls (1 to 1,000,000)")
	f.Float64Var(&o.Rate, "rate", o.Rate, "calls begun a second (up to 100,000)")
	f.IntVar(&o.Concurrency, "concurrency", o.Concurrency, "calls at once (up to 2,000)")
	f.Float64Var(&o.Abandon, "abandon", o.Abandon, "share of callers who hang up when they are not connected soon (0 to 1)")
	f.DurationVar(&o.AbandonAfter, "abandon-after", o.AbandonAfter, "how long those wait, varied by a half (0: --ring)")
	f.StringVar(&o.Arrivals, "arrivals", o.Arrivals, "even, or poisson: of callers who know nothing of one another")
	f.BoolVar(&o.Details, "details", o.Details, "list each call in the summary")
	return cmd
}

func seatsCommand(stdout io.Writer) *cobra.Command {
	o := defaults()
	o.Seats = "8001-8010"
	o.Duration = time.Hour
	o.Talk = 0
	cmd := &cobra.Command{
		Use: "seats", Short: "Register seats that answer and talk", Args: cobra.NoArgs,
		RunE: func(cmd *cobra.Command, _ []string) error {
			return report(cmd.Context(), stdout, "seats", o, runSeats)
		},
	}
	o.common(cmd)
	o.seat(cmd)
	cmd.Flags().DurationVar(&o.Talk, "talk", o.Talk, "the seat hangs up after this time; 0 leaves it to the caller")
	return cmd
}

// report runs one command and prints its summary, also when it was interrupted.
func report(ctx context.Context, stdout io.Writer, name string, o *options, run func(context.Context, *options) (*Summary, error)) error {
	if err := o.check(); err != nil {
		return err
	}
	start := time.Now()
	summary, err := run(ctx, o)
	if err != nil {
		return err
	}
	summary.Command, summary.Target, summary.Seed = name, o.Target, o.Seed
	summary.ElapsedSeconds = round(time.Since(start).Seconds())
	out := json.NewEncoder(stdout)
	out.SetIndent("", "  ")
	if err := out.Encode(summary); err != nil {
		return fmt.Errorf("print summary: %w", err)
	}
	if !summary.OK {
		return errFailed
	}
	return nil
}
