package commands

import (
	"context"
	"errors"
	"fmt"
	"io"
	"io/fs"
	"net/url"
	"os"
	"strings"

	"github.com/spf13/cobra"

	"hotline/cmd/hotline/app"
	"hotline/cmd/hotline/config"
	"hotline/cmd/hotline/engines"
	"hotline/ticketing/ledger"
)

// errLedger is the doctor's word on a ledger that was changed.
var errLedger = errors.New("the ledger is not as it was written; keep the database and its backups as they are and call the auditor")

// examineLedger verifies the ledger of the database, where there is one.
func examineLedger(c *cobra.Command, cfg config.Config) error {
	if u, err := url.Parse(cfg.Store); err == nil && strings.HasPrefix(cfg.Store, "sqlite:") {
		if _, err := os.Stat(u.Path); errors.Is(err, fs.ErrNotExist) {
			fmt.Fprintln(c.OutOrStdout(), "ledger: no database yet")
			return nil
		}
	}
	return withStore(c, func(ctx context.Context, cfg config.Config, e *engines.Engines) error {
		anchors, err := app.ReadAnchors(cfg.Anchors, e.Keys)
		if err != nil {
			return errors.Join(errLedger, err)
		}
		report, err := e.Store.VerifyLedger(ctx, anchors)
		if err != nil {
			return fmt.Errorf("ledger: %w", err)
		}
		return tellLedger(c.OutOrStdout(), report)
	})
}

func tellLedger(out io.Writer, r ledger.Report) error {
	for _, f := range r.Findings {
		fmt.Fprintf(out, "ledger: entry %d: %s\n", f.Seq, f.What)
	}
	if !r.Whole() {
		return errLedger
	}
	fmt.Fprintf(out, "ledger: %d entries are as they were written (%d erased), %d anchors agree, head %d\n", r.Entries, r.Erased, r.Anchors, r.Head.Seq)
	return nil
}
