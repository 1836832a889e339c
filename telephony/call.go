package telephony

import (
	"context"
	"log/slog"
	"os"
	"sync"
	"sync/atomic"
	"time"

	"hotline/telephony/acd"
	"hotline/telephony/invite"
	"hotline/telephony/media"
)

// call is one call from its INVITE to its record. The goroutine in run owns
// it; watchers of the legs' sessions end with it.
type call struct {
	c        *Center
	id       string
	log      *slog.Logger
	ctx      context.Context // ends when the call is to end
	cancel   context.CancelFunc
	now      func() time.Time // steady: setting the clock changes no duration in the record
	commands chan order
	steps    chan func()    // of transfers, for the call's goroutine; asking never blocks
	tasks    chan func()    // for the goroutine that owns the call, while both sides talk
	wg       sync.WaitGroup // watchers and attempts
	tries    atomic.Int32   // gateways tried

	caller   *party // the side that is there first; nil in a callback until a seat has answered
	settling bool   // only its record is left to be written; under the centre's lock
	free     func() // gives back the trunk's channel that the caller came on, if any
	attempts map[string]*attempt
	peer     *party // the other side, once connected
	bridge   *media.Bridge
	recorder *media.Recorder
	played   [2]*media.Playback // to the two parties while held
	moving   *moving            // a blind transfer under way
	contact  string             // of a campaign, that is called; "" is none
	backFor  string             // call that its citizen is called back for; set before anybody is rung
	language string             // that the caller hears; empty: the usual one
	losing   *losing            // its seat, which the citizen waits for
	muted    bool               // its seat is not heard
	quiet    *media.Playback    // what is heard in its place
	merged   bool               // its other party talks in another call
	rated    *ending            // of the conversation, when the citizen is to rate it

	conference *media.Conference // in the bridge's place while others take part
	members    [2]*media.Member  // caller and peer in it

	mu       sync.Mutex
	cdr      CDR
	state    string
	end      ending
	stopped  bool
	legs     []LegInfo
	parked   bool // the caller is to be called back, and may hang up
	holdings int  // reasons for which the caller hears music
	thirds   []*third
	added    int // thirds so far
}

// ending is why a call ends. The first one stands.
type ending struct {
	at    time.Time
	by    Party
	user  string
	cause string
	code  int
}

// party is one side: its SIP session and its sound.
type party struct {
	who  Party
	seat string
	user string
	sess *invite.Session
	leg  *media.Leg
	mobility
	pressed chan rune // digits by INFO; nil where nobody takes them
	fails   func()    // its sound does, and the call goes on; nil: the call ends
	floor   string    // what its seat is taken for in the queue; empty when it has none
	once    sync.Once // of closing its sound
}

// order is a command with the party that gave it; nil means the seat.
type order struct {
	cmd command
	by  *party
}

type command int

const (
	cmdHold command = iota
	cmdResume
)

// record notes an event: in the record at once, in the log behind the back.
func (k *call) record(typ, seat, user string, d EventData) {
	k.recordAt(k.now(), typ, seat, user, d)
}

func (k *call) recordAt(at time.Time, typ, seat, user string, d EventData) {
	e := newEvent(at, k.id, seat, user, typ, d)
	k.mu.Lock()
	defer k.mu.Unlock()
	k.cdr.apply(e, d)
	k.c.journal.event(e)
	k.c.board.happened(k.id, typ)
}

func (k *call) setState(s string) {
	k.mu.Lock()
	defer k.mu.Unlock()
	if !k.stopped {
		k.state = s
	}
}

func (k *call) snapshot() (CDR, string) {
	k.mu.Lock()
	defer k.mu.Unlock()
	return k.cdr.clone(), k.state
}

// stop asks the call to end; the first reason stands.
func (k *call) stop(by Party, user, cause string, code int) {
	k.mu.Lock()
	if !k.stopped {
		k.stopped, k.state = true, CallEnding
		k.end = ending{at: k.now(), by: by, user: user, cause: cause, code: code}
	}
	k.mu.Unlock()
	k.cancel()
}

