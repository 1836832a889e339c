package commands

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"os"

	"github.com/spf13/cobra"

	"hotline/cmd/city"
	"hotline/cmd/hotline/config"
	"hotline/cmd/hotline/engines"
	"hotline/ticketing"
	"hotline/web"
)

func newMigrate() *cobra.Command {
	c := &cobra.Command{
		Use:   "migrate",
		Short: "Bring the database's tables up to date and exit",
		Args:  cobra.NoArgs,
		RunE: func(c *cobra.Command, _ []string) error {
			return withStore(c, func(context.Context, config.Config, *engines.Engines) error { return nil })
		},
	}
	config.Flags(c.Flags())
	return c
}

func newCity() *cobra.Command {
	c := &cobra.Command{Use: "city", Short: "The city's reference data: districts, departments, categories, catalogue"}
	load := &cobra.Command{
		Use:   "import FILE",
		Short: "Check a city's YAML file and put it in force",
		Args:  cobra.ExactArgs(1),
		RunE: func(c *cobra.Command, args []string) error {
			raw, err := os.ReadFile(args[0])
			if err != nil {
				return err
			}
			parsed, err := city.Parse(raw)
			if err != nil {
				return fmt.Errorf("%s: %w", args[0], err)
			}
			return withStore(c, func(ctx context.Context, _ config.Config, e *engines.Engines) error {
				if err := e.Tickets.ImportCity(ctx, ticketing.SystemActor(), parsed); err != nil {
					return err
				}
				version, err := e.Tickets.CityVersion(ctx)
				if err != nil {
					return err
				}
				fmt.Fprintf(c.OutOrStdout(), "%s is in force as version %d\n", parsed.Name, version)
				return nil
			})
		},
	}
	save := &cobra.Command{
		Use:   "export",
		Short: "Print the city in force, or the sample city when there is none, as YAML",
		Args:  cobra.NoArgs,
		RunE: func(c *cobra.Command, _ []string) error {
			return withStore(c, func(ctx context.Context, _ config.Config, e *engines.Engines) error {
				now, err := e.Tickets.City(ctx)
				if err != nil {
					return err
				}
				text := city.SampleDocument()
				if now.Name != "" {
					if text, err = city.Format(now); err != nil {
						return err
					}
				}
				_, err = c.OutOrStdout().Write(text)
				return err
			})
		},
	}
	for _, sub := range []*cobra.Command{load, newPlaces(), newDictionary(), save} {
		config.Flags(sub.Flags())
		c.AddCommand(sub)
	}
	return c
}

func newReindex() *cobra.Command {
	var verify bool
	c := &cobra.Command{
		Use:   "reindex",
		Short: "Build the search index anew from the database, or compare the two and repair what differs",
		Args:  cobra.NoArgs,
		RunE: func(c *cobra.Command, _ []string) (err error) {
			cfg, log, err := settings(c)
			if err != nil {
				return err
			}
			e := &engines.Engines{}
			defer func() { err = errors.Join(err, e.Close()) }()
			if err := e.OpenStore(c.Context(), cfg, log); err != nil {
				return err
			}
			if err := e.OpenIndex(c.Context(), cfg, log); err != nil {
				return err
			}
			if !verify {
				if err := errors.Join(e.Index.Rebuild(c.Context(), e.Source), e.Sealed.Rebuild(c.Context(), e.Closed)); err != nil {
					return err
				}
			}
			if _, err := e.Sealed.Verify(c.Context(), e.Closed, true); err != nil {
				return err
			}
			report, err := e.Index.Verify(c.Context(), e.Source, true)
			if err != nil {
				return err
			}
			out := json.NewEncoder(c.OutOrStdout())
			out.SetIndent("", "  ")
			return out.Encode(report)
		},
	}
	config.Flags(c.Flags())
	c.Flags().BoolVar(&verify, "verify", false, "compare with the database and repair, instead of building anew")
	return c
}

// permissionsHead explains the table of rights.
const permissionsHead = `# Permissions

Who may do what, made from the code by ` + "`make generate`" + `. A test asks every operation as every role and compares.

- ` + "`centre`" + `: all of the own partition. ` + "`department`" + `: of the own department and those below it, and what it assists in. ` + "`own`" + `: what one made, handles or is on.
- A sealed partition (12388) is for its own people alone, and they see nothing else: no list, count, search, event, recording or figure crosses its border.
- The system administrator (admin) makes accounts and settings and grants nothing; the security administrator (secadmin) grants roles and reads what users and the auditor did
  (` + "`users`" + `); the auditor reads what those two did (` + "`admins`" + `), and lists unusual reading. Nobody holds two of the three, grants to the own self, or takes the last of a kind away.
- Within ` + "`ticket.read`" + ` each action has roles and states of its own: [actions.md](actions.md).

`

func newGenerate() *cobra.Command {
	var openapi, actions, permissions string
	c := &cobra.Command{
		Use:    "generate",
		Short:  "Write the documents that are made from the code",
		Args:   cobra.NoArgs,
		Hidden: true,
		RunE: func(*cobra.Command, []string) error {
			document, err := web.OpenAPI()
			if err != nil {
				return err
			}
			if openapi != "" {
				if err := os.WriteFile(openapi, document, 0o644); err != nil {
					return err
				}
			}
			if permissions != "" {
				table, err := web.PermissionsMarkdown()
				if err != nil {
					return err
				}
				if err := os.WriteFile(permissions, []byte(permissionsHead+table), 0o644); err != nil {
					return err
				}
			}
			if actions != "" {
				text := "# Actions\n\nWho may do what to a ticket, from which state. Made from the code by `make generate`.\n\n" + ticketing.TransitionsMarkdown()
				return os.WriteFile(actions, []byte(text), 0o644)
			}
			return nil
		},
	}
	c.Flags().StringVar(&openapi, "openapi", "", "file for the OpenAPI document")
	c.Flags().StringVar(&permissions, "permissions", "", "file for the table of rights")
	c.Flags().StringVar(&actions, "actions", "", "file for the table of actions")
	return c
}
