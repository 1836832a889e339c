package ivr

import (
	"fmt"
	"maps"
	"slices"
	"strings"
)

// Draw makes an indented tree of a flow, for people. A step that stands there already is named only.
func (f Flow) Draw() string {
	var b strings.Builder
	fmt.Fprintf(&b, "%s\n", f.Name)
	drawn := map[string]bool{}
	var step func(id, by string, depth int)
	step = func(id, by string, depth int) {
		s := f.Steps[id]
		fmt.Fprintf(&b, "%s%s%s", strings.Repeat("  ", depth), by, id)
		if drawn[id] {
			b.WriteString(" ↑\n")
			return
		}
		drawn[id] = true
		fmt.Fprintf(&b, ": %s\n", s.describe())
		for _, w := range s.ways() {
			step(w.to, w.by+" → ", depth+1)
		}
	}
	step(f.Start, "", 1)
	return b.String()
}

func (s Step) describe() string {
	said := strings.Join(s.says(), ", ")
	switch {
	case s.Play != nil:
		return "says " + said
	case s.Menu != nil:
		return fmt.Sprintf("menu, says %s, waits %v", said, s.Menu.Wait)
	case s.Hours != nil:
		windows := make([]string, len(s.Hours.Open))
		for i, w := range s.Hours.Open {
			windows[i] = w.String()
		}
		return "open " + strings.Join(windows, ", ")
	case s.Digits != nil:
		return fmt.Sprintf("digits, says %s, at most %d", said, s.Digits.Most)
	case s.Caller != nil:
		return "who calls"
	case s.Language != nil:
		return "speaks " + s.Language.Use
	case s.Progress != nil:
		return "says how far the ticket is"
	case s.Callback != nil:
		return "calls back, from " + Queue{Name: s.Callback.Name, Needs: s.Callback.Needs}.describe()
	case s.Voicemail != nil:
		return s.Voicemail.describe(said)
	case s.Queue != nil:
		return s.Queue.describe()
	case s.Transfer != nil:
		return "calls " + s.Transfer.Number
	default:
		return strings.TrimSuffix("hangs up, says "+said, ", says ")
	}
}

func (v Voicemail) describe(said string) string {
	text := fmt.Sprintf("voicemail, says %s, at most %v", said, v.Longest)
	if v.Callback {
		text += ", and calls back"
	}
	return text
}

func (q Queue) describe() string {
	text := "queue " + q.Name
	if q.Name == "" {
		text = "the line's queue"
	}
	for _, skill := range slices.Sorted(maps.Keys(q.Needs)) {
		text += fmt.Sprintf(", %s>=%d", skill, q.Needs[skill])
	}
	if q.Priority != 0 {
		text += fmt.Sprintf(", priority %+d", q.Priority)
	}
	if q.SameAgent > 0 {
		text += fmt.Sprintf(", same agent within %v", q.SameAgent)
	}
	return text
}