// watch follows a party's session until it is over: it answers re-INVITEs,
// takes digits sent by INFO and tells the rest.
func (k *call) watch(p *party, tell func(invite.Event)) {
	k.c.parties.Store(p.sess, seated{k, p})
	defer k.c.parties.Delete(p.sess)
	for ev := range p.sess.Events() {
		switch e := ev.(type) {
		case invite.Reoffered:
			k.reoffered(p, e)
		case invite.Confirmed:
			k.confirmed(p, e.SDP)
		case invite.Acknowledged:
			k.renegotiated(p, e.SDP)
		case invite.Refreshed:
			k.renegotiated(p, e.SDP)
		case invite.Info:
			k.pressed(p, e)
		case invite.Referred:
			k.refer(p, e)
		default:
			tell(ev)
		}
	}
}

// confirmed takes the answer in an ACK, which comes when the INVITE had no
// offer (RFC 3261 §13.2.1). A call that has no sound then is of no use.
func (k *call) confirmed(p *party, answer []byte) {
	var err error
	if answer != nil {
		err = p.leg.Accept(answer)
	}
	if _, ok := p.leg.Codec(); !ok {
		k.log.Warn("no usable answer to our offer", "error", err)
		k.stop(PartySystem, "", CauseMedia, 488)
	}
}

// renegotiated takes an answer that came in a PRACK or to a refresh.
func (k *call) renegotiated(p *party, answer []byte) {
	if answer == nil {
		return
	}
	if err := p.leg.Accept(answer); err != nil {
		k.log.Warn("answer is not usable, sound stays as it was", "error", err)
	}
}

// reoffered answers a re-INVITE; a party that asks for hold makes the other
// one hear music.
func (k *call) reoffered(p *party, e invite.Reoffered) {
	if e.SDP == nil {
		e.Reply(p.leg.Offer(), 200)
		return
	}
	was := p.leg.RemoteHold()
	answer, err := p.leg.Answer(e.SDP)
	if err != nil {
		e.Reply(nil, 488)
		return
	}
	e.Reply(answer, 200)
	if p.seat == "" || p.leg.RemoteHold() == was {
		return
	}
	cmd := cmdResume
	if !was {
		cmd = cmdHold
	}
	select {
	case k.commands <- order{cmd, p}:
	default:
	}
}

// callerGone is the end that a caller's session gives.
func (k *call) callerGone(p *party, cause invite.Cause) {
	reason := CauseHangup
	k.mu.Lock()
	switch {
	case k.parked:
		reason = CauseCallback
	case k.cdr.Message != nil && span(k.cdr.Message.From, k.now()) >= shortMessage:
		reason = CauseVoicemail
	case k.cdr.SeatAt.IsZero() && k.cdr.BridgedAt.IsZero():
		reason = CauseAbandoned
	}
	k.mu.Unlock()
	switch {
	case broke(cause):
		k.stop(PartySystem, "", brokenBy(cause), cause.Code)
	case cause.By == invite.Remote:
		k.stop(p.who, p.user, reason, cause.Code)
	default:
		k.stop(PartySystem, "", CauseFailed, cause.Code)
	}
}

// talk is the conversation, from both sides being there to the end.
func (k *call) talk(peer *party) {
	k.peer = peer
	k.bridge = media.Connect(k.caller.leg, peer.leg)
	began, heard := k.now(), k.c.ports.Now()
	k.startRecording()
	k.recordAt(began, EvBridged, peer.seat, peer.user, EventData{})
	k.setState(CallTalking)
	beat := time.NewTicker(min(2*time.Second, k.c.cfg.MediaTimeout/4, k.c.cfg.SeatTimeout/4))
	defer beat.Stop()
	k.tellAnswered(peer, began)
	for {
		select {
		case <-k.ctx.Done():
			return
		case o := <-k.commands:
			if !k.merged && k.losing == nil {
				k.hold(o.cmd == cmdHold, o.by)
			}
		case step := <-k.steps:
			if step(); k.rated != nil {
				k.askRating(*k.rated)
				return
			}
		case task := <-k.tasks:
			task()
		case <-beat.C:
			k.checkMedia(heard)
		}
	}
}

