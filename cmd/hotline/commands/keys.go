package commands

import (
	"context"
	"fmt"

	"github.com/spf13/cobra"

	"hotline/cmd/hotline/config"
	"hotline/cmd/hotline/engines"
	"hotline/ticketing/keyring"
)

func newKeys() *cobra.Command {
	c := &cobra.Command{Use: "keys", Short: "The installation's master keys: list, new, rewrap"}
	list := &cobra.Command{
		Use: "list", Short: "Fingerprints of the keys in the key file, the present one first", Args: cobra.NoArgs,
		RunE: func(c *cobra.Command, _ []string) error {
			cfg, _, err := settings(c)
			if err != nil {
				return err
			}
			ring, err := keyring.Open(cfg.KeyFile)
			if err != nil {
				return err
			}
			for _, name := range ring.Names() {
				fmt.Fprintln(c.OutOrStdout(), name)
			}
			return nil
		},
	}
	add := &cobra.Command{
		Use: "new", Short: "Put a new key in front of the key file; start the nodes again with it, then rewrap", Args: cobra.NoArgs,
		RunE: func(c *cobra.Command, _ []string) error {
			cfg, _, err := settings(c)
			if err != nil {
				return err
			}
			name, err := keyring.Renew(cfg.KeyFile)
			if err != nil {
				return err
			}
			fmt.Fprintf(c.OutOrStdout(), "%s is the present key: give the file to all nodes and start them again, then run hotline keys rewrap\n", name)
			return nil
		},
	}
	rewrap := &cobra.Command{
		Use: "rewrap", Short: "Put all that older keys hold under the present one, while nodes run", Args: cobra.NoArgs,
		RunE: func(c *cobra.Command, _ []string) error {
			return withStore(c, func(ctx context.Context, _ config.Config, e *engines.Engines) error {
				done, err := e.Store.Rewrap(ctx)
				if err != nil {
					return err
				}
				fmt.Fprintf(c.OutOrStdout(), "under %s now: keys of %d persons, %d of the store, %d second factors; the ledger goes on needing the older keys to be verified\n",
					e.Keys.Current(), done.Persons, done.StoreKeys, done.SecondFactors)
				return nil
			})
		},
	}
	for _, sub := range []*cobra.Command{list, add, rewrap} {
		config.Flags(sub.Flags())
		c.AddCommand(sub)
	}
	return c
}
