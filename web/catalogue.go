package web

import (
	"bytes"
	"context"
	"encoding/csv"
	"errors"
	"fmt"
	"io"
	"net/http"
	"slices"
	"strings"
	"time"

	"github.com/danielgtaylor/huma/v2"
	"github.com/xuri/excelize/v2"

	"hotline/ticketing"
)

// Suggestion is the department that the catalogue names for a ticket, and why.
type Suggestion struct {
	Department string             `json:"department" doc:"Empty: a person decides"`
	Desk       bool               `json:"desk"`
	Reason     string             `json:"reason"`
	ReasonEn   string             `json:"reason_en"`
	Candidates []SuggestCandidate `json:"candidates" nullable:"false"`
	Returned   []string           `json:"returned" nullable:"false" doc:"Departments that gave it back"`
	Hops       int                `json:"hops"`
	HopLimit   int                `json:"hop_limit" doc:"Returns after which the centre designates"`
}

// SuggestCandidate is a department that may be in charge.
type SuggestCandidate struct {
	Department string `json:"department"`
	Open       int    `json:"open" doc:"Tickets that it works on now; counting stops at 10,000"`
}

// CatalogueInput is a catalogue as it is to be.
type CatalogueInput struct {
	Version int                        `json:"version" doc:"The version you saw"`
	Entries []ticketing.CatalogueEntry `json:"entries" maxItems:"50000" nullable:"false"`
	Lines   []ticketing.LineEntry      `json:"lines,omitempty" maxItems:"100"`
	Rulings []ticketing.Ruling         `json:"rulings,omitempty" maxItems:"10000"`
	Rules   []ticketing.RouteRule      `json:"rules,omitempty" maxItems:"1000"`
}

type catalogueInput struct{ Body CatalogueInput }

// CataloguePreview is what a catalogue would change.
type CataloguePreview struct {
	Catalogue CatalogueInput             `json:"catalogue" doc:"To be sent to put it in force"`
	Version   int                        `json:"version" doc:"After the change"`
	Added     []ticketing.CatalogueEntry `json:"added" nullable:"false"`
	Removed   []ticketing.CatalogueEntry `json:"removed" nullable:"false"`
	Changed   []ticketing.CatalogueEntry `json:"changed" nullable:"false"`
	Gaps      []string                   `json:"gaps" nullable:"false" doc:"Categories that no entry covers"`
	Examined  int                        `json:"examined" doc:"Tickets that were routed by both"`
	Moves     []CatalogueMove            `json:"moves" nullable:"false"`
}

// CatalogueMove is a ticket that would go elsewhere.
type CatalogueMove struct {
	Ticket  string `json:"ticket"`
	Title   string `json:"title"`
	Waiting bool   `json:"waiting" doc:"It waits for its dispatch; else it stays where it is"`
	From    string `json:"from"`
	To      string `json:"to"`
	Reason  string `json:"reason"`
}

// CityVersion is one change of the reference data.
type CityVersion struct {
	Version int64     `json:"version"`
	At      time.Time `json:"at"`
	By      string    `json:"by"`
	ByName  string    `json:"by_name,omitempty"`
}

type sheetInput struct {
	Version int    `query:"version" doc:"The version you saw"`
	Type    string `header:"Content-Type" hidden:"true"`
	RawBody []byte `contentType:"text/csv"`
}

// sheetTypes are the media types of a catalogue's table.
var sheetTypes = []string{"text/csv", xlsxType}

func (s *Server) catalogueRoutes() {
	who := holding(ticketing.RightCatalogue)
	op := func(method, path, id, summary string) operation {
		return operation{method: method, path: "/api/v1/catalogue" + path, id: id, tag: "city", who: who, summary: summary, maxBody: maxCatalogue}
	}
	handle(s, operation{method: http.MethodGet, path: "/api/v1/tickets/{number}/suggestion", id: "suggestion", tag: "tickets", who: centre,
		summary: "The department that the catalogue names, with reasons"}, s.suggestion)
	handle(s, op(http.MethodGet, "", "catalogue", "The dispatch catalogue in force"), s.getCatalogue)
	handle(s, op(http.MethodPut, "", "save-catalogue", "Put a catalogue in force; 409 when somebody else did meanwhile"), s.saveCatalogue)
	handle(s, op(http.MethodPost, "/preview", "preview-catalogue", "Say what a catalogue would change"), s.previewCatalogue)
	handle(s, op(http.MethodPost, "/sheet", "preview-sheet", "Say what a table of entries would change: CSV or xlsx with category, district, department"), s.previewSheet)
	handle(s, op(http.MethodGet, ".csv", "catalogue-csv", "The entries as CSV"), s.catalogueCSV)
	handle(s, op(http.MethodGet, ".xlsx", "catalogue-xlsx", "The entries as a workbook"), s.catalogueXLSX)
	handle(s, operation{method: http.MethodGet, path: "/api/v1/city/versions", id: "city-versions", tag: "city", who: centre,
		summary: "Who changed the reference data when, the newest first"}, s.cityVersions)
}

