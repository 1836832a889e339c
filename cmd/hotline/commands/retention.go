package commands

import (
	"context"
	"fmt"
	"math"
	"text/tabwriter"
	"time"

	"github.com/spf13/cobra"

	"hotline/cmd/hotline/config"
	"hotline/cmd/hotline/engines"
	"hotline/ticketing/blobs"
)

func newRetention() *cobra.Command {
	dry := false
	c := &cobra.Command{
		Use:   "retention",
		Short: "Take out what has been kept for its time (process.retention of the city), as the nightly job does, and print the report",
		Args:  cobra.NoArgs,
		RunE: func(c *cobra.Command, _ []string) error {
			return withInstallation(c, func(ctx context.Context, _ config.Config, e *engines.Engines, files blobs.Store) error {
				e.Blobs = files
				report, err := e.Tickets.Retain(ctx, e.Recordings(), math.MaxInt, dry)
				out := tabwriter.NewWriter(c.OutOrStdout(), 2, 8, 2, ' ', 0)
				fmt.Fprintln(out, "class\ttypes\tdays\tbefore\tdue\theld")
				for _, r := range report.Rows {
					fmt.Fprintf(out, "%s\t%v\t%d\t%s\t%d\t%d\n", r.Class, r.Types, r.Days, r.Before.Format(time.DateOnly), r.Done, r.Held)
				}
				for _, class := range report.Kept {
					fmt.Fprintf(out, "%s\t\tkept\n", class)
				}
				if flushed := out.Flush(); err == nil {
					err = flushed
				}
				return err
			})
		},
	}
	c.Flags().BoolVar(&dry, "dry-run", false, "count only")
	config.Flags(c.Flags())
	return c
}