// tellAnswered lets an operator who talks to a citizen now have the call's ticket; it does nothing for others. It runs on the call's
// goroutine.
func (k *call) tellAnswered(p *party, at time.Time) {
	other := k.otherThan(p)
	if p.seat == "" || other == nil || other.who != PartyCaller || other.seat != "" {
		return
	}
	k.wg.Go(func() {
		k.c.tell("answered", k.id, func(ctx context.Context) error {
			return k.c.handler.Answered(ctx, k.id, p.seat, p.user, at)
		})
	})
}

// hold lets the other party hear music and the one that asked nothing, or ends
// that. nil means the seat; between two seats, the one that was called.
func (k *call) hold(on bool, by *party) {
	k.mu.Lock()
	was := k.holdings > 0
	if by = k.holder(by); by == nil {
		k.mu.Unlock()
		return
	}
	k.holdings = 0
	if on {
		k.holdings = 1
	}
	k.mu.Unlock()
	switch {
	case on && !was:
		if k.conference == nil {
			k.played[0] = k.otherThan(by).leg.Play(k.c.sounds.say(k.language, "music"), true)
			k.played[1] = by.leg.Play(media.Silence(0), false)
		} else {
			k.played[0] = k.otherThan(k.holder(nil)).leg.Play(k.c.sounds.say(k.language, "music"), true)
			k.holdMember()
		}
		k.record(EvHeld, by.seat, by.user, EventData{})
		k.setState(CallHeld)
	case !on && was:
		k.played[0].Stop()
		if k.conference == nil {
			k.played[1].Stop()
		} else {
			k.holdMember()
		}
		k.record(EvResumed, by.seat, by.user, EventData{})
		k.setState(CallTalking)
		if k.muted {
			k.keepMute()
		}
	}
}

// holder is the party that holds: p, or the seat when that is nil. A party that
// has left the call holds nobody.
func (k *call) holder(p *party) *party {
	switch {
	case p != nil && k.otherThan(p) == nil:
		return nil
	case p != nil:
		return p
	case k.peer.seat != "":
		return k.peer
	default:
		return k.caller
	}
}

func (k *call) startRecording() {
	if k.c.cfg.NoRecording {
		return
	}
	if err := k.openRecorder(); err != nil {
		k.record(EvRecording, "", "", EventData{Recording: &Recording{State: RecordingLost, Error: "no recording: " + err.Error()}})
		return
	}
	k.bridge.Record(k.recorder)
}

// openRecorder begins a recording, of which nothing is heard yet.
func (k *call) openRecorder() error {
	rec, err := media.NewRecorder(k.c.spool.path(k.id), media.RecorderOptions{Files: k.c.spool.files, Now: k.c.ports.Now, Log: k.log})
	if err != nil {
		k.log.Error("call cannot be recorded", "error", err)
		return err
	}
	k.c.recorders.Add(1)
	k.recorder = rec
	return nil
}