func (s *Server) suggestion(ctx context.Context, in *Ref) (*body[Suggestion], error) {
	g, err := s.deps.Tickets.Suggest(ctx, actorOf(ctx), in.Number)
	if err != nil {
		return nil, err
	}
	return answer(Suggestion{
		Department: g.Department, Desk: g.Desk, Reason: g.Reason, ReasonEn: g.ReasonEn, Returned: append([]string{}, g.Returned...),
		Hops: g.Hops, HopLimit: g.HopLimit,
		Candidates: convert(g.Candidates, func(d string) SuggestCandidate { return SuggestCandidate{Department: d, Open: g.Loads[d]} }),
	}), nil
}

func catalogueView(c ticketing.Catalogue) CatalogueInput {
	return CatalogueInput{Version: c.Version, Entries: append([]ticketing.CatalogueEntry{}, c.Entries...), Lines: c.Lines, Rulings: c.Rulings, Rules: c.Rules}
}

func (c CatalogueInput) domain() ticketing.Catalogue {
	return ticketing.Catalogue{Version: c.Version, Entries: c.Entries, Lines: c.Lines, Rulings: c.Rulings, Rules: c.Rules}
}

func (s *Server) getCatalogue(ctx context.Context, _ *struct{}) (*body[CatalogueInput], error) {
	city, err := s.deps.Tickets.City(ctx)
	if err != nil {
		return nil, err
	}
	return answer(catalogueView(city.Catalogue)), nil
}

func (s *Server) saveCatalogue(ctx context.Context, in *catalogueInput) (*body[CatalogueInput], error) {
	if err := s.deps.Tickets.SaveCatalogue(ctx, actorOf(ctx), in.Body.domain()); err != nil {
		return nil, err
	}
	s.city.forget()
	return s.getCatalogue(ctx, nil)
}

func (s *Server) previewCatalogue(ctx context.Context, in *catalogueInput) (*body[CataloguePreview], error) {
	return s.previewOf(ctx, in.Body.domain())
}

func (s *Server) previewOf(ctx context.Context, c ticketing.Catalogue) (*body[CataloguePreview], error) {
	p, err := s.deps.Tickets.PreviewCatalogue(ctx, actorOf(ctx), c)
	if err != nil {
		return nil, err
	}
	entries := func(list []ticketing.CatalogueEntry) []ticketing.CatalogueEntry {
		return append([]ticketing.CatalogueEntry{}, list...)
	}
	return answer(CataloguePreview{
		Catalogue: catalogueView(c), Version: p.Version, Added: entries(p.Added), Removed: entries(p.Removed), Changed: entries(p.Changed),
		Gaps: append([]string{}, p.Gaps...), Examined: p.Examined,
		Moves: convert(p.Moves, func(m ticketing.CatalogueMove) CatalogueMove { return CatalogueMove(m) }),
	}), nil
}

// previewSheet takes the entries from a table and everything else as it is.
func (s *Server) previewSheet(ctx context.Context, in *sheetInput) (*body[CataloguePreview], error) {
	if !slices.ContainsFunc(sheetTypes, func(t string) bool { return strings.HasPrefix(in.Type, t) }) {
		return nil, byStatus(http.StatusUnsupportedMediaType)
	}
	rows, err := sheetRows(in.Type, in.RawBody)
	if err != nil {
		return nil, badSheet(err)
	}
	entries, err := entriesOf(rows)
	if err != nil {
		return nil, badSheet(err)
	}
	city, err := s.deps.Tickets.City(ctx)
	if err != nil {
		return nil, err
	}
	c := city.Catalogue
	if in.Version != 0 {
		c.Version = in.Version
	}
	c.Entries = entries
	return s.previewOf(ctx, c)
}

func badSheet(err error) *Problem {
	return problem(http.StatusUnprocessableEntity, "invalid", sentence(err.Error()))
}

// maxCatalogue bounds a catalogue as it comes in, in bytes.
const maxCatalogue = 8 << 20

// maxSheetRows bounds a table of entries.
const maxSheetRows = 50_000

