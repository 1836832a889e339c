package telephony

import (
	"context"
	"errors"
	"fmt"
	"io"
	"net/netip"
	"os"
	"slices"
	"strings"
	"time"

	"hotline/telephony/acd"
	"hotline/telephony/invite"
)

// Calls lists call records, newest first.
func (c *Center) Calls(ctx context.Context, f CallFilter) (CallPage, error) {
	return c.store.Calls(ctx, f)
}

// Call returns one record; that of a running call is as of now.
func (c *Center) Call(ctx context.Context, id string) (CDR, error) {
	if k := c.call(id); k != nil {
		cdr, _ := k.snapshot()
		return cdr, nil
	}
	return c.store.Call(ctx, id)
}

// CallEvents returns a call's events, oldest first.
func (c *Center) CallEvents(ctx context.Context, id string) ([]Event, error) {
	return c.store.Events(ctx, EventFilter{CallID: id, Limit: 10000})
}

// Live lists the calls that are going on, oldest first.
func (c *Center) Live() []LiveCall {
	live := []LiveCall{}
	for _, k := range c.list() {
		cdr, state := k.snapshot()
		if !cdr.StartedAt.IsZero() {
			live = append(live, LiveCall{CDR: cdr, State: state})
		}
	}
	slices.SortFunc(live, func(a, b LiveCall) int { return strings.Compare(a.ID, b.ID) })
	return live
}

// Recording opens the recording of a call: stereo G.711 WAV, left the caller.
// A running call has none yet (ErrConflict).
func (c *Center) Recording(ctx context.Context, callID string) (io.ReadSeekCloser, Recording, error) {
	if c.call(callID) != nil {
		return nil, Recording{}, fmt.Errorf("recording of call %s is being made: %w", callID, ErrConflict)
	}
	cdr, err := c.store.Call(ctx, callID)
	if err != nil {
		return nil, Recording{}, err
	}
	switch cdr.Recording.State {
	case RecordingStored:
		r, _, err := c.blobs.Open(ctx, cdr.Recording.Name)
		if err != nil {
			return nil, cdr.Recording, fmt.Errorf("recording of call %s: %w", callID, err)
		}
		if r, err = c.cfg.RecordingKeys.Read(r); err != nil {
			return nil, cdr.Recording, fmt.Errorf("recording of call %s: %w", callID, err)
		}
		return r, cdr.Recording, nil
	case RecordingSpooled:
		r, err := c.spool.open(callID)
		if errors.Is(err, os.ErrNotExist) {
			err = ErrNotFound
		}
		if err != nil {
			return nil, cdr.Recording, fmt.Errorf("recording of call %s: %w", callID, err)
		}
		return r, cdr.Recording, nil
	default:
		return nil, cdr.Recording, fmt.Errorf("call %s has no recording: %w", callID, ErrNotFound)
	}
}

// Hangup ends a running call on behalf of a user.
func (c *Center) Hangup(_ context.Context, callID, user string) error {
	k := c.call(callID)
	if k == nil {
		return fmt.Errorf("call %s is not running: %w", callID, ErrNotFound)
	}
	by := PartySupervisor
	if cdr, _ := k.snapshot(); user != "" && cdr.User == user {
		by = PartySeat
	}
	k.stop(by, user, CauseHangup, 0)
	return nil
}

// Hold lets the caller hear music; Resume connects both sides again.
func (c *Center) Hold(_ context.Context, callID, _ string) error { return c.command(callID, cmdHold) }

// Resume ends a hold.
func (c *Center) Resume(_ context.Context, callID, _ string) error {
	return c.command(callID, cmdResume)
}

func (c *Center) command(callID string, cmd command) error {
	k, err := c.talking(callID)
	if err != nil {
		return err
	}
	select {
	case k.commands <- order{cmd: cmd}:
		return nil
	default:
		return fmt.Errorf("call %s: %w", callID, ErrConflict)
	}
}

// Lines lists the lines in the order of the configuration.
func (c *Center) Lines() []Line { return slices.Clone(c.cfg.Lines) }

// Missed lists missed calls, newest first.
func (c *Center) Missed(ctx context.Context, f MissedFilter) (MissedPage, error) {
	return c.store.Missed(ctx, f)
}

// HandleMissed marks a missed call as called back.
func (c *Center) HandleMissed(ctx context.Context, callID, user string) error {
	return c.store.HandleMissed(ctx, callID, user, c.now())
}

// SaveSeat makes or changes a seat. Its HA1 is made with [HA1] and the realm
// of the configuration.
func (c *Center) SaveSeat(ctx context.Context, s Seat) error {
	if s.Algorithm == "" {
		s.Algorithm = MD5
	}
	if s.ID == "" || len(s.ID) > 32 || strings.ContainsAny(s.ID, " :@\"") {
		return fmt.Errorf("seat id %q: %w", s.ID, ErrInvalid)
	}
	want := map[Algorithm]int{MD5: 32, SHA256: 64}[s.Algorithm]
	if want == 0 || len(s.HA1) != want {
		return fmt.Errorf("seat %s: HA1 does not fit algorithm %s: %w", s.ID, s.Algorithm, ErrInvalid)
	}
	if err := c.store.SaveSeat(ctx, s); err != nil {
		return err
	}
	c.registrar.setAccount(s)
	c.board.know(s)
	c.changed(changedSeats)
	return nil
}