// finish ends everything that belongs to the call, then writes its record
// and tells of it. It runs once, whatever way the call took.
func (k *call) finish() {
	k.stop(PartySystem, "", CauseFailed, 0) // stands only when nobody gave a reason
	if k.bridge != nil {
		k.bridge.Close()
	}
	if k.conference != nil {
		k.conference.Close()
	}
	k.c.floor.leave(k.id)
	if k.caller != nil {
		k.caller.sess.Hangup(invite.Cause{By: invite.Local, Reason: k.end.cause})
	}
	k.closeRecording() // waits for the disk: legs and seat must not
	k.wg.Wait()
	if k.caller != nil {
		k.closeParty(k.caller)
	}
	k.free()
	k.settle()
	k.recordAt(k.end.at, EvLegs, "", "", EventData{Legs: k.legs})
	k.recordAt(k.end.at, EvEnded, "", k.end.user, EventData{By: k.end.by, Cause: k.end.cause, Code: k.end.code})
	cdr, _ := k.snapshot()
	missed := cdr.missed()
	saved := k.c.journal.save(cdr, missed)
	select {
	case <-saved:
	case <-time.After(5 * time.Second):
		k.log.Error("call record not written yet, the store is slow")
	}
	if missed != nil {
		k.c.tell("missed", k.id, func(ctx context.Context) error { return k.c.handler.Missed(ctx, *missed) })
	}
	k.c.tell("ended", k.id, func(ctx context.Context) error { return k.c.handler.Ended(ctx, cdr) })
	k.askElsewhere(cdr)
	k.c.returnMissed(cdr)
	k.c.callbacks.answered(cdr)
	if cdr.Recording.State == RecordingSpooled {
		// Moved only when the record is stored: the move changes it there.
		k.c.spool.expect(k.id)
		k.c.wg.Go(func() {
			select {
			case <-saved:
				k.c.spool.move(k.id)
			case <-k.c.background.Done():
			}
		})
	}
	k.log.Info("call ended", "caller", masked(cdr.Caller), "line", cdr.Line, "seat", cdr.Seat, "by", string(cdr.EndedBy),
		"cause", cdr.Cause, "talk_ms", cdr.Talk().Milliseconds(), "wait_ms", cdr.Wait().Milliseconds())
	k.forget()
}

// closeParty notes what a leg's sound was like and gives its port back.
func (k *call) closeParty(p *party) { p.once.Do(func() { k.endParty(p) }) }

func (k *call) endParty(p *party) {
	info := legInfo(p)
	p.leg.Close()
	k.c.quality.add(info)
	k.mu.Lock()
	defer k.mu.Unlock()
	if p == k.caller {
		k.legs = append([]LegInfo{info}, k.legs...)
		return
	}
	k.legs = append(k.legs, info)
}

// talked is how long both sides have talked, or had when the call ended: what is between is the other side's way out.
func (k *call) talked() time.Duration {
	k.mu.Lock()
	defer k.mu.Unlock()
	end := k.end.at
	switch {
	case !k.cdr.TalkEndedAt.IsZero():
		end = k.cdr.TalkEndedAt
	case !k.stopped:
		end = k.now()
	}
	return span(k.cdr.BridgedAt, end.Truncate(time.Millisecond))
}

func (k *call) closeRecording() {
	if k.recorder == nil {
		return
	}
	took := k.talked()
	if k.bridge == nil {
		took = k.messageTook()
	}
	rec, err := k.recorder.CloseAfter(took)
	k.c.recorders.Add(-1)
	r := Recording{State: RecordingSpooled, Key: k.c.cfg.RecordingKeys.Name(), Size: rec.Size, SHA256: rec.SHA256, DurationMS: rec.Duration.Milliseconds()}
	if err != nil {
		k.log.Error("recording is incomplete", "error", err)
		r.Error = "incomplete: " + err.Error()
		if _, statErr := os.Stat(k.c.spool.path(k.id)); statErr != nil {
			r.State = RecordingLost
		}
	}
	k.record(EvRecording, "", "", EventData{Recording: &r})
}

// say plays sentences to the caller and returns when they are over, or false
// when the call is.
func (k *call) say(names ...string) bool {
	pb := k.caller.leg.Play(k.c.sounds.say(k.language, names...), false)
	select {
	case <-pb.Done():
		return true
	case <-k.ctx.Done():
		return false
	}
}

// failed tells the machine that an offer came to nothing.
func (k *call) failed(seat string, attempt int, reason string) {
	k.c.floor.apply(func(at time.Time) acd.Event {
		return acd.Failed{At: at, Call: k.id, Seat: seat, Attempt: attempt, Reason: reason}
	})
}
