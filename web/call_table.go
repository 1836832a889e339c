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

// Media types of tables.
const (
	csvType  = "text/csv; charset=utf-8"
	xlsxType = "application/vnd.openxmlformats-officedocument.spreadsheetml.sheet"
)

// callTable is the figures as a table that spreadsheets open: UTF-8 with a byte-order mark, times in milliseconds.
func (s *Server) callTable(ctx context.Context, in *callTableInput) (*huma.StreamResponse, error) {
	return s.tableAs(ctx, in, "csv", csvType, csvOf)
}

// callSheet is the same table as a workbook.
func (s *Server) callSheet(ctx context.Context, in *callTableInput) (*huma.StreamResponse, error) {
	return s.tableAs(ctx, in, "xlsx", xlsxType, func(cells [][]any) ([]byte, error) {
		return xlsxOf("calls", &excelize.Panes{Freeze: true, XSplit: 1, YSplit: 1, TopLeftCell: "B2", ActivePane: "bottomRight"}, cells)
	})
}

func (s *Server) tableAs(ctx context.Context, in *callTableInput, suffix, mediaType string, write func(cells [][]any) ([]byte, error)) (*huma.StreamResponse, error) {
	f, err := s.countCalls(ctx, &in.CallStatsInput)
	if err != nil {
		return nil, err
	}
	data, err := write(table(in.By, rows(in.By, statistics(f))))
	if err != nil {
		return nil, err
	}
	return download(fmt.Sprintf("calls-by-%s-%s.%s", in.By, f.From.In(shanghai).Format(time.DateOnly), suffix), mediaType, data), nil
}

// download is a file for the user to keep.
func download(name, mediaType string, data []byte) *huma.StreamResponse {
	return &huma.StreamResponse{Body: func(hc huma.Context) {
		hc.SetHeader("Content-Type", mediaType)
		hc.SetHeader("Content-Disposition", fmt.Sprintf(`attachment; filename="%s"`, name))
		hc.SetStatus(http.StatusOK)
		_, _ = hc.BodyWriter().Write(data) // who has gone needs no table
	}}
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

// csvOf writes a table of names and cells.
func csvOf(cells [][]any) ([]byte, error) {
	var b bytes.Buffer
	b.WriteString("\ufeff") // so that spreadsheets see that it is UTF-8
	w := csv.NewWriter(&b)
	for _, row := range cells {
		texts := make([]string, len(row))
		for i, c := range row {
			texts[i] = textOf(c)
		}
		if err := w.Write(texts); err != nil {
			return nil, err
		}
	}
	w.Flush()
	return b.Bytes(), w.Error()
}

// xlsxOf writes a workbook of one sheet, which stays as it is named at first where no name is given; numbers are numbers there.
func xlsxOf(sheet string, panes *excelize.Panes, cells [][]any, finish ...func(f *excelize.File, sheet string) error) (data []byte, err error) {
	f := excelize.NewFile()
	defer func() { err = errors.Join(err, f.Close()) }()
	if sheet == "" {
		sheet = f.GetSheetName(0)
	} else if err := f.SetSheetName(f.GetSheetName(0), sheet); err != nil {
		return nil, err
	}
	for i, row := range cells {
		if err := f.SetSheetRow(sheet, fmt.Sprintf("A%d", i+1), &row); err != nil {
			return nil, err
		}
	}
	if panes != nil {
		if err := f.SetPanes(sheet, panes); err != nil {
			return nil, err
		}
	}
	for _, do := range finish {
		if err := do(f, sheet); err != nil {
			return nil, err
		}
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
