package demo

import (
	"time"

	"hotline/ticketing"
)

// errand is a step beside the way of a ticket: who takes it, and what.
type errand struct {
	login   string
	command map[string]any
}

// errand finds what is next beside the work on a ticket: some departments ask
// for more time, some matters need a second department, some a supervisor.
func (d *Demo) errand(t ticket) (errand, bool) {
	switch luck(t.ID) % 12 {
	case 0:
		return extension(t)
	case 5:
		return d.together(t)
	case 7:
		if t.record(ticketing.RecordSupervision) == nil {
			return errand{"supervisor1", map[string]any{
				"action": ticketing.ActSupervise, "reason": "市民多次来电，列入督办", "until": time.Now().Add(24 * time.Hour), "escalation": []string{"role:lead"},
			}}, true
		}
	}
	return errand{}, false
}

func extension(t ticket) (errand, bool) {
	r := t.record(ticketing.RecordExtension)
	switch {
	case r == nil:
		return errand{"clerk-" + t.Department, map[string]any{"action": ticketing.ActRequestExtension, "days": 2, "reason": "需采购备件，申请延期"}}, true
	case r.State == ticketing.RecordRequested:
		return errand{"dispatcher1", map[string]any{"action": ticketing.ActApproveExtension, "note": "情况属实，同意"}}, true
	}
	return errand{}, false
}

// together has another department assist.
func (d *Demo) together(t ticket) (errand, bool) {
	r := t.record(ticketing.RecordCoHandling)
	switch {
	case r == nil:
		units := d.opts.City.Departments
		other := units[int(luck(t.ID)/12)%len(units)].Code
		if other == t.Department {
			return errand{}, false
		}
		return errand{"dispatcher1", map[string]any{"action": ticketing.ActCoHandle, "department": other, "reason": "涉及多个单位，请协办"}}, true
	case r.State == ticketing.RecordOpen && r.SignedAt.IsZero():
		return errand{"clerk-" + r.Department, map[string]any{"action": ticketing.ActSignShare}}, true
	case r.State == ticketing.RecordOpen:
		return errand{"clerk-" + r.Department, map[string]any{"action": ticketing.ActAnswerShare, "answer": "已核实并配合处理。"}}, true
	}
	return errand{}, false
}
