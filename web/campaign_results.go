package web

import (
	"context"
	"net/http"
	"strconv"
	"strings"
	"time"

	"github.com/danielgtaylor/huma/v2"

	"hotline/telephony"
	"hotline/telephony/survey"
	"hotline/ticketing"
)

// QuestionResult is what was answered to a question by those who were asked all.
type QuestionResult struct {
	Name     string         `json:"name"`
	Kind     survey.Kind    `json:"kind"`
	Text     string         `json:"text"`
	Asked    int            `json:"asked"`
	Answered int            `json:"answered"`
	Counts   map[string]int `json:"counts,omitempty" doc:"By option, or by number of a scale"`
	Mean     float64        `json:"mean,omitempty" doc:"Of a scale"`
}

// CampaignResults are the sums over all finished interviews.
type CampaignResults struct {
	Done      int              `json:"done"`
	Questions []QuestionResult `json:"questions" nullable:"false"`
}

func (s *Server) campaignResultRoutes(op func(method, path, id, summary string, who access) operation) {
	handle(s, op(http.MethodGet, "/campaigns/{id}/results", "campaign-results", "What was answered, question by question", centre), withCalls(s, s.campaignResults))
	table := op(http.MethodGet, "/campaigns/{id}/results.csv", "campaign-table", "A row for each contact, a column for each question; numbers and names are masked", floor)
	table.export = true
	handle(s, table, withCalls(s, s.campaignTable))
	sheet := op(http.MethodGet, "/campaigns/{id}/results.xlsx", "campaign-sheet", "The same table as a workbook", floor)
	sheet.export = true
	handle(s, sheet, withCalls(s, s.campaignSheet))
}

// eachContact runs through a campaign's list.
func (s *Server) eachContact(ctx context.Context, f telephony.ContactFilter, each func(telephony.Contact)) error {
	f.Limit = 1000
	for {
		page, err := s.deps.Calls.Contacts(ctx, f)
		if err != nil {
			return err
		}
		for _, c := range page {
			each(c)
		}
		if len(page) < f.Limit {
			return nil
		}
		f.After = page[len(page)-1].ID
	}
}

func (s *Server) campaignResults(ctx context.Context, in *CampaignRef) (*body[CampaignResults], error) {
	c, err := s.campaignOf(ctx, in.ID)
	if err != nil {
		return nil, err
	}
	r := CampaignResults{Questions: []QuestionResult{}}
	at := map[string]int{}
	for i, q := range c.Questionnaire.Questions {
		at[q.Name] = i
		r.Questions = append(r.Questions, QuestionResult{Name: q.Name, Kind: q.Kind, Text: q.Text, Counts: map[string]int{}})
	}
	err = s.eachContact(ctx, telephony.ContactFilter{Campaign: c.ID, Outcome: survey.Done}, func(x telephony.Contact) {
		r.Done++
		for _, a := range x.Answers {
			if i, ok := at[a.Question]; ok {
				r.Questions[i].add(a)
			}
		}
	})
	if err != nil {
		return nil, err
	}
	for i := range r.Questions {
		r.Questions[i].sum()
	}
	return answer(r), nil
}

func (q *QuestionResult) add(a survey.Answer) {
	q.Asked++
	if len(a.Values) == 0 {
		return
	}
	q.Answered++
	if q.Kind == survey.Open {
		return
	}
	for _, v := range a.Values {
		q.Counts[v]++
	}
}

func (q *QuestionResult) sum() {
	if q.Kind != survey.Scale || q.Answered == 0 {
		return
	}
	total := 0
	for v, n := range q.Counts {
		number, err := strconv.Atoi(v)
		if err != nil {
			continue // of another version of the question
		}
		total += number * n
	}
	q.Mean = float64(total) / float64(q.Answered)
}

// contactTable is the names of the columns, and a row for each contact.
func (s *Server) contactTable(ctx context.Context, c telephony.Campaign) ([][]any, error) {
	head := []any{"contact", "number", "name", "state", "outcome", "calls", "operator", "ended_at"}
	for _, q := range c.Questionnaire.Questions {
		head = append(head, plainCell(q.Name))
	}
	rows := [][]any{head}
	err := s.eachContact(ctx, telephony.ContactFilter{Campaign: c.ID}, func(x telephony.Contact) {
		ended := ""
		if !x.EndedAt.IsZero() {
			ended = cst(x.EndedAt).Format(time.RFC3339)
		}
		row := []any{x.ID, maskPhone(x.Number), plainCell(ticketing.MaskName(x.Name)), string(x.State), string(x.Outcome), len(x.Calls), plainCell(x.User), ended}
		given := map[string][]string{}
		for _, a := range x.Answers {
			given[a.Question] = a.Values
		}
		for _, q := range c.Questionnaire.Questions {
			row = append(row, plainCell(strings.Join(given[q.Name], "|")))
		}
		rows = append(rows, row)
	})
	return rows, err
}

func (s *Server) campaignTable(ctx context.Context, in *CampaignRef) (*huma.StreamResponse, error) {
	return s.contactsAs(ctx, in, "csv", csvType, csvOf)
}

func (s *Server) campaignSheet(ctx context.Context, in *CampaignRef) (*huma.StreamResponse, error) {
	return s.contactsAs(ctx, in, "xlsx", xlsxType, func(cells [][]any) ([]byte, error) { return xlsxOf("", nil, cells) })
}

func (s *Server) contactsAs(ctx context.Context, in *CampaignRef, suffix, mediaType string, write func(cells [][]any) ([]byte, error)) (*huma.StreamResponse, error) {
	c, err := s.campaignOf(ctx, in.ID)
	if err != nil {
		return nil, err
	}
	cells, err := s.contactTable(ctx, c)
	if err != nil {
		return nil, err
	}
	data, err := write(cells)
	if err != nil {
		return nil, err
	}
	return download("campaign-"+c.ID+"."+suffix, mediaType, data), nil
}
