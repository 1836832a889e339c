package ticketing

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"slices"
	"time"

	"hotline/ticketing/ledger"
)

// RetentionClass is a kind of data that is not kept for ever.
type RetentionClass string

// The classes. What a city names no days for is kept.
const (
	RetainPerson    RetentionClass = "person"    // name and numbers of tickets that are over, and what their texts say of them
	RetainRecording RetentionClass = "recording" // the sound of calls
	RetainCall      RetentionClass = "call"      // numbers of those who called and have no ticket any more
)

func retentionClasses() []RetentionClass {
	return []RetentionClass{RetainPerson, RetainRecording, RetainCall}
}

// Retention says for how many days data of a class are kept: after the ticket's
// end, after the call. A ticket that is held, and its recordings, are kept.
type Retention struct {
	Class RetentionClass `json:"class"`
	Types []AppealType   `json:"types,omitempty"` // of tickets; none: those that no other rule names
	Days  int            `json:"days"`
}

// minRetention is the fewest days: shorter than a ticket may be reopened, a
// number would be missed.
const minRetention = 30

func checkRetention(rules []Retention) error {
	seen := map[string]bool{}
	for i, r := range rules {
		at := fmt.Sprintf("process.retention[%d]", i)
		switch {
		case !slices.Contains(retentionClasses(), r.Class):
			return invalid(at+".class", "is not one of person, recording, call", "保管类别无效")
		case r.Days < minRetention || r.Days > 36500:
			return outOfRange(at+".days", minRetention, 36500)
		case r.Class != RetainPerson && len(r.Types) > 0:
			return invalid(at+".types", "applies to the class person alone", "仅 person 类别可按诉求类型区分")
		}
		types := r.Types
		if len(types) == 0 {
			types = []AppealType{""}
		}
		for _, t := range types {
			if t != "" && !t.Valid() {
				return invalid(at+".types", "has what is no type of appeal", "诉求类型无效")
			}
			key := string(r.Class) + ":" + string(t)
			if seen[key] {
				return invalid(at, "says again what a rule before it says", "与前面的规则重复")
			}
			seen[key] = true
		}
	}
	return nil
}

// RetentionRow is what one rule came to.
type RetentionRow struct {
	Retention
	Before time.Time `json:"before"` // what ended before was due
	Done   int       `json:"done"`
	Held   int       `json:"held"` // kept as evidence
	Left   bool      `json:"left"` // more is due than one run does
}

// RetentionReport is the outcome of a run.
type RetentionReport struct {
	At   time.Time        `json:"at"`
	Rows []RetentionRow   `json:"rows"`
	Kept []RetentionClass `json:"kept"` // classes without a rule
}

// RecordedRetention is the entry of a run; its data are the report.
const RecordedRetention = "retention.run"

// Recordings are those of calls; the call centre's store has them.
type Recordings interface {
	// RecordedBefore lists calls that started before a moment and have a recording, in order of id after a given one.
	RecordedBefore(ctx context.Context, before time.Time, after string, limit int) ([]string, error)
	// DropRecording deletes the recording of a call; its record says so.
	DropRecording(ctx context.Context, callID string) error
}

// retention is one run.
type retention struct {
	s    *Service
	dry  bool
	most int // of one rule
	now  time.Time
	rec  Recordings
}

// Retain takes out what is due, up to most of each rule, and puts the report on
// record. A dry run only counts.
func (s *Service) Retain(ctx context.Context, rec Recordings, most int, dry bool) (RetentionReport, error) {
	snap, err := s.snapshot(ctx)
	if err != nil {
		return RetentionReport{}, err
	}
	run := retention{s: s, dry: dry, most: most, now: s.clock(), rec: rec}
	report := RetentionReport{At: run.now, Rows: []RetentionRow{}, Kept: retentionClasses()}
	for _, rule := range snap.process.Retention {
		row := RetentionRow{Retention: rule, Before: run.now.AddDate(0, 0, -rule.Days)}
		report.Kept = slices.DeleteFunc(report.Kept, func(c RetentionClass) bool { return c == rule.Class })
		switch rule.Class {
		case RetainPerson:
			err = run.persons(ctx, &row, typesOf(rule, snap.process.Retention))
		case RetainRecording:
			err = run.recordings(ctx, &row)
		case RetainCall:
			err = run.calls(ctx, &row)
		}
		report.Rows = append(report.Rows, row)
		if err != nil {
			return report, fmt.Errorf("retention of class %s: %w", rule.Class, err)
		}
	}
	if dry {
		return report, nil
	}
	entry := s.entry(ctx, SystemActor().UserID, RecordedRetention, "retention", "")
	if entry.Data, err = json.Marshal(report); err != nil {
		return report, err
	}
	return report, s.commit(ctx, Change{Ledger: []ledger.Entry{entry}})
}

