package invite

import (
	"strings"

	"github.com/emiago/sipgo/sip"
)

// Replaces names a dialog as the peer of it sees it (RFC 3891 section 6.1):
// ToTag is the tag of the side that gets the header.
type Replaces struct {
	CallID, ToTag, FromTag string
	EarlyOnly              bool
}

// ParseReplaces reads the value of a Replaces header.
func ParseReplaces(v string) (Replaces, bool) {
	parts := strings.Split(v, ";")
	r := Replaces{CallID: strings.TrimSpace(parts[0])}
	for _, p := range parts[1:] {
		k, v, _ := strings.Cut(p, "=")
		switch strings.ToLower(strings.TrimSpace(k)) {
		case "to-tag":
			r.ToTag = strings.TrimSpace(v)
		case "from-tag":
			r.FromTag = strings.TrimSpace(v)
		case "early-only":
			r.EarlyOnly = true
		}
	}
	return r, r.CallID != "" && r.ToTag != "" && r.FromTag != ""
}

// String renders the header's value.
func (r Replaces) String() string {
	v := r.CallID + ";to-tag=" + r.ToTag + ";from-tag=" + r.FromTag
	if r.EarlyOnly {
		v += ";early-only"
	}
	return v
}

// replacesValue names this session to a third party that is to take it over
// from us; false without a dialog.
func (s *Session) replacesValue() (string, bool) {
	r := s.Dialog()
	return r.String(), r.ToTag != ""
}

// Dialog names this session's dialog to its peer; without one there is no ToTag.
func (s *Session) Dialog() Replaces {
	return Replaces{CallID: s.key.callID, ToTag: s.peerTag(), FromTag: s.key.localTag}
}

// Replacer may be implemented by a Handler that lets a call take the place of
// another (RFC 3891). Replace is called instead of Invite, on a goroutine of
// its own, for an INVITE that names a dialog of this endpoint. To grant it,
// answer s and hang old up; to refuse, reject s (403 or 603). Without this
// method the Replaces header is ignored, as RFC 3891 asks of those who do not
// know it.
type Replacer interface {
	Replace(old, s *Session)
}

// Lookup finds the session of the dialog that r names.
func (e *Endpoint) Lookup(r Replaces) *Session {
	e.mu.Lock()
	s := e.sessions[dialogKey{r.CallID, r.ToTag}]
	e.mu.Unlock()
	if s == nil || !s.hasPeer(r.FromTag) {
		return nil
	}
	return s
}

// hasPeer tells whether the session has, or may get, a dialog with that tag.
func (s *Session) hasPeer(tag string) bool {
	s.mu.Lock()
	defer s.mu.Unlock()
	if s.remoteTag != "" {
		return s.remoteTag == tag
	}
	return s.earlyTags[tag]
}

// replaced judges the Replaces header of a new INVITE (RFC 3891 section 3).
// The code is 0 when there is none, or it may be asked for.
func (e *Endpoint) replaced(req *sip.Request) (*Session, int) {
	hs := req.GetHeaders("Replaces")
	if e.replacer == nil || len(hs) == 0 {
		return nil, 0
	}
	r, ok := ParseReplaces(hs[0].Value())
	if !ok || len(hs) > 1 {
		return nil, sip.StatusBadRequest
	}
	s := e.Lookup(r)
	if s == nil {
		return nil, sip.StatusCallTransactionDoesNotExists
	}
	select {
	case <-s.done:
		return nil, sip.StatusGlobalDecline // the dialog has ended
	default:
	}
	s.mu.Lock()
	answered := s.answeredOnce
	s.mu.Unlock()
	switch {
	case !answered && s.dir == Inbound: // an early dialog that we did not start
		return nil, sip.StatusCallTransactionDoesNotExists
	case answered && r.EarlyOnly:
		return nil, sip.StatusBusyHere
	}
	return s, 0
}

// markAnswered notes that the dialog is confirmed from our side.
func (s *Session) markAnswered() {
	s.mu.Lock()
	s.answeredOnce = true
	s.mu.Unlock()
}

// noteEarly makes an early dialog known to other goroutines.
func (s *Session) noteEarly(tag string) {
	s.mu.Lock()
	defer s.mu.Unlock()
	if s.earlyTags == nil {
		s.earlyTags = map[string]bool{}
	}
	s.earlyTags[tag] = true
}
