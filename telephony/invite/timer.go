package invite

import (
	"slices"
	"strconv"
	"strings"
	"time"

	"github.com/emiago/sipgo/sip"
)

// SessionTimer are the settings of session timers (RFC 4028).
type SessionTimer struct {
	// Interval is asked for, and the longest that is granted; 0 is 30 min,
	// negative switches session timers off.
	Interval time.Duration
	// Min is the shortest that is accepted; 0 is 90 s, which RFC 4028 section
	// 4 asks for at least. Less is for tests.
	Min time.Duration
}

func (t SessionTimer) withDefaults() SessionTimer {
	if t.Interval == 0 {
		t.Interval = 30 * time.Minute
	}
	if t.Min <= 0 {
		t.Min = leastInterval
	}
	return t
}

const leastInterval = 90 * time.Second

// statusIntervalTooSmall refuses a session interval (RFC 4028 section 6).
const statusIntervalTooSmall = 422

// keeping is how a session is kept alive.
type keeping struct {
	interval time.Duration // in force, 0 without
	ours     bool          // we refresh
	least    time.Duration // the largest Min-SE that was learned
	raised   int           // 422s taken
}

// maxRaised bounds how often one session takes a 422.
const maxRaised = 4

func (e *Endpoint) timing() bool { return e.opts.Session.Interval > 0 }

// sessionExpires reads Session-Expires, 0 without one.
func sessionExpires(m sip.Message) (interval time.Duration, refresher string) {
	hs := append(m.GetHeaders("Session-Expires"), m.GetHeaders("x")...)
	if len(hs) == 0 {
		return 0, ""
	}
	value, params, _ := strings.Cut(hs[0].Value(), ";")
	for _, p := range strings.Split(params, ";") {
		if k, v, ok := strings.Cut(p, "="); ok && strings.EqualFold(strings.TrimSpace(k), "refresher") {
			refresher = strings.ToLower(strings.TrimSpace(v))
		}
	}
	return seconds(value), refresher
}

// minSE reads Min-SE, 0 without one.
func minSE(m sip.Message) time.Duration {
	hs := m.GetHeaders("Min-SE")
	if len(hs) == 0 {
		return 0
	}
	value, _, _ := strings.Cut(hs[0].Value(), ";")
	return seconds(value)
}

// seconds reads delta-seconds, 0 when they are none; a day is the most.
func seconds(v string) time.Duration {
	n, err := strconv.ParseUint(strings.TrimSpace(v), 10, 32)
	if err != nil {
		return 0
	}
	return time.Duration(min(n, 86400)) * time.Second
}

func inSeconds(d time.Duration) string { return strconv.Itoa(int((d + time.Second - 1) / time.Second)) }

func timesSessions(m sip.Message) bool { return slices.Contains(tokens(m, "Supported", "k"), "timer") }

// tooBrief refuses an interval below ours (RFC 4028 section 9); only a peer
// that knows session timers can be asked for a longer one.
func (e *Endpoint) tooBrief(req *sip.Request) (int, []sip.Header) {
	if want, _ := sessionExpires(req); e.timing() && want > 0 && want < e.opts.Session.Min && timesSessions(req) {
		return statusIntervalTooSmall, []sip.Header{sip.NewHeader("Min-SE", inSeconds(e.opts.Session.Min))}
	}
	return 0, nil
}

// timerRequest asks for a session timer in an INVITE or UPDATE.
func (s *Session) timerRequest(req *sip.Request) {
	if !s.e.timing() {
		return
	}
	k := &s.keep
	value := inSeconds(max(s.e.opts.Session.Interval, k.least))
	if k.interval > 0 {
		who := "uas"
		if k.ours {
			who = "uac"
		}
		value = inSeconds(max(k.interval, k.least)) + ";refresher=" + who
	}
	req.AppendHeader(sip.NewHeader("Session-Expires", value))
	if k.least > leastInterval {
		req.AppendHeader(sip.NewHeader("Min-SE", inSeconds(k.least)))
	}
}

// timerResponse grants a session timer in the 2xx to the peer's request, and
// starts it (RFC 4028 section 9). Without the peer's support there is none.
func (s *Session) timerResponse(req *sip.Request, res *sip.Response) {
	if !s.e.timing() || !timesSessions(req) {
		s.stopTimer()
		return
	}
	want, refresher := sessionExpires(req)
	interval := s.e.opts.Session.Interval
	if want > 0 {
		interval = min(want, interval)
	}
	interval = max(interval, minSE(req))
	if refresher != "uas" {
		refresher = "uac"
		res.AppendHeader(sip.NewHeader("Require", "timer"))
	}
	res.AppendHeader(sip.NewHeader("Session-Expires", inSeconds(interval)+";refresher="+refresher))
	s.startTimer(interval, refresher == "uas")
}

// timerAnswer takes what the 2xx to our request grants (RFC 4028 section 7.2).
func (s *Session) timerAnswer(res *sip.Response) {
	interval, refresher := sessionExpires(res)
	if !s.e.timing() || interval == 0 {
		s.stopTimer()
		return
	}
	s.startTimer(interval, refresher != "uas")
}

func (s *Session) startTimer(interval time.Duration, ours bool) {
	s.keep.interval, s.keep.ours, s.keep.raised = interval, ours, 0
	// RFC 4028 section 10: the BYE goes a little before the end.
	s.arm(timerSession, interval-min(32*time.Second, interval/3))
	s.disarm(timerRefresh)
	if ours {
		s.arm(timerRefresh, interval/2)
	}
}

func (s *Session) stopTimer() {
	s.keep.interval = 0
	s.disarm(timerSession)
	s.disarm(timerRefresh)
}

// refresh keeps the session alive, by UPDATE where the peer knows it.
func (s *Session) refresh() {
	switch {
	case s.re.wish != nil || s.re.ours != nil || s.re.theirs != nil || s.re.updating:
		s.arm(timerRefresh, s.e.timers.T1+s.glareWait()) // what goes on refreshes too, if it succeeds
	case s.peerUpdates || s.localSDP == nil:
		s.sendUpdate(&wish{ctx: s.ctx, refresh: true})
	default:
		s.re.wish = &wish{ctx: s.ctx, sdp: s.localSDP, refresh: true}
		s.sendReoffer()
	}
}

// refreshFailed tries again before the session runs out.
func (s *Session) refreshFailed(code int) {
	if code == sip.StatusMethodNotAllowed || code == sip.StatusNotImplemented {
		s.peerUpdates = false
	}
	s.arm(timerRefresh, max(s.keep.interval/16, s.e.timers.T1))
}

// raise takes a 422: the next request asks for what it names.
func (s *Session) raise(res *sip.Response) bool {
	least := minSE(res)
	if res.StatusCode != statusIntervalTooSmall || least <= 0 || !s.e.timing() || s.keep.raised >= maxRaised {
		return false
	}
	s.keep.raised++
	s.keep.least = max(s.keep.least, least)
	return true
}

// canRaise tells that a refusal is a 422 that can be met.
func (s *Session) canRaise(res *sip.Response) bool {
	return res.StatusCode == statusIntervalTooSmall && minSE(res) > 0 && s.e.timing() && s.keep.raised < maxRaised
}
