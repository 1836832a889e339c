package commands

import (
	"bufio"
	"context"
	"errors"
	"fmt"
	"io"
	"os"
	"strings"
	"text/tabwriter"
	"time"

	"github.com/spf13/cobra"

	"hotline/cmd/hotline/accounts"
	"hotline/cmd/hotline/config"
	"hotline/cmd/hotline/engines"
	"hotline/telephony"
	"hotline/ticketing"
)

func newUser() *cobra.Command {
	c := &cobra.Command{Use: "user", Short: "Users: add, password, list, disable"}
	var user ticketing.User
	var roles []string
	add := &cobra.Command{
		Use:   "add LOGIN",
		Short: "Make a user or change one; the password comes from HOTLINE_USER_PASSWORD or the first line of standard input",
		Args:  cobra.ExactArgs(1),
		RunE: func(c *cobra.Command, args []string) error {
			password, err := secret(c, "HOTLINE_USER_PASSWORD")
			if err != nil {
				return err
			}
			user.Login = args[0]
			user.Roles = nil
			for _, r := range roles {
				user.Roles = append(user.Roles, ticketing.Role(r))
			}
			return withStore(c, func(ctx context.Context, _ config.Config, e *engines.Engines) error {
				return accounts.Save(ctx, e.Store, user, password, time.Now())
			})
		},
	}
	add.Flags().StringVar(&user.Name, "name", "", "the person's name")
	add.Flags().StringSliceVar(&roles, "role", nil, "roles, such as agent or clerk")
	add.Flags().StringVar(&user.Department, "department", "", "code of the department; none for the centre")
	add.Flags().StringVar(&user.Partition, "partition", "", "line of a sealed partition, such as 12388, that is all the user sees")
	add.Flags().StringVar(&user.Seat, "seat", "", "usual seat, such as 8001")
	list := &cobra.Command{Use: "list", Short: "List users", Args: cobra.NoArgs, RunE: listUsers}
	disable := &cobra.Command{
		Use:   "disable LOGIN",
		Short: "End a user's sessions and refuse new ones",
		Args:  cobra.ExactArgs(1),
		RunE: func(c *cobra.Command, args []string) error {
			return withStore(c, func(ctx context.Context, _ config.Config, e *engines.Engines) error {
				u, err := e.Store.UserByLogin(ctx, args[0])
				if err != nil {
					return fmt.Errorf("user %s: %w", args[0], err)
				}
				u.Disabled = true
				return accounts.Save(ctx, e.Store, u, "", time.Now())
			})
		},
	}
	password := &cobra.Command{
		Use:   "password LOGIN",
		Short: "Change a user's password and end the user's sessions; it comes from HOTLINE_USER_PASSWORD or the first line of standard input",
		Args:  cobra.ExactArgs(1),
		RunE: func(c *cobra.Command, args []string) error {
			word, err := secret(c, "HOTLINE_USER_PASSWORD")
			if err != nil {
				return err
			}
			if word == "" {
				return errors.New("give the new password as HOTLINE_USER_PASSWORD or on standard input")
			}
			return withStore(c, func(ctx context.Context, _ config.Config, e *engines.Engines) error {
				u, err := e.Store.UserByLogin(ctx, args[0])
				if err != nil {
					return fmt.Errorf("user %s: %w", args[0], err)
				}
				return accounts.Save(ctx, e.Store, u, word, time.Now())
			})
		},
	}
	for _, sub := range []*cobra.Command{add, password, list, disable} {
		config.Flags(sub.Flags())
		c.AddCommand(sub)
	}
	return c
}

func listUsers(c *cobra.Command, _ []string) error {
	return withStore(c, func(ctx context.Context, _ config.Config, e *engines.Engines) error {
		users, err := e.Store.Users(ctx)
		if err != nil {
			return err
		}
		table := tabwriter.NewWriter(c.OutOrStdout(), 0, 4, 2, ' ', 0)
		fmt.Fprintln(table, "LOGIN\tNAME\tROLES\tDEPARTMENT\tSEAT\tDISABLED")
		for _, u := range users {
			roles := make([]string, len(u.Roles))
			for i, r := range u.Roles {
				roles[i] = string(r)
			}
			fmt.Fprintf(table, "%s\t%s\t%s\t%s\t%s\t%v\n", u.Login, u.Name, strings.Join(roles, ","), u.Department, u.Seat, u.Disabled)
		}
		return table.Flush()
	})
}

func newSeat() *cobra.Command {
	c := &cobra.Command{Use: "seat", Short: "Seats: SIP accounts of operators"}
	var user string
	var sha256 bool
	add := &cobra.Command{
		Use:   "add NUMBER",
		Short: "Make a seat or change one; the secret comes from HOTLINE_SEAT_SECRET or the first line of standard input",
		Args:  cobra.ExactArgs(1),
		RunE: func(c *cobra.Command, args []string) error {
			word, err := secret(c, "HOTLINE_SEAT_SECRET")
			if err != nil {
				return err
			}
			algorithm := telephony.MD5
			if sha256 {
				algorithm = telephony.SHA256
			}
			return withStore(c, func(ctx context.Context, cfg config.Config, e *engines.Engines) error {
				return accounts.SaveSeat(ctx, e.Store, e.Calls, accounts.SeatAccount{
					ID: args[0], Login: user, Realm: cfg.Realm, Secret: word, Algorithm: algorithm,
				})
			})
		},
	}
	add.Flags().StringVar(&user, "user", "", "login of the user who usually sits there")
	add.Flags().BoolVar(&sha256, "sha256", false, "digest with SHA-256 instead of MD5; not every phone can")
	config.Flags(add.Flags())
	c.AddCommand(add)
	return c
}

// secret reads a password without it ever being on the command line, where
// every user of the machine could see it.
func secret(c *cobra.Command, variable string) (string, error) {
	if word := os.Getenv(variable); word != "" {
		return word, nil
	}
	line, err := bufio.NewReader(io.LimitReader(c.InOrStdin(), 1024)).ReadString('\n')
	if err != nil && !errors.Is(err, io.EOF) {
		return "", err
	}
	return strings.TrimRight(line, "\r\n"), nil
}
