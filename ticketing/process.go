package ticketing

import (
	"fmt"
	"slices"
)

// Process is how one city runs the life of its tickets. Zero fields mean the
// defaults of [DefaultProcess].
type Process struct {
	Review           []string `json:"review,omitempty"`             // who approves a reply, in order: "head", "centre"
	HopLimit         int      `json:"hop_limit,omitempty"`          // returns after which the centre designates (终裁)
	ExtensionDays    int      `json:"extension_days,omitempty"`     // working days that extensions may add up to
	Suspensions      int      `json:"suspensions,omitempty"`        // how often a ticket may be suspended
	SuspensionDays   int      `json:"suspension_days,omitempty"`    // natural days of one suspension at most
	Reopenings       int      `json:"reopenings,omitempty"`         // how often a follow-up sends a ticket back by itself
	ReopenWithinDays int      `json:"reopen_within_days,omitempty"` // natural days after closing
	ArchiveAfterDays int      `json:"archive_after_days,omitempty"` // natural days after closing
	CitizenUrgeHours int      `json:"citizen_urge_hours,omitempty"` // between two urges of a citizen
	FollowUpTries    int      `json:"follow_up_tries,omitempty"`    // calls that were not answered, before a follow-up may end without one
	// Escalation says who is told when a clock reaches a level; the defaults
	// apply to what it does not name.
	Escalation []Escalation `json:"escalation,omitempty"`
	// Sealed are the lines whose tickets are a partition of their own, which nobody
	// but its own people knows of. Nil is 12388 alone; an empty list is none.
	Sealed []string `json:"sealed,omitzero"`
	// Retention says how long data are kept; what it does not name is.
	Retention         []Retention `json:"retention,omitempty"`
	ManualAssignments bool        `json:"manual_assignments,omitempty"` // departments choose who handles a ticket; not the least loaded by itself
}

// Escalation names who is told when a clock reaches a level: "department",
// "handler", "superior", role:…, user:… or department:….
type Escalation struct {
	Clock     ClockName `json:"clock"`
	Level     Level     `json:"level"`
	Audiences []string  `json:"audiences"`
}

// The stages of a review.
const (
	ReviewHead   = "head"
	ReviewCentre = "centre"
)

// DefaultProcess is what applies where a city says nothing.
func DefaultProcess() Process {
	return Process{
		Review: []string{ReviewHead, ReviewCentre}, HopLimit: 3, ExtensionDays: 10, Suspensions: 1, SuspensionDays: 90, Reopenings: 2,
		ReopenWithinDays: 30, ArchiveAfterDays: 30, CitizenUrgeHours: 24, FollowUpTries: 3, Sealed: []string{"12388"},
	}
}

// ProcessOf is a city's process with the defaults filled in.
func ProcessOf(c City) Process {
	p := DefaultProcess()
	if c.Process == nil {
		return p
	}
	own := *c.Process
	if len(own.Review) == 0 {
		own.Review = p.Review
	}
	if own.Sealed == nil {
		own.Sealed = p.Sealed
	}
	for _, f := range []struct {
		into *int
		or   int
	}{
		{&own.HopLimit, p.HopLimit}, {&own.ExtensionDays, p.ExtensionDays}, {&own.Suspensions, p.Suspensions},
		{&own.SuspensionDays, p.SuspensionDays}, {&own.Reopenings, p.Reopenings}, {&own.ReopenWithinDays, p.ReopenWithinDays},
		{&own.ArchiveAfterDays, p.ArchiveAfterDays}, {&own.CitizenUrgeHours, p.CitizenUrgeHours}, {&own.FollowUpTries, p.FollowUpTries},
	} {
		if *f.into == 0 {
			*f.into = f.or
		}
	}
	return own
}

func (p Process) reviewed(stage string) bool { return slices.Contains(p.Review, stage) }

func checkProcess(p *Process) error {
	if p == nil {
		return nil
	}
	for _, stage := range p.Review {
		if stage != ReviewHead && stage != ReviewCentre {
			return invalid("process.review", "has a stage that is neither head nor centre", "审核环节只能是 head 或 centre")
		}
	}
	for i, e := range p.Escalation {
		at := fmt.Sprintf("process.escalation[%d]", i)
		if e.Level != Yellow && e.Level != Red && e.Level != Overdue {
			return invalid(at+".level", "is not one of yellow, red, overdue", "级别无效")
		}
		for _, a := range e.Audiences {
			if a == "department" || a == "handler" || a == "superior" {
				continue
			}
			if err := checkEscalation(at+".audiences", []string{a}); err != nil {
				return err
			}
		}
	}
	if err := checkRetention(p.Retention); err != nil {
		return err
	}
	const most = 3650
	for name, n := range map[string]int{
		"hop_limit": p.HopLimit, "extension_days": p.ExtensionDays, "suspensions": p.Suspensions, "suspension_days": p.SuspensionDays,
		"reopenings": p.Reopenings, "reopen_within_days": p.ReopenWithinDays, "archive_after_days": p.ArchiveAfterDays,
		"citizen_urge_hours": p.CitizenUrgeHours, "follow_up_tries": p.FollowUpTries,
	} {
		if n < 0 || n > most {
			return outOfRange("process."+name, 0, most)
		}
	}
	return nil
}
