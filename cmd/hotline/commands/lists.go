package commands

import (
	"context"
	"fmt"
	"io"
	"os"
	"time"

	"github.com/spf13/cobra"

	"hotline/cmd/city"
	"hotline/cmd/hotline/config"
	"hotline/cmd/hotline/engines"
	"hotline/search/address"
)

func newPlaces() *cobra.Command {
	return listCommand("places FILE", "Check a gazetteer and put it in force: CSV with "+address.Header, func(ctx context.Context, e *engines.Engines, text string, out io.Writer) error {
		now, err := e.Tickets.City(ctx)
		if err != nil {
			return err
		}
		n, err := city.SavePlaces(ctx, e.Alerts, now, text, time.Now())
		if err == nil {
			fmt.Fprintf(out, "%d places are in force\n", n)
		}
		return err
	})
}

func newDictionary() *cobra.Command {
	return listCommand("dictionary FILE", "Check a dictionary and put it in force: a line is words that stand for one another, or wrong=>right", func(ctx context.Context, e *engines.Engines, text string, out io.Writer) error {
		err := city.SaveDictionary(ctx, e.Alerts, text, time.Now())
		if err == nil {
			fmt.Fprintln(out, "the dictionary is in force")
		}
		return err
	})
}

func listCommand(use, short string, save func(ctx context.Context, e *engines.Engines, text string, out io.Writer) error) *cobra.Command {
	return &cobra.Command{Use: use, Short: short, Args: cobra.ExactArgs(1), RunE: func(c *cobra.Command, args []string) error {
		raw, err := os.ReadFile(args[0])
		if err != nil {
			return err
		}
		return withStore(c, func(ctx context.Context, _ config.Config, e *engines.Engines) error {
			if err := save(ctx, e, string(raw), c.OutOrStdout()); err != nil {
				return fmt.Errorf("%s: %w", args[0], err)
			}
			return nil
		})
	}}
}
