package invite

import (
	"sync"
	"time"

	"github.com/emiago/sipgo/sip"
)

// message is what a session's mailbox holds.
type message struct {
	in     input
	req    *sip.Request  // of the peer
	from   *responder    // its transaction
	res    *sip.Response // of the peer
	inv    *inviteTx     // the INVITE of ours it belongs to
	wish   *wish         // of the application
	cause  Cause         // of a hang-up
	err    error
	code   int    // application's verdict on a re-INVITE
	sdp    []byte // and its SDP
	refuse bool   // the cancelled INVITE still needs its 487
	timer  timerKind
	gen    uint64 // of the timer
	timed  bool
}

// mailbox is an unblocking queue. What fills it is bounded: requests of the
// peer are refused beyond maxQueue.
type mailbox struct {
	mu     sync.Mutex
	queue  []message
	closed bool
	wake   chan struct{}
}

const maxQueue = 256

// post queues a message; false when the session is gone or flooded.
func (s *Session) post(m message) bool {
	b := &s.box
	b.mu.Lock()
	flooded := len(b.queue) >= maxQueue &&
		(m.in == inRequest || m.in == inReinvite || m.in == inAck || m.in == inProvisional)
	if b.closed || flooded {
		b.mu.Unlock()
		return false
	}
	b.queue = append(b.queue, m)
	b.mu.Unlock()
	select {
	case b.wake <- struct{}{}:
	default:
	}
	return true
}

func (b *mailbox) take() []message {
	b.mu.Lock()
	defer b.mu.Unlock()
	q := b.queue
	b.queue = nil
	return q
}

func (b *mailbox) close() []message {
	b.mu.Lock()
	defer b.mu.Unlock()
	b.closed = true
	q := b.queue
	b.queue = nil
	return q
}

// timerKind names the timers of a session.
type timerKind uint8

const (
	timerResend     timerKind = iota // 2xx retransmission
	timerNoAck                       // 64*T1 for the ACK
	timerRing                        // ring time of an outbound call, bound of an inbound one
	timerC                           // between provisional responses
	timerCancelWait                  // 64*T1 after CANCEL
	timerReply                       // application's time to answer a re-INVITE
	timerGlare                       // before a re-INVITE is tried again
	timerReoffer                     // bound of our re-INVITE
	timerPrack                       // retransmission of a reliable provisional response
	timerPrackLate                   // 64*T1 for the PRACK
	timerRefresh                     // a refresh of the session is due
	timerSession                     // the session has run out
	timerRefer                       // application's time to decide about a REFER
	timerNotify                      // bound of our REFER
	timerResponse                    // bound of our INVITE without any response
	timerKinds
)

func (k timerKind) input() input {
	return [...]input{inResend, inNoAck, inExpire, inExpire, inCancelWait, inReply, inGlare, inReofferLate,
		inPrackResend, inPrackLate, inRefresh, inSessionOver, inReferReply, inReferDone, inExpire}[k]
}

func (s *Session) arm(k timerKind, d time.Duration) {
	s.disarm(k)
	gen := s.gens[k]
	s.timers[k] = time.AfterFunc(d, func() {
		s.post(message{in: k.input(), timer: k, gen: gen, timed: true})
	})
}

func (s *Session) disarm(k timerKind) {
	if s.timers[k] != nil {
		s.timers[k].Stop()
		s.timers[k] = nil
	}
	s.gens[k]++ // one that has fired already is stale
}

// loop owns the session.
func (s *Session) loop() {
	defer s.e.tasks.Done()
	defer s.e.running.Add(-1)
	defer s.leave()
	if s.dir == Inbound {
		s.arm(timerRing, s.e.timers.Incoming)
	} else {
		s.begin()
	}
	for s.state != gone {
		var out chan Event
		var head Event
		if len(s.pending) > 0 {
			out, head = s.events, s.pending[0]
		}
		select {
		case <-s.box.wake:
			for _, m := range s.box.take() {
				s.step(m)
			}
		case out <- head:
			s.pending = s.pending[1:]
		}
	}
}

// step takes one message through the table.
func (s *Session) step(m message) {
	if m.timed && m.gen != s.gens[m.timer] {
		return
	}
	if m.inv != nil && m.inv != s.inv && m.inv != s.re.ours {
		return // an INVITE that was replaced, with credentials or after glare
	}
	in, ok := s.classify(m)
	if !ok {
		return
	}
	r := next(s.state, in)
	s.state = r.next
	s.shown.Store(uint32(s.state))
	s.act(r.do, m)
}

