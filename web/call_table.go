package web

import (
	"bytes"
	"context"
	"encoding/csv"
	"errors"
	"fmt"
	"maps"
	"net/http"
	"reflect"
	"slices"
	"strings"
	"time"

	"github.com/danielgtaylor/huma/v2"
	"github.com/xuri/excelize/v2"
)

type callTableInput struct {
	CallStatsInput
	By string `query:"by" enum:"line,queue,seat,hour" default:"hour" doc:"What a row is"`
}

// callTable is the figures as a table that spreadsheets open: UTF-8 with a byte-order mark, times in milliseconds.
func (s *Server) callTable(ctx context.Context, in *callTableInput) (*huma.StreamResponse, error) {
	return s.tableAs(ctx, in, "csv", "text/csv; charset=utf-8", csvOf)
}

// callSheet is the same table as a workbook.
func (s *Server) callSheet(ctx context.Context, in *callTableInput) (*huma.StreamResponse, error) {
	return s.tableAs(ctx, in, "xlsx", "application/vnd.openxmlformats-officedocument.spreadsheetml.sheet", xlsxOf)
}

func (s *Server) tableAs(
	ctx context.Context, in *callTableInput, suffix, mediaType string, write func(by string, rows []tableRow) ([]byte, error),
) (*huma.StreamResponse, error) {
	f, err := s.countCalls(ctx, &in.CallStatsInput)
	if err != nil {
		return nil, err
	}
	table, err := write(in.By, rows(in.By, statistics(f)))
	if err != nil {
		return nil, err
	}
	return &huma.StreamResponse{Body: func(hc huma.Context) {
		hc.SetHeader("Content-Type", mediaType)
		hc.SetHeader("Content-Disposition", fmt.Sprintf(`attachment; filename="calls-by-%s-%s.%s"`, in.By, f.From.In(shanghai).Format(time.DateOnly), suffix))
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
	for _, cells := range table(by, rows) {
		texts := make([]string, len(cells))
		for i, c := range cells {
			texts[i] = textOf(c)
		}
		if err := w.Write(texts); err != nil {
			return nil, err
		}
	}
	w.Flush()
	return b.Bytes(), w.Error()
}

// xlsxOf writes a workbook of one sheet; numbers are numbers there.
func xlsxOf(by string, rows []tableRow) (data []byte, err error) {
	f := excelize.NewFile()
	defer func() { err = errors.Join(err, f.Close()) }()
	const sheet = "calls"
	if err := f.SetSheetName(f.GetSheetName(0), sheet); err != nil {
		return nil, err
	}
	for i, cells := range table(by, rows) {
		if err := f.SetSheetRow(sheet, fmt.Sprintf("A%d", i+1), &cells); err != nil {
			return nil, err
		}
	}
	if err := f.SetPanes(sheet, &excelize.Panes{Freeze: true, XSplit: 1, YSplit: 1, TopLeftCell: "B2", ActivePane: "bottomRight"}); err != nil {
		return nil, err
	}
	var b bytes.Buffer
	err = f.Write(&b)
	return b.Bytes(), err
}

// table is the names of the columns, and the rows below them.
func table(by string, rows []tableRow) [][]any {
	var out [][]any
	for i, r := range rows {
		names, values := fieldsOf(r.figures)
		if r.times != nil {
			n, v := fieldsOf(*r.times)
			names, values = append(names, n...), append(values, v...)
		}
		if i == 0 {
			out = append(out, append([]any{by}, names...))
		}
		out = append(out, append([]any{plainCell(r.name)}, values...))
	}
	return out
}

// plainCell keeps a spreadsheet from taking a name for a formula.
func plainCell(s string) string {
	if s != "" && strings.ContainsRune("=+-@\t\r", rune(s[0])) {
		return "'" + s
	}
	return s
}

func fieldsOf(record any) (names, values []any) {
	v := reflect.ValueOf(record)
	for i := range v.NumField() {
		name, _, _ := strings.Cut(v.Type().Field(i).Tag.Get("json"), ",")
		names, values = append(names, name), append(values, v.Field(i).Interface())
	}
	return names, values
}

func textOf(cell any) string {
	if f, ok := cell.(float64); ok {
		return fmt.Sprintf("%.4f", f)
	}
	return fmt.Sprint(cell)
}
