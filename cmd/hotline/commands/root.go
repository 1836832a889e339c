package commands

import (
	"context"
	"errors"
	"fmt"
	"log/slog"
	"os"
	"os/signal"
	"syscall"

	"github.com/spf13/cobra"

	"hotline/cmd/hotline/config"
	"hotline/cmd/hotline/engines"
	"hotline/cmd/hotline/logging"
)

// Run carries out a command line and returns the exit status.
func Run(args []string, version string) int {
	ctx, stop := signal.NotifyContext(context.Background(), os.Interrupt, syscall.SIGTERM)
	defer stop()
	root := newRoot(version)
	root.SetArgs(args)
	err := root.ExecuteContext(ctx)
	if err == nil {
		return 0
	}
	fmt.Fprintln(os.Stderr, "hotline:", logging.Mask(err.Error()))
	var usage usageError
	if errors.As(err, &usage) {
		return 2
	}
	return 1
}

// usageError is a command line that cannot be understood.
type usageError struct{ error }

func newRoot(version string) *cobra.Command {
	root := &cobra.Command{
		Use:           "hotline",
		Short:         "A 12345 citizen hotline in one binary",
		SilenceUsage:  true,
		SilenceErrors: true,
	}
	root.SetFlagErrorFunc(func(c *cobra.Command, err error) error {
		return usageError{fmt.Errorf("%w; see %s --help", err, c.CommandPath())}
	})
	root.CompletionOptions.DisableDefaultCmd = true
	root.AddCommand(
		newServe(version), newDemo(version), newMigrate(), newUser(), newSeat(), newCity(), newReindex(), newBackup(version), newRestore(), newKeys(), newRetention(), newClassify(), newHotspot(), newDue(), newGenerate(), newDoctor(),
		&cobra.Command{Use: "version", Short: "Print the version", Args: cobra.NoArgs, Run: func(c *cobra.Command, _ []string) {
			fmt.Fprintln(c.OutOrStdout(), "hotline", version)
		}},
	)
	strict(root)
	return root
}

// strict makes every misuse of a command's arguments a usageError: cobra
// itself shows the help, and succeeds, for a word that is no subcommand.
func strict(c *cobra.Command) {
	if !c.Runnable() {
		c.Args = func(c *cobra.Command, args []string) error {
			if len(args) > 0 {
				return fmt.Errorf("unknown command %q for %q", args[0], c.CommandPath())
			}
			return nil
		}
		c.RunE = func(c *cobra.Command, _ []string) error { return c.Help() }
	}
	if fits := c.Args; fits != nil {
		c.Args = func(c *cobra.Command, args []string) error {
			if err := fits(c, args); err != nil {
				return usageError{fmt.Errorf("%w; see %s --help", err, c.CommandPath())}
			}
			return nil
		}
	}
	for _, sub := range c.Commands() {
		strict(sub)
	}
}

// settings reads the configuration and makes the log of a command.
func settings(c *cobra.Command) (config.Config, *slog.Logger, error) {
	cfg, err := config.Load(c.Flags())
	if err != nil {
		return config.Config{}, nil, err
	}
	log, err := logging.New(c.ErrOrStderr(), cfg.LogLevel)
	return cfg, log, err
}

// withStore runs a command that needs the database alone.
func withStore(c *cobra.Command, run func(ctx context.Context, cfg config.Config, e *engines.Engines) error) (err error) {
	cfg, log, err := settings(c)
	if err != nil {
		return err
	}
	e := &engines.Engines{}
	defer func() { err = errors.Join(err, e.Close()) }()
	if err := e.OpenStore(c.Context(), cfg, log); err != nil {
		return err
	}
	return run(c.Context(), cfg, e)
}
