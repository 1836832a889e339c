package ticketing

import "slices"

// Bounds narrow what somebody of the centre sees: to a district and what is below
// it, to lines, or both. What the user took in oneself is always seen.
type Bounds struct {
	Districts []string // codes, the district and those below; none: all
	Lines     []string // none: all
	Operator  string   // user whose own tickets are seen all the same
}

// None tells whether nothing is narrowed.
func (b Bounds) None() bool { return len(b.Districts)+len(b.Lines) == 0 }

func (b Bounds) holds(t Ticket) bool {
	if b.None() || t.Operator != "" && t.Operator == b.Operator {
		return true
	}
	return (len(b.Districts) == 0 || slices.Contains(b.Districts, t.Appeal.District)) && (len(b.Lines) == 0 || slices.Contains(b.Lines, t.Line))
}

func (a Actor) bounds() Bounds {
	return Bounds{Districts: a.Districts, Lines: a.Lines, Operator: a.UserID}
}

// Areas name, for an index, where a ticket belongs: by each of its districts, by
// its line, and by both together.
func Areas(districts []string, line string) []string {
	var names []string
	for _, d := range districts {
		names = append(names, areaName(d, ""))
		if line != "" {
			names = append(names, areaName(d, line))
		}
	}
	if line != "" {
		names = append(names, areaName("", line))
	}
	return names
}

// Areas name what the actor's bounds let through in an index; none where nothing
// is narrowed.
func (a Actor) Areas() []string {
	var names []string
	switch {
	case len(a.Districts) == 0 && len(a.Lines) == 0:
	case len(a.Districts) == 0:
		for _, line := range a.Lines {
			names = append(names, areaName("", line))
		}
	case len(a.Lines) == 0:
		names = append(names, areaName(a.Districts[0], ""))
	default:
		for _, line := range a.Lines {
			names = append(names, areaName(a.Districts[0], line))
		}
	}
	return names
}

// areaName cannot be the code of a department, which has no such signs.
func areaName(district, line string) string { return "area:" + district + "|" + line }
