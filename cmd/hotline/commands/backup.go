package commands

import (
	"context"
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"time"

	"github.com/spf13/cobra"

	"hotline/cmd/hotline/app"
	"hotline/cmd/hotline/backup"
	"hotline/cmd/hotline/config"
	"hotline/cmd/hotline/engines"
	"hotline/ticketing/blobs"
)

// minPassphrase is the shortest passphrase of a backup, in characters.
const minPassphrase = 16

func newBackup(version string) *cobra.Command {
	c := &cobra.Command{
		Use:   "backup FILE",
		Short: "Write database, blobs and keys into one encrypted file while nodes run; the passphrase comes from HOTLINE_BACKUP_PASSPHRASE or the first line of standard input",
		Args:  cobra.ExactArgs(1),
		RunE: func(c *cobra.Command, args []string) error {
			passphrase, err := passphraseOf(c)
			if err != nil {
				return err
			}
			return withInstallation(c, func(ctx context.Context, cfg config.Config, e *engines.Engines, files blobs.Store) error {
				if err := app.WriteAnchor(ctx, e, cfg.Anchors, time.Now()); err != nil {
					return err
				}
				sums, err := backup.Write(ctx, backup.Source{Store: e.Store, Blobs: files, KeyFile: cfg.KeyFile, Anchors: cfg.Anchors, Program: version}, args[0], passphrase)
				if err != nil {
					return err
				}
				tellSums(c, "backed up", sums)
				return nil
			})
		},
	}
	config.Flags(c.Flags())
	return c
}

func newRestore() *cobra.Command {
	var erased string
	c := &cobra.Command{
		Use:   "restore FILE",
		Short: "Fill an empty installation from a backup and check every sum and the ledger; the passphrase as of backup",
		Args:  cobra.ExactArgs(1),
		RunE: func(c *cobra.Command, args []string) (err error) {
			cfg, _, err := settings(c)
			if err != nil {
				return err
			}
			passphrase, err := passphraseOf(c)
			if err != nil {
				return err
			}
			r, err := backup.Open(args[0], passphrase)
			if err != nil {
				return err
			}
			defer func() { err = errors.Join(err, r.Close()) }()
			if err := r.PlaceKeys(cfg.KeyFile, cfg.Anchors); err != nil {
				return err
			}
			if erased != "" {
				lines, err := os.ReadFile(erased)
				if err != nil {
					return fmt.Errorf("--erased: %w", err)
				}
				if err := engines.MergeErased(filepath.Join(cfg.Anchors, engines.ErasedList), lines); err != nil {
					return err
				}
			}
			return withInstallation(c, func(ctx context.Context, cfg config.Config, e *engines.Engines, files blobs.Store) error {
				sums, err := r.Restore(ctx, e.Store, files)
				if err != nil {
					return err
				}
				tellSums(c, "restored", sums)
				persons, err := engines.ReadErased(filepath.Join(cfg.Anchors, engines.ErasedList))
				if err != nil {
					return err
				}
				n, err := e.EraseAgain(ctx, persons)
				if err != nil {
					return fmt.Errorf("erase again who was erased since the backup: %w", err)
				}
				if n > 0 {
					fmt.Fprintf(c.OutOrStdout(), "erased again %d persons who had been erased since the backup\n", n)
				}
				anchors, err := app.ReadAnchors(cfg.Anchors, e.Keys)
				if err != nil {
					return errors.Join(errLedger, err)
				}
				report, err := e.Store.VerifyLedger(ctx, anchors)
				if err != nil {
					return err
				}
				return tellLedger(c.OutOrStdout(), report)
			})
		},
	}
	c.Flags().StringVar(&erased, "erased", "", "list of the erased ("+engines.ErasedList+" beside the ledger's anchors) of the installation that the backup is of, as it is now")
	config.Flags(c.Flags())
	return c
}

func tellSums(c *cobra.Command, what string, sums backup.Sums) {
	rows := int64(0)
	for _, t := range sums.Tables {
		rows += t.Rows
	}
	fmt.Fprintf(c.OutOrStdout(), "%s %d rows of %d tables and %d blobs\n", what, rows, len(sums.Tables), len(sums.Blobs))
}

func passphraseOf(c *cobra.Command) (string, error) {
	word, err := secret(c, "HOTLINE_BACKUP_PASSPHRASE")
	if err == nil && len([]rune(word)) < minPassphrase {
		err = fmt.Errorf("give a passphrase of at least %d characters as HOTLINE_BACKUP_PASSPHRASE or on standard input", minPassphrase)
	}
	return word, err
}

// withInstallation runs a command that needs the database and the blobs.
func withInstallation(c *cobra.Command, run func(ctx context.Context, cfg config.Config, e *engines.Engines, files blobs.Store) error) error {
	return withStore(c, func(ctx context.Context, cfg config.Config, e *engines.Engines) (err error) {
		files, err := blobs.Open(cfg.Blobs)
		if err != nil {
			return fmt.Errorf("--blobs: %w", err)
		}
		defer func() { err = errors.Join(err, files.Close()) }()
		return run(ctx, cfg, e, files)
	})
}