// typesOf are the types of tickets that a rule is for.
func typesOf(rule Retention, all []Retention) []AppealType {
	if len(rule.Types) > 0 {
		return rule.Types
	}
	types := append(AppealTypes(), "") // a draft may have none yet
	for _, other := range all {
		if other.Class == rule.Class {
			types = slices.DeleteFunc(types, func(t AppealType) bool { return slices.Contains(other.Types, t) })
		}
	}
	return types
}

const retainTogether = 200

func (r retention) persons(ctx context.Context, row *RetentionRow, types []AppealType) error {
	for _, partition := range []string{"", AnySealed} {
		for after := ""; ; {
			list, err := r.s.store.EndedBefore(ctx, partition, types, row.Before, after, retainTogether)
			if err != nil {
				return err
			}
			for _, t := range list {
				after = t.ID
				switch {
				case t.Hold != nil:
					row.Held++
					continue
				case row.Done >= r.most:
					row.Left = true
					return nil
				}
				if err := r.redact(ctx, t); err != nil {
					return err
				}
				row.Done++
			}
			if len(list) < retainTogether {
				break
			}
		}
	}
	return nil
}

func (r retention) redact(ctx context.Context, t Ticket) error {
	if r.dry {
		return nil
	}
	err := r.s.redact(ctx, t, "保管期满")
	if errors.Is(err, ErrStale) { // somebody works on it: next time
		return nil
	}
	return err
}

func (r retention) recordings(ctx context.Context, row *RetentionRow) error {
	for after := ""; ; {
		list, err := r.rec.RecordedBefore(ctx, row.Before, after, retainTogether)
		if err != nil {
			return err
		}
		for _, call := range list {
			after = call
			tickets, err := r.s.store.ByCall(ctx, call)
			if err != nil {
				return err
			}
			if slices.ContainsFunc(tickets, func(t Ticket) bool { return t.Hold != nil }) {
				row.Held++
				continue
			}
			if row.Done >= r.most {
				row.Left = true
				return nil
			}
			if !r.dry {
				if err := r.rec.DropRecording(ctx, call); err != nil {
					return err
				}
			}
			row.Done++
		}
		if len(list) < retainTogether {
			return nil
		}
	}
}

func (r retention) calls(ctx context.Context, row *RetentionRow) error {
	for after := ""; ; {
		list, err := r.s.store.IdlePersons(ctx, row.Before, after, retainTogether)
		if err != nil {
			return err
		}
		for _, person := range list {
			after = person
			if row.Done >= r.most {
				row.Left = true
				return nil
			}
			if !r.dry {
				if err := r.s.destroy(ctx, person, 0, nil); err != nil {
					return err
				}
			}
			row.Done++
		}
		if len(list) < retainTogether {
			return nil
		}
	}
}

// Retention is what the city keeps for how long, and the latest reports.
func (s *Service) Retention(ctx context.Context, a Actor) ([]Retention, []RetentionReport, error) {
	if !a.May(RightRetention) {
		return nil, nil, ErrForbidden
	}
	snap, err := s.snapshot(ctx)
	if err != nil {
		return nil, nil, err
	}
	entries, err := s.store.Ledger(ctx, LedgerFilter{Actions: []string{RecordedRetention}, Limit: 30})
	if err != nil {
		return nil, nil, fmt.Errorf("retention: %w", err)
	}
	var reports []RetentionReport
	for _, e := range entries {
		var r RetentionReport
		if err := json.Unmarshal(e.Data, &r); err != nil {
			return nil, nil, fmt.Errorf("retention: entry %d: %w", e.Seq, err)
		}
		reports = append(reports, r)
	}
	return snap.process.Retention, reports, nil
}
