package commands

import (
	"encoding/csv"
	"errors"
	"fmt"
	"io"
	"os"
	"path/filepath"
	"strings"

	"github.com/spf13/cobra"

	"hotline/ticketing/sla"
)

// dueColumns of the table that comes in; id, start and limit are needed.
var dueColumns = []string{"id", "schedule", "start", "limit", "clock", "suspensions"}

func newDue() *cobra.Command {
	var in, out, convention string
	c := &cobra.Command{
		Use:   "due --in CSV --out CSV",
		Short: "Work out when limits are used up, and why",
		Long: "Work out when limits are used up, by the State Council's calendar.\n\n" +
			"in:  id,schedule,start,limit,clock,suspensions\n" +
			"     schedule 09:00-12:00 13:30-17:30; limit 5wd, 24h, 30min, 7d; clock working or calendar;\n" +
			"     suspensions from/to;from/to; moments without a zone are Shanghai's\n" +
			"out: id,due,derivation",
		Args: cobra.NoArgs,
		RunE: func(*cobra.Command, []string) error {
			if in == "" || out == "" {
				return usageError{errors.New("give --in and --out; see hotline due --help")}
			}
			by := sla.Convention(convention)
			if by != sla.Minutes && by != sla.NthDay {
				return usageError{fmt.Errorf("--convention %q: use minutes or nth-day", convention)}
			}
			return dueTable(in, out, by)
		},
	}
	c.Flags().StringVar(&in, "in", "", "CSV of limits")
	c.Flags().StringVar(&out, "out", "", "CSV of due times; written when every row could be worked out")
	c.Flags().StringVar(&convention, "convention", string(sla.Minutes), "how limits in working days are read: minutes or nth-day")
	return c
}

// dueTable answers every row, or names the first that cannot be answered and
// leaves out as it was.
func dueTable(in, out string, convention sla.Convention) (err error) {
	source, err := os.Open(in)
	if err != nil {
		return err
	}
	defer source.Close()
	target, err := os.CreateTemp(filepath.Dir(out), ".due-*")
	if err != nil {
		return err
	}
	defer func() {
		if err != nil {
			err = errors.Join(err, target.Close(), os.Remove(target.Name()))
		}
	}()
	if err := answerTable(source, target, convention); err != nil {
		return err
	}
	if err := target.Chmod(0o644); err != nil {
		return err
	}
	if err := target.Close(); err != nil {
		return err
	}
	return os.Rename(target.Name(), out)
}

func answerTable(in io.Reader, out io.Writer, convention sla.Convention) error {
	rows := csv.NewReader(in)
	header, err := rows.Read()
	if err != nil {
		return fmt.Errorf("line 1: a header such as %s is missing: %w", strings.Join(dueColumns, ","), err)
	}
	at, err := columns(header)
	if err != nil {
		return err
	}
	w := csv.NewWriter(out)
	if err := w.Write([]string{"id", "due", "derivation"}); err != nil {
		return err
	}
	calendar := sla.DefaultCalendar()
	for {
		row, err := rows.Read()
		if errors.Is(err, io.EOF) {
			w.Flush()
			return w.Error()
		}
		if err != nil {
			return err
		}
		line, _ := rows.FieldPos(0)
		cell := func(name string) string {
			if i, ok := at[name]; ok {
				return row[i]
			}
			return ""
		}
		answer, err := sla.Ask(calendar, sla.Question{
			Schedule: cell("schedule"), Start: cell("start"), Limit: cell("limit"), Clock: cell("clock"), Pauses: cell("suspensions"),
		}, convention)
		if err != nil {
			return fmt.Errorf("line %d: %w", line, err)
		}
		var words []string
		for _, s := range answer.Steps {
			words = append(words, s.Zh+" | "+s.En)
		}
		if err := w.Write([]string{cell("id"), answer.Due, strings.Join(words, "\n")}); err != nil {
			return err
		}
	}
}

// columns finds the columns by their names, in any order.
func columns(header []string) (map[string]int, error) {
	at := map[string]int{}
	for i, name := range header {
		at[strings.ToLower(strings.TrimSpace(strings.TrimPrefix(name, "\ufeff")))] = i
	}
	for _, name := range []string{"id", "start", "limit"} {
		if _, ok := at[name]; !ok {
			return nil, fmt.Errorf("line 1: the column %s is missing; the header is %s", name, strings.Join(dueColumns, ","))
		}
	}
	return at, nil
}