// classify turns a message into the input that the table knows, which for
// responses and ACKs depends on what they belong to.
func (s *Session) classify(m message) (input, bool) {
	switch {
	case m.in == inAck:
		return inAck, s.wait != nil && m.req.CSeq().SeqNo == s.wait.seq
	case m.in == inTxFail && m.from != nil:
		return inTxFail, m.from == s.first && (s.state == incoming || s.wait != nil && !s.wait.re)
	case m.in == inCancelled && m.from != s.first:
		return inReCancelled, true
	case m.inv != nil && m.inv.re:
		switch m.in {
		case inProvisional:
			return 0, false
		case inSuccess:
			return inReSuccess, true
		default:
			return inReFailure, true
		}
	case m.in == inFailure && s.canAuthorize(m.res):
		return inChallenge, true
	case m.in == inFailure && s.canRaise(m.res):
		return inInterval, true
	case m.in == inFailure && s.redirected(m.res):
		return inRedirect, true
	case m.in == inAnswer && s.mustWait():
		return inHoldAnswer, true
	case m.in == inRequest:
		return requestInput(m.req.Method), true
	}
	return m.in, true
}

// requestInput is the input that a request of the peer makes by its method.
func requestInput(method sip.RequestMethod) input {
	switch method {
	case sip.PRACK:
		return inPrack
	case sip.UPDATE:
		return inUpdate
	case sip.REFER:
		return inRefer
	case sip.NOTIFY:
		return inNotify
	default:
		return inRequest
	}
}

func (s *Session) canAuthorize(res *sip.Response) bool {
	return s.out.Credentials != nil && challenged(res) && s.tries < maxTries
}

// maxTries bounds digest attempts of one INVITE; the second is for a nonce
// that went stale in between.
const maxTries = 2

// finish ends the session for the application. It happens once.
func (s *Session) finish(c Cause) {
	if s.over {
		return
	}
	s.over = true
	if c.At.IsZero() {
		c.At = s.e.opts.Now()
	}
	if c.Reason == "" && c.Code >= 300 {
		c.Reason = phrase(c.Code)
	}
	s.mu.Lock()
	s.cause = c
	s.mu.Unlock()
	s.log.Debug("sip session over", "by", c.By.String(), "code", c.Code, "reason", c.Reason)
	s.disarm(timerRing)
	s.disarm(timerC)
	s.disarm(timerResponse)
	s.dropReinvites()
	s.stopReliable()
	s.stopTimer()
	s.dropTransfers()
	s.cancel()
	for _, ev := range append(s.pending, Ended{Cause: c}) {
		s.force(ev)
	}
	s.pending = nil
	close(s.events)
	close(s.done)
	s.e.active.Add(-1)
	s.e.closing.Add(1)
}

// emit queues an event for the application.
func (s *Session) emit(ev Event) {
	if s.over {
		return
	}
	const maxPending = 128
	if len(s.pending) == 0 {
		select {
		case s.events <- ev:
			return
		default:
		}
	}
	if len(s.pending) >= maxPending {
		s.pending = s.pending[1:]
	}
	s.pending = append(s.pending, ev)
}

// force makes room for an event at the cost of the oldest.
func (s *Session) force(ev Event) {
	for {
		select {
		case s.events <- ev:
			return
		default:
		}
		select {
		case <-s.events:
		default:
		}
	}
}

// leave removes every trace of the session.
func (s *Session) leave() {
	s.finish(Cause{By: System, Code: sip.StatusServiceUnavailable})
	for k := range s.timers {
		s.disarm(timerKind(k))
	}
	s.unsend()
	if s.inv != nil {
		s.inv.drop()
	}
	if s.first != nil {
		s.first.settle(sip.StatusServiceUnavailable)
	}
	if s.early != nil {
		s.early.from.settle(sip.StatusCallTransactionDoesNotExists)
	}
	e := s.e
	e.mu.Lock()
	delete(e.sessions, s.key)
	if s.dir == Inbound {
		delete(e.initial, s.mergeKey)
		delete(e.branches, s.branch)
	}
	e.mu.Unlock()
	for _, m := range s.box.close() {
		if m.from != nil && m.from != s.first {
			m.from.settle(sip.StatusCallTransactionDoesNotExists)
		}
		if m.wish != nil {
			m.wish.grant(ErrEnded)
		}
		if m.in == inSuccess && !m.inv.re {
			e.crossed.Add(1)
			d := outboundDialog(m.res, m.inv.req.Recipient, m.inv.req.MessageData.Destination())
			d.mark = m.inv.req.MessageData.Source()
			e.endDialog(d, s.out.Credentials)
		}
	}
	e.closing.Add(-1)
	close(s.gone)
}