// Realm is the realm that seats' HA1 are made with.
func (c *Center) Realm() string { return c.cfg.Realm }

// deviceChanged hears from the registrar that a phone came or went.
// Two changes may be told out of order, so what holds now is looked up.
func (c *Center) deviceChanged(seat string) {
	registered := false
	v, _ := c.floor.seat(seat)
	known := c.node != "" && v.Registered == c.registrar.registered(seat)
	c.floor.apply(func(at time.Time) acd.Event {
		registered = c.registrar.registered(seat)
		return acd.SetDevice{At: at, Seat: seat, Registered: registered}
	})
	if known { // by the other nodes, when this one begins
		return
	}
	c.journal.event(newEvent(c.now(), "", seat, "", EvDevice, EventData{Registered: registered}))
	s := c.registrar.account(seat)
	// Only where nobody has said anything yet: a phone that flaps must not
	// bring back a person who went offline.
	if v, ok := c.floor.seat(seat); registered && s.AutoReady && s.User != "" && ok && v.User == "" {
		if err := c.SetStatus(context.Background(), s.User, seat, Status{Presence: Ready}); err != nil {
			c.log.Warn("seat cannot be made ready", "seat", seat, "error", err)
		}
	}
	c.board.touch(seat)
}

// Dial lets a seat call a number: the seat's phone rings first, then the
// other side is called. It returns the call's id at once.
func (c *Center) Dial(_ context.Context, user, seat, number string) (string, error) {
	return c.dial(user, seat, number, func(string) error { return nil })
}

// dial is Dial; noted is run with the call's id before anything is sent.
func (c *Center) dial(user, seat, number string, noted func(callID string) error) (string, error) {
	if seat == "" {
		seat = c.board.seatOf(user)
	}
	v, ok := c.floor.seat(seat)
	devices := c.devices(seat)
	if !ok || len(devices) == 0 {
		return "", fmt.Errorf("seat %q has no phone: %w", seat, ErrNotFound)
	}
	if v.User != user {
		return "", fmt.Errorf("seat %s is not the user's: %w", seat, ErrConflict)
	}
	r, err := c.target(seat, number)
	if err != nil {
		return "", err
	}
	k, err := c.newCall()
	if err != nil {
		return "", err
	}
	if !c.floor.seize(k.id, seat) {
		k.forget()
		return "", fmt.Errorf("seat %s is in a call: %w", seat, ErrConflict)
	}
	if err := noted(k.id); err != nil {
		c.floor.leave(k.id)
		k.forget()
		return "", err
	}
	own := c.toSeat(devices[0], number, k.id)
	k.caller = &party{who: PartySeat, seat: seat, user: user, floor: k.id}
	leg, err := k.openLegFor(k.caller, own, false)
	if err != nil {
		c.floor.leave(k.id)
		k.forget()
		return "", err
	}
	k.caller.leg = leg
	own.Offer, own.RingTimeout = leg.Offer(), c.cfg.RingTimeout
	k.caller.sess, err = c.endpoint.Dial(k.ctx, own)
	if err != nil {
		leg.Close()
		c.floor.leave(k.id)
		k.forget()
		return "", err
	}
	k.begin(EventData{Direction: r.direction, SIPCallID: k.caller.sess.CallID(), Source: devices[0].Source.String(), Caller: seat, Called: number, Line: c.lineFor(seat, r.line)}, seat, user)
	go k.clickToDial(r)
	return k.id, nil
}

// clickToDial waits for the seat to pick up, then calls the other side.
func (k *call) clickToDial(r route) {
	defer k.finish()
	up := make(chan struct{})
	p := k.caller
	k.wg.Go(func() {
		k.watch(p, func(ev invite.Event) {
			switch e := ev.(type) {
			case invite.Answered:
				if err := p.leg.Accept(e.SDP); err != nil {
					k.stop(PartySystem, "", CauseMedia, 488)
					return
				}
				close(up)
			case invite.Ended:
				k.gone(p, e.Cause, func() { k.callerGone(p, e.Cause) })
			}
		})
		if p.moves.Load() != stays { // it left, the call goes on
			k.closeParty(p)
		}
	})
	select {
	case <-k.ctx.Done():
		return
	case <-up:
	}
	k.record(EvAnswered, "", "", EventData{})
	k.callOutWithTone(r, func() {})
}

// callOutWithTone calls the other side of a seat that has answered; it hears that the other side rings. answered is run when that answers.
func (k *call) callOutWithTone(r route, answered func()) {
	tone := k.caller.leg.Play(ringback(), true)
	k.callOut(r, func() error {
		tone.Stop()
		answered()
		return nil
	}, func(code int) {
		if code == 183 { // the other side is heard instead
			tone.Stop()
		}
	})
}

func addrOf(hostport string) netip.Addr {
	ap, err := netip.ParseAddrPort(hostport)
	if err != nil {
		return netip.Addr{}
	}
	return ap.Addr()
}
