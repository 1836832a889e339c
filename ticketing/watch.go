package ticketing

import (
	"cmp"
	"context"
	"encoding/json"
	"fmt"
	"slices"
	"time"

	"hotline/ticketing/ledger"
)

// readableBy is whose entries of the ledger a watcher reads. The security
// administrator reads those of users and of the auditor, the auditor those of the
// two other administrators; nobody reads, or keeps, the own.
func readableBy(a Actor) []ledger.Class {
	switch {
	case a.Has(RoleSystem):
	case a.Reaches(RightLedgerRead, ReachUsers):
		return []ledger.Class{ledger.User, ledger.Auditor, ledger.Key, ledger.Citizen, ledger.Anonymous, ledger.System}
	case a.Reaches(RightLedgerRead, ReachAdmins):
		return []ledger.Class{ledger.Admin, ledger.SecAdmin}
	}
	return nil
}

// Ledger lists the entries that the actor may read, the newest first. That they
// were read goes on record.
func (s *Service) Ledger(ctx context.Context, a Actor, f LedgerFilter) ([]ledger.Entry, error) {
	readable := readableBy(a)
	if readable == nil {
		return nil, ErrForbidden
	}
	if f.Limit == 0 {
		f.Limit = 50
	}
	if f.Limit < 1 || f.Limit > 500 {
		return nil, outOfRange("limit", 1, 500)
	}
	asked := f.Classes
	f.Classes = nil
	for _, c := range readable {
		if len(asked) == 0 || slices.Contains(asked, c) {
			f.Classes = append(f.Classes, c)
		}
	}
	if len(f.Classes) == 0 {
		return nil, nil
	}
	if err := s.commit(ctx, Change{Ledger: []ledger.Entry{s.entry(ctx, a.UserID, "read.ledger", "ledger", "")}}); err != nil {
		return nil, fmt.Errorf("record read: %w", err)
	}
	list, err := s.store.Ledger(ctx, f)
	if err != nil {
		return nil, fmt.Errorf("ledger: %w", err)
	}
	return list, nil
}

// looks are the actions that show a citizen's data.
var looks = []string{"read.person", "read.recording", "read.attachment", "read.dial"}

// Suspicion is reading that somebody should explain.
type Suspicion struct {
	Kind    string // many, own, after_hours, refused
	UserID  string
	Count   int
	Usual   int // of the kind "many": what is usual on a day
	Day     string
	First   time.Time
	Last    time.Time
	Objects []string // what was read, 20 at most
}

// WatchSettings say what is unusual; the zero value works.
type WatchSettings struct {
	Least   int                  // looks on a day that are never many; 30
	Times   int                  // as many times the median of all users' days is many; 3
	Refused int                  // refusals on a day that are many; 5
	Working func(time.Time) bool // whether departments work at a moment; nil: always
}

const (
	watchedLooks   = 50_000 // most entries that one answer looks at
	watchedObjects = 20
)

// Unusual lists reading within a period that somebody should explain, for the
// auditor: many looks on one day, looks at somebody with the own name or number, a
// department's looks outside its hours, and many refusals.
func (s *Service) Unusual(ctx context.Context, a Actor, from, to time.Time, w WatchSettings) ([]Suspicion, error) {
	if !a.May(RightLedgerWatch) {
		return nil, ErrForbidden
	}
	if !from.Before(to) || to.Sub(from) > 31*24*time.Hour {
		return nil, invalid("from", "is not before to, or more than 31 days before it", "时间范围不正确，最长 31 天")
	}
	if err := s.commit(ctx, Change{Ledger: []ledger.Entry{s.entry(ctx, a.UserID, "read.ledger", "ledger", "异常查阅")}}); err != nil {
		return nil, fmt.Errorf("record read: %w", err)
	}
	entries, err := s.store.Ledger(ctx, LedgerFilter{Actions: append([]string{RecordedRefusal}, looks...), From: from, To: to, Limit: watchedLooks})
	if err != nil {
		return nil, fmt.Errorf("unusual reading: %w", err)
	}
	return suspect(entries, w), nil
}

// suspect is pure.
func suspect(entries []ledger.Entry, w WatchSettings) []Suspicion {
	w.Least, w.Times, w.Refused = cmp.Or(w.Least, 30), cmp.Or(w.Times, 3), cmp.Or(w.Refused, 5)
	groups := map[[3]string]*Suspicion{}
	note := func(kind string, e ledger.Entry) {
		day := e.At.In(Shanghai()).Format(time.DateOnly)
		g := groups[[3]string{kind, e.Actor, day}]
		if g == nil {
			g = &Suspicion{Kind: kind, UserID: e.Actor, Day: day, First: e.At, Last: e.At}
			groups[[3]string{kind, e.Actor, day}] = g
		}
		g.Count++
		if e.At.Before(g.First) {
			g.First = e.At
		}
		if e.At.After(g.Last) {
			g.Last = e.At
		}
		if len(g.Objects) < watchedObjects && !slices.Contains(g.Objects, e.Object) {
			g.Objects = append(g.Objects, e.Object)
		}
	}
	for _, e := range entries {
		if e.Action == RecordedRefusal {
			note("refused", e)
			continue
		}
		note("many", e)
		var d readData
		_ = json.Unmarshal(e.Data, &d) // erased or without particulars: nothing is known of it
		if d.Own {
			note("own", e)
		}
		if d.Department != "" && w.Working != nil && !w.Working(e.At) {
			note("after_hours", e)
		}
	}
	usual := median(groups)
	var list []Suspicion
	for _, g := range groups {
		switch {
		case g.Kind == "many" && g.Count <= max(w.Least, w.Times*usual), g.Kind == "refused" && g.Count < w.Refused:
			continue
		case g.Kind == "many":
			g.Usual = usual
		}
		list = append(list, *g)
	}
	slices.SortFunc(list, func(a, b Suspicion) int {
		return cmp.Or(b.Last.Compare(a.Last), cmp.Compare(a.UserID, b.UserID), cmp.Compare(a.Kind, b.Kind))
	})
	return list
}

// median is how many looks are usual: of one user on one day.
func median(groups map[[3]string]*Suspicion) int {
	var counts []int
	for _, g := range groups {
		if g.Kind == "many" {
			counts = append(counts, g.Count)
		}
	}
	if len(counts) == 0 {
		return 0
	}
	slices.Sort(counts)
	return counts[len(counts)/2]
}

// readData are the particulars of a look.
type readData struct {
	Call       string `json:"call,omitempty"`
	Department string `json:"department,omitempty"` // of who looked; empty for the centre
	Own        bool   `json:"own,omitempty"`        // the citizen has the name or the number of who looked
}
