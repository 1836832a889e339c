package web

import (
	"bytes"
	"context"
	"encoding/csv"
	"fmt"
	"maps"
	"net/http"
	"reflect"
	"slices"
	"strings"
	"time"

	"github.com/danielgtaylor/huma/v2"
)

type callTableInput struct {
	CallStatsInput
	By string `query:"by" enum:"line,queue,seat,hour" default:"hour" doc:"What a row is"`
}

// callTable is the figures as a table that spreadsheets open: UTF-8 with a byte-order mark, times in milliseconds.
func (s *Server) callTable(ctx context.Context, in *callTableInput) (*huma.StreamResponse, error) {
	f, err := s.countCalls(ctx, &in.CallStatsInput)
	if err != nil {
		return nil, err
	}
	table, err := csvOf(in.By, rows(in.By, statistics(f)))
	if err != nil {
		return nil, err
	}
	return &huma.StreamResponse{Body: func(hc huma.Context) {
		hc.SetHeader("Content-Type", "text/csv; charset=utf-8")
		hc.SetHeader("Content-Disposition", fmt.Sprintf(`attachment; filename="calls-by-%s-%s.csv"`, in.By, f.From.In(shanghai).Format(time.DateOnly)))
		hc.SetStatus(http.StatusOK)
		_, _ = hc.BodyWriter().Write(table) // who has gone needs no table
	}}, nil
}

// tableRow is a row's name and figures.
type tableRow struct {
	name    string
	figures CallFigures
	times   *SeatTimes // of a seat
}

func rows(by string, st CallStatistics) []tableRow {
	var out []tableRow
	groups := map[string]map[string]CallFigures{"line": st.Lines, "queue": st.Queues, "seat": st.Seats}[by]
	for _, name := range slices.Sorted(maps.Keys(groups)) {
		row := tableRow{name: name, figures: groups[name]}
		if by == "seat" {
			t := st.Times[name]
			row.times = &t
		}
		out = append(out, row)
	}
	if by == "hour" {
		for _, h := range st.Hours {
			out = append(out, tableRow{name: h.Hour.Format("2006-01-02 15:04"), figures: h.CallFigures})
		}
	}
	total := tableRow{name: "total", figures: st.Total}
	if by == "seat" {
		total.times = &st.Staff
	}
	return append(out, total)
}

// csvOf writes a table; its columns are named as the API's fields.
func csvOf(by string, rows []tableRow) ([]byte, error) {
	var b bytes.Buffer
	b.WriteString("\ufeff")
	w := csv.NewWriter(&b)
	for i, r := range rows {
		names, values := fieldsOf(r.figures)
		if r.times != nil {
			n, v := fieldsOf(*r.times)
			names, values = append(names, n...), append(values, v...)
		}
		if i == 0 {
			if err := w.Write(append([]string{by}, names...)); err != nil {
				return nil, err
			}
		}
		if err := w.Write(append([]string{plainCell(r.name)}, values...)); err != nil {
			return nil, err
		}
	}
	w.Flush()
	return b.Bytes(), w.Error()
}

// plainCell keeps a spreadsheet from taking a name for a formula.
func plainCell(s string) string {
	if s != "" && strings.ContainsRune("=+-@\t\r", rune(s[0])) {
		return "'" + s
	}
	return s
}

func fieldsOf(record any) (names, values []string) {
	v := reflect.ValueOf(record)
	for i := range v.NumField() {
		name, _, _ := strings.Cut(v.Type().Field(i).Tag.Get("json"), ",")
		names = append(names, name)
		if f := v.Field(i); f.Kind() == reflect.Float64 {
			values = append(values, fmt.Sprintf("%.4f", f.Float()))
			continue
		}
		values = append(values, fmt.Sprint(v.Field(i).Interface()))
	}
	return names, values
}
