package commands

import (
	"encoding/csv"
	"fmt"
	"math/rand/v2"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"hotline/ticketing/sla"
	"hotline/ticketing/sla/slatest"
)

// question is a row of the table with the answer that counting minute by minute gives.
type question struct {
	row  []string
	want time.Time
}

// TestDueAgreesWithCounting has two thousand limits of 2018–2026 worked out by
// the command, in both conventions, and counts each minute by minute.
func TestDueAgreesWithCounting(t *testing.T) {
	for _, convention := range []sla.Convention{sla.Minutes, sla.NthDay} {
		t.Run(string(convention), func(t *testing.T) {
			r := rand.New(rand.NewPCG(12345, uint64(len(convention))))
			questions := make([]question, 1000)
			table := [][]string{dueColumns}
			for i := range questions {
				questions[i] = ask(r, i, convention == sla.NthDay)
				table = append(table, questions[i].row)
			}
			dir := t.TempDir()
			in, out := filepath.Join(dir, "in.csv"), filepath.Join(dir, "out.csv")
			var text strings.Builder
			require.NoError(t, csv.NewWriter(&text).WriteAll(table))
			require.NoError(t, os.WriteFile(in, []byte(text.String()), 0o600))
			require.Zero(t, Run([]string{"due", "--in", in, "--out", out, "--convention", string(convention)}, "test"))
			raw, err := os.ReadFile(out)
			require.NoError(t, err)
			rows, err := csv.NewReader(strings.NewReader(string(raw))).ReadAll()
			require.NoError(t, err)
			require.Len(t, rows, len(table))
			for i, q := range questions {
				require.Equal(t, q.row[0], rows[i+1][0])
				require.Equal(t, q.want.In(sla.Zone).Format("2006-01-02 15:04"), rows[i+1][1], "%v: %s", q.row, rows[i+1][2])
				require.Contains(t, rows[i+1][2], "到期")
			}
		})
	}
}

var schedules = []struct {
	text    string
	periods []slatest.Period
}{
	{"09:00-12:00 13:30-17:30", []slatest.Period{{From: 540, To: 720}, {From: 810, To: 1050}}},
	{"08:30-11:30 14:00-18:00", []slatest.Period{{From: 510, To: 690}, {From: 840, To: 1080}}},
	{"00:00-24:00", []slatest.Period{{From: 0, To: 1440}}},
	{"09:00-17:00", []slatest.Period{{From: 540, To: 1020}}},
}

func ask(r *rand.Rand, i int, nthDay bool) question {
	c := slatest.New()
	c.NthDay = nthDay
	s := schedules[r.IntN(len(schedules))]
	c.Schedule = s.periods
	start := time.Date(2018, 1, 1, 0, 0, 0, 0, sla.Zone).Add(time.Duration(r.IntN(8*365*24*60+300*24*60)) * time.Minute)
	var pauses []slatest.Pause
	var texts []string
	for range r.IntN(3) {
		from := start.Add(time.Duration(r.IntN(10*24*60)-1000) * time.Minute)
		p := slatest.Pause{From: from, To: from.Add(time.Duration(r.IntN(6*24*60)) * time.Minute)}
		pauses = append(pauses, p)
		texts = append(texts, p.From.Format("2006-01-02 15:04")+"/"+p.To.Format("2006-01-02 15:04"))
	}
	clock := []string{"working", "calendar"}[r.IntN(2)]
	q := question{row: []string{fmt.Sprintf("q%d", i), s.text, start.Format("2006-01-02 15:04"), "", clock, strings.Join(texts, ";")}}
	switch r.IntN(3) {
	case 0:
		n := 1 + r.IntN(20)
		q.row[3], q.want = fmt.Sprintf("%dwd", n), c.Days(start, n, pauses)
	case 1:
		n := 1 + r.IntN(100)
		q.row[3], q.want = fmt.Sprintf("%dh", n), c.Run(start, n*60, clock == "calendar", pauses)
	default:
		n := 1 + r.IntN(3000)
		q.row[3], q.want = fmt.Sprintf("%dmin", n), c.Run(start, n, clock == "calendar", pauses)
	}
	return q
}
