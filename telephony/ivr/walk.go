package ivr

import "time"

// Host is the call that a flow is walked for. An error ends the walk: the call is over.
type Host interface {
	// Say plays prompts one after the other. With interruptible the first key press ends it and is returned, else 0 is.
	Say(prompts []string, interruptible bool) (key rune, err error)
	// Key waits for a key press; it returns 0 when none came in time.
	Key(wait time.Duration) (key rune, err error)
	// Now is the time in the city's zone.
	Now() time.Time
	// Workday tells whether people work on a day.
	Workday(day time.Time) bool
	// Entered hears of each step, and Chosen of a key that led somewhere.
	Entered(step string)
	Chosen(key rune)
}

// Exit is where a flow ends; one of the three.
type Exit struct {
	Step     string
	Queue    *Queue
	Transfer *Transfer
	Hangup   *Hangup
}

// maxVisits bounds the steps of one walk: a caller who goes round and round is put into the line's queue.
const maxVisits = 100

// Walk leads a caller through a flow that is valid.
func (f Flow) Walk(h Host) (Exit, error) {
	id := f.Start
	for range maxVisits {
		h.Entered(id)
		s := f.Steps[id]
		var err error
		switch {
		case s.Play != nil:
			_, err = h.Say(s.Play.Say, false)
			id = s.Play.Then
		case s.Menu != nil:
			id, err = s.Menu.choose(h)
		case s.Hours != nil:
			id = s.Hours.way(h)
		default:
			return s.exit(id, h)
		}
		if err != nil {
			return Exit{}, err
		}
	}
	return Exit{Step: id, Queue: &Queue{}}, nil
}

func (s Step) exit(id string, h Host) (Exit, error) {
	if say := s.says(); len(say) > 0 {
		if _, err := h.Say(say, false); err != nil {
			return Exit{}, err
		}
	}
	return Exit{Step: id, Queue: s.Queue, Transfer: s.Transfer, Hangup: s.Hangup}, nil
}

// choose gives the step that a caller's key leads to.
func (m *Menu) choose(h Host) (step string, err error) {
	key, err := h.Say(m.Say, !m.Whole)
	for wrong := 0; err == nil; {
		if key == 0 {
			if key, err = h.Key(m.Wait); err != nil || key == 0 {
				return m.None, err
			}
		}
		if to, ok := m.Keys[key]; ok {
			h.Chosen(key)
			return to, nil
		}
		if wrong++; wrong >= m.Tries {
			return m.None, nil
		}
		key, err = h.Say(m.Invalid, true)
	}
	return "", err
}

func (o *Hours) way(h Host) string {
	for _, w := range o.Open {
		if w.Includes(h.Now(), h.Workday) {
			return o.Then
		}
	}
	return o.Else
}
