package commands

import (
	"encoding/csv"
	"errors"
	"fmt"
	"io"
	"math"
	"os"
	"strconv"
	"strings"
	"time"

	"hotline/cmd/hotline/whole"
)

// csvRow is a row of a file with a header.
type csvRow struct {
	at     map[string]int
	values []string
}

func (r csvRow) has(column string) bool {
	_, ok := r.at[column]
	return ok
}

// text is empty where there is no such column.
func (r csvRow) text(column string) string {
	if i, ok := r.at[column]; ok {
		return r.values[i]
	}
	return ""
}

func (r csvRow) date(column string) (time.Time, error) {
	date, err := time.Parse(time.DateOnly, r.text(column))
	if err != nil {
		return date, errors.New("the date is not YYYY-MM-DD")
	}
	return date, nil
}

// eachRow reads a CSV file by the names in its header. The row is valid until do
// returns; an error of do is told with the file and the line.
func eachRow(path string, needed []string, do func(csvRow) error) error {
	f, err := os.Open(path)
	if err != nil {
		return err
	}
	defer f.Close()
	rows := csv.NewReader(f)
	head, err := rows.Read()
	if err != nil {
		return fmt.Errorf("%s: the header cannot be read: %w", path, err)
	}
	at := map[string]int{}
	for i, name := range head {
		at[strings.TrimPrefix(strings.TrimSpace(name), "\ufeff")] = i
	}
	for _, name := range needed {
		if _, ok := at[name]; !ok {
			return fmt.Errorf("%s: has no column %q; needed are %s", path, name, strings.Join(needed, ", "))
		}
	}
	rows.ReuseRecord = true
	for {
		row, err := rows.Read()
		if errors.Is(err, io.EOF) {
			return nil
		}
		if err != nil {
			return fmt.Errorf("%s: %w", path, err)
		}
		if err := do(csvRow{at, row}); err != nil {
			line, _ := rows.FieldPos(0)
			return fmt.Errorf("%s: line %d: %w", path, line, err)
		}
	}
}

// decimal writes a number; nothing for one that is not known.
func decimal(v float64) string {
	if math.IsNaN(v) {
		return ""
	}
	return strconv.FormatFloat(v, 'f', 4, 64)
}

// writeCSV writes a file whole or not at all.
func writeCSV(path string, write func(*csv.Writer) error) error {
	return whole.Write(path, func(f io.Writer) error {
		w := csv.NewWriter(f)
		err := write(w)
		w.Flush()
		return errors.Join(err, w.Error())
	})
}