func sheetRows(mediaType string, data []byte) (rows [][]string, err error) {
	if strings.HasPrefix(mediaType, xlsxType) {
		f, err := excelize.OpenReader(bytes.NewReader(data), excelize.Options{UnzipSizeLimit: 64 << 20, UnzipXMLSizeLimit: 32 << 20})
		if err != nil {
			return nil, errors.New("this is not a workbook; save the table as .xlsx or send CSV")
		}
		defer func() { err = errors.Join(err, f.Close()) }()
		return f.GetRows(f.GetSheetName(0))
	}
	r := csv.NewReader(bytes.NewReader(bytes.TrimPrefix(data, []byte("\ufeff"))))
	r.FieldsPerRecord = -1
	for len(rows) <= maxSheetRows {
		row, err := r.Read()
		if errors.Is(err, io.EOF) {
			return rows, nil
		}
		if err != nil {
			return nil, fmt.Errorf("this is not CSV: %w", err)
		}
		rows = append(rows, row)
	}
	return nil, fmt.Errorf("the table has more than %d rows", maxSheetRows)
}

// entriesOf finds the columns by their names, in any order; other columns are notes.
func entriesOf(rows [][]string) ([]ticketing.CatalogueEntry, error) {
	if len(rows) == 0 {
		return nil, errors.New("the table is empty; its first row names the columns category, district, department")
	}
	at := map[string]int{}
	for i, name := range rows[0] {
		at[strings.ToLower(strings.TrimSpace(name))] = i
	}
	for _, name := range []string{"category", "department"} {
		if _, ok := at[name]; !ok {
			return nil, fmt.Errorf("the column %s is missing; the first row names the columns category, district, department", name)
		}
	}
	entries := []ticketing.CatalogueEntry{}
	for n, row := range rows[1:] {
		cell := func(name string) string {
			if i, ok := at[name]; ok && i < len(row) {
				return strings.TrimSpace(strings.TrimPrefix(row[i], "'"))
			}
			return ""
		}
		e := ticketing.CatalogueEntry{Category: cell("category"), District: cell("district"), Department: cell("department")}
		if e == (ticketing.CatalogueEntry{}) {
			continue
		}
		if e.Category == "" || e.Department == "" {
			return nil, fmt.Errorf("row %d needs a category and a department", n+2)
		}
		entries = append(entries, e)
	}
	return entries, nil
}

// catalogueTable has the codes, which are read back, and the names for people.
func (s *Server) catalogueTable(ctx context.Context) ([][]any, int, error) {
	v, err := s.city.get(ctx)
	if err != nil {
		return nil, 0, err
	}
	cells := [][]any{{"category", "category_name", "district", "district_name", "department", "department_name"}}
	for _, e := range v.city.Catalogue.Entries {
		cells = append(cells, []any{
			plainCell(e.Category), plainCell(v.categories[e.Category]), plainCell(e.District), plainCell(v.districts[e.District]),
			plainCell(e.Department), plainCell(v.departments[e.Department]),
		})
	}
	return cells, v.city.Catalogue.Version, nil
}

func (s *Server) catalogueCSV(ctx context.Context, _ *struct{}) (*huma.StreamResponse, error) {
	cells, version, err := s.catalogueTable(ctx)
	if err != nil {
		return nil, err
	}
	data, err := csvOf(cells)
	if err != nil {
		return nil, err
	}
	return download(fmt.Sprintf("catalogue-%d.csv", version), csvType, data), nil
}

func (s *Server) catalogueXLSX(ctx context.Context, _ *struct{}) (*huma.StreamResponse, error) {
	cells, version, err := s.catalogueTable(ctx)
	if err != nil {
		return nil, err
	}
	data, err := xlsxOf("catalogue", &excelize.Panes{Freeze: true, YSplit: 1, TopLeftCell: "A2", ActivePane: "bottomLeft"}, cells)
	if err != nil {
		return nil, err
	}
	return download(fmt.Sprintf("catalogue-%d.xlsx", version), xlsxType, data), nil
}

func (s *Server) cityVersions(ctx context.Context, _ *struct{}) (*body[Page[CityVersion]], error) {
	all, err := s.deps.Tickets.CityVersions(ctx, actorOf(ctx))
	if err != nil {
		return nil, err
	}
	return page(convert(all, func(v ticketing.CityVersion) CityVersion {
		return CityVersion{Version: v.Version, At: cst(v.At), By: v.By, ByName: s.names.of(ctx, v.By)}
	})), nil
}
