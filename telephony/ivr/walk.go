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
	// Caller tells whether a word is true of the caller.
	Caller(word string) bool
	// Speak chooses the language of what is said from now on.
	Speak(language string)
	// Progress gives the prompts that say how far a ticket of the caller's is; none where there is no such ticket.
	Progress(digits string) []string
	// CanCallBack tells whether the caller can be called back.
	CanCallBack() bool
	// Entered hears of each step, and Chosen of a key that led somewhere.
	Entered(step string)
	Chosen(key rune)
}

// Exit is where a flow ends; one of the five.
type Exit struct {
	Step      string
	Queue     *Queue
	Callback  *Callback
	Voicemail *Voicemail
	Transfer  *Transfer
	Hangup    *Hangup
}

// maxVisits bounds the steps of one walk: a caller who goes round and round is put into the line's queue.
const maxVisits = 100

// Walk leads a caller through a flow that is valid.
func (f Flow) Walk(h Host) (Exit, error) {
	id, dialled := f.Start, ""
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
		case s.Digits != nil:
			id, dialled, err = s.Digits.collect(h)
		case s.Caller != nil:
			id = s.Caller.way(h)
		case s.Language != nil:
			h.Speak(s.Language.Use)
			id = s.Language.Then
		case s.Progress != nil:
			id, err = s.Progress.tell(h, dialled)
		case s.Callback != nil && !h.CanCallBack():
			id = s.Callback.Else
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
	return Exit{Step: id, Queue: s.Queue, Callback: s.Callback, Voicemail: s.Voicemail, Transfer: s.Transfer, Hangup: s.Hangup}, nil
}

// collect gives the step that follows, and the digits that were pressed.
func (d *Digits) collect(h Host) (step, digits string, err error) {
	key, err := h.Say(d.Say, true)
	for err == nil && len(digits) < d.Most {
		if key == 0 {
			if key, err = h.Key(d.Wait); err != nil || key == 0 {
				break
			}
		}
		if key == '#' {
			break
		}
		digits, key = digits+string(key), 0
	}
	switch {
	case err != nil:
		return "", "", err
	case digits == "":
		return d.None, "", nil
	}
	return d.Then, digits, nil
}

func (c *Caller) way(h Host) string {
	for _, w := range c.Ways {
		if h.Caller(w.Is) {
			return w.To
		}
	}
	return c.Else
}

func (p *Progress) tell(h Host, digits string) (step string, err error) {
	says := h.Progress(digits)
	if len(says) == 0 {
		return p.None, nil
	}
	_, err = h.Say(says, true)
	return p.Then, err
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
