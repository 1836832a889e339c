package ticketing

import (
	"context"
	"encoding/json"
	"fmt"
	"time"

	"hotline/ticketing/ledger"
)

// Bounds of exports.
const (
	ExportRows    = 5_000     // of one export
	exportsInTime = 10        // of one user
	exportTime    = time.Hour // in so long
)

// RecordedExport is the entry of an export: its reason is the purpose, its
// object names it, as the file itself does.
const RecordedExport = "export.tickets"

// Export is a list of tickets that leaves the platform: persons are masked, and
// taken out of the texts.
type Export struct {
	ID      string
	At      time.Time
	Tickets []Ticket
	Total   int // that the filter matches
}

// exportData is what an entry says beside the purpose.
type exportData struct {
	Rows   int    `json:"rows"`
	Total  int    `json:"total"`
	Filter Filter `json:"filter"`
}

// ExportTickets lists tickets for a file, at most [ExportRows]. It is on record
// with its purpose before anything is given out.
func (s *Service) ExportTickets(ctx context.Context, a Actor, f Filter, purpose string) (Export, error) {
	if !a.May(RightTicketExport) {
		return Export{}, ErrForbidden
	}
	purpose, err := text("purpose", purpose, s.limits.Reason)
	if err == nil && purpose == "" {
		err = required("purpose")
	}
	if err != nil {
		return Export{}, err
	}
	now := s.clock()
	if err := s.exportsLeft(ctx, a, now); err != nil {
		return Export{}, err
	}
	out := Export{ID: NewID(now), At: now}
	asked := f
	f.Limit = 200
	for {
		page, err := s.list(ctx, a, f)
		if err != nil {
			return Export{}, err
		}
		out.Total = page.Total
		for _, t := range page.Items {
			t = t.clone()
			t.hidePerson() // whoever reads the file has asked nobody
			out.Tickets = append(out.Tickets, a.view(t))
		}
		if page.NextCursor == "" || len(out.Tickets) >= ExportRows {
			break
		}
		f.Cursor = page.NextCursor
	}
	out.Tickets = out.Tickets[:min(len(out.Tickets), ExportRows)]
	entry := s.entry(ctx, a.UserID, RecordedExport, "export:"+out.ID, purpose)
	if a.Partition == "" { // who reads the ledger is no member of a partition
		if entry.Data, err = json.Marshal(exportData{Rows: len(out.Tickets), Total: out.Total, Filter: asked}); err != nil {
			return Export{}, err
		}
	}
	return out, s.commit(ctx, Change{Ledger: []ledger.Entry{entry}})
}

// exportsLeft refuses more exports of one user than are usual.
func (s *Service) exportsLeft(ctx context.Context, a Actor, now time.Time) error {
	made, err := s.store.Ledger(ctx, LedgerFilter{Actions: []string{RecordedExport}, Actor: a.UserID, From: now.Add(-exportTime), Limit: exportsInTime})
	if err != nil {
		return fmt.Errorf("exports: %w", err)
	}
	if len(made) >= exportsInTime {
		return &Error{
			Code: CodeNotOpen, Limit: exportsInTime,
			Message: fmt.Sprintf("%d exports in an hour are the most; narrow them, or wait", exportsInTime), Zh: fmt.Sprintf("每小时最多导出 %d 次，请合并导出或稍后再试", exportsInTime),
		}
	}
	return nil
}
