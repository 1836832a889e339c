package main

import (
	"context"
	"time"

	"hotline/search"
)

// tableRounds is how often each table is asked for.
const tableRounds = 5

// benchTables times the tables of the analysis over all tickets, and the ranking of words.
func benchTables(ctx context.Context, r *run, engine string, index *search.Index) error {
	everything := search.Query{Scope: search.Scope{All: true}}
	for _, t := range []struct {
		name          string
		rows, columns search.Axis
	}{
		{"categories by departments", search.Axis{Name: "category"}, search.Axis{Name: "department"}},
		{"districts by months", search.Axis{Name: "district"}, search.Axis{Name: search.ByMonth}},
		{"categories by hours", search.Axis{Name: "category"}, search.Axis{Name: search.ByHour}},
	} {
		var took []time.Duration
		total := 0
		for range tableRounds {
			began := time.Now()
			table, err := index.Tabulate(ctx, search.TableQuery{Query: everything, Rows: t.rows, Columns: t.columns})
			if err != nil {
				r.say("table on %s, %s: %v", engine, t.name, err)
				break
			}
			took, total = append(took, time.Since(began)), table.Total
		}
		if len(took) > 0 {
			r.say("table on %s, %s: %.0f ms over %d tickets", engine, t.name, millis(percentile(took, 0.5)), total)
		}
	}
	began := time.Now()
	words, titles, err := index.Words(ctx, search.WordQuery{Query: everything})
	if err != nil {
		return err
	}
	r.say("words on %s: %d of %d titles in %.0f ms", engine, len(words), titles, millis(time.Since(began)))
	return nil
}
