package bridge

import (
	"context"
	"encoding/json"
	"fmt"
	"log/slog"
	"slices"
	"sync"
	"time"

	"hotline/telephony"
	"hotline/ticketing"
)

// Tickets is what the bridge needs of the work orders; *ticketing.Service has it.
type Tickets interface {
	OpenDraft(ctx context.Context, who ticketing.Actor, in ticketing.DraftInput) (ticketing.Ticket, error)
	AnswerDraft(ctx context.Context, who ticketing.Actor, ref, callID, userID string) error
	LinkCall(ctx context.Context, who ticketing.Actor, ref, callID string) error
	OfferDraft(ctx context.Context, who ticketing.Actor, ref, callID, userID string) error
	Audience(ctx context.Context, line, audience string) (string, error)
	ByCall(ctx context.Context, who ticketing.Actor, callID string) ([]ticketing.Ticket, error)
	Act(ctx context.Context, who ticketing.Actor, ref string, cmd ticketing.Command) (ticketing.Ticket, error)
}

// Live takes live events that are not about a ticket; the store has it.
type Live interface {
	PublishLive(ctx context.Context, e ticketing.LiveEvent) error
}

// Bridge is the telephony.Handler and telephony.Observer of a node.
type Bridge struct {
	tickets Tickets
	live    Live
	log     *slog.Logger
	now     func() time.Time
	began   time.Time // drafts of later calls are this process's own

	mu     sync.Mutex
	drafts map[string]string // call id → id of its draft, while the call runs
}

// New makes a bridge. A nil log discards, a nil now is time.Now.
func New(tickets Tickets, live Live, log *slog.Logger, now func() time.Time) *Bridge {
	if log == nil {
		log = slog.New(slog.DiscardHandler)
	}
	if now == nil {
		now = time.Now
	}
	return &Bridge{tickets: tickets, live: live, log: log, now: now, began: now(), drafts: map[string]string{}}
}

// Offered makes the draft at the first offer and tells the seat's user at each.
func (b *Bridge) Offered(ctx context.Context, o telephony.Offer) error {
	if o.Contact != "" { // a survey is no work order
		return nil
	}
	id, ok, err := b.find(ctx, o.CallID)
	if err != nil {
		return err
	}
	if !ok {
		if id, ok, err = b.continued(ctx, o); err != nil {
			return err
		}
	}
	if ok {
		return b.tickets.OfferDraft(ctx, ticketing.SystemActor(), id, o.CallID, o.User)
	}
	return b.open(ctx, o.CallID, ticketing.DraftInput{Line: o.Line, Digit: o.Digit, Citizen: ticketing.Citizen{Phone: o.Caller}, ForUser: o.User})
}

// open makes the draft of a call.
func (b *Bridge) open(ctx context.Context, callID string, in ticketing.DraftInput) error {
	phone, err := ticketing.NormalizePhone(in.Citizen.Phone)
	if err != nil {
		phone = "" // a caller without a usable number is served all the same
	}
	in.Channel, in.CallID, in.Citizen.Phone, in.Appeal.Type = ticketing.ByPhone, callID, phone, typeOf(in.Digit)
	t, err := b.tickets.OpenDraft(ctx, ticketing.SystemActor(), in)
	if err != nil {
		return fmt.Errorf("opening a draft for call %s: %w", callID, err)
	}
	b.remember(callID, t.ID)
	return nil
}

// continued finds the open draft of the call that an offer calls its citizen back for, such as one with a message, and lets it be the offer's.
func (b *Bridge) continued(ctx context.Context, o telephony.Offer) (string, bool, error) {
	if o.For == "" {
		return "", false, nil
	}
	tickets, err := b.tickets.ByCall(ctx, ticketing.SystemActor(), o.For)
	if err != nil {
		return "", false, fmt.Errorf("looking for the draft of call %s: %w", o.For, err)
	}
	i := slices.IndexFunc(tickets, func(t ticketing.Ticket) bool { return t.State == ticketing.Draft })
	if i < 0 {
		return "", false, nil
	}
	if err := b.tickets.LinkCall(ctx, ticketing.SystemActor(), tickets[i].ID, o.CallID); err != nil {
		return "", false, fmt.Errorf("joining call %s with the draft of call %s: %w", o.CallID, o.For, err)
	}
	b.remember(o.CallID, tickets[i].ID)
	return tickets[i].ID, true, nil
}

func (b *Bridge) remember(callID, draft string) {
	b.mu.Lock()
	defer b.mu.Unlock()
	b.drafts[callID] = draft
}

// find is draft, with a look into the store: another process may have made the
// draft before it died, or an earlier try whose answer did not come in time.
func (b *Bridge) find(ctx context.Context, callID string) (string, bool, error) {
	if id, ok := b.draft(callID); ok {
		return id, true, nil
	}
	tickets, err := b.tickets.ByCall(ctx, ticketing.SystemActor(), callID)
	if err != nil {
		return "", false, fmt.Errorf("looking for the draft of call %s: %w", callID, err)
	}
	if len(tickets) == 0 {
		return "", false, nil
	}
	b.remember(callID, tickets[0].ID)
	return tickets[0].ID, true, nil
}

// typeOf reads the menu: 1 is an inquiry, 2 a complaint; 0 asks for a person
// and says nothing about the matter.
func typeOf(digit string) ticketing.AppealType {
	switch digit {
	case "1":
		return ticketing.Inquiry
	case "2":
		return ticketing.Complaint
	}
	return ""
}

// Answered gives the draft to the user and tells the user's pages that the call is on.
func (b *Bridge) Answered(ctx context.Context, callID, seat, user string, at time.Time) error {
	draft, ok, err := b.find(ctx, callID)
	if err != nil {
		b.log.Error("the draft of a call has no operator", "call_id", callID, "error", err)
	}
	if ok {
		if err := b.tickets.AnswerDraft(ctx, ticketing.SystemActor(), draft, callID, user); err != nil {
			b.log.Error("the draft of a call has no operator", "call_id", callID, "error", err)
		}
	}
	return b.publish(ctx, "call.answered", callID, "user:"+user, map[string]string{"ticket": draft, "seat": seat}, at)
}

// Missed cancels the draft of a call that nobody answered.
func (b *Bridge) Missed(ctx context.Context, m telephony.MissedCall) error {
	if err := b.publish(ctx, "call.missed", m.CallID, "role:"+string(ticketing.RoleLead), nil, m.EndedAt); err != nil {
		return err
	}
	if m.Cause == telephony.CauseVoicemail {
		return b.message(ctx, m)
	}
	if _, known := b.draft(m.CallID); !known && m.Offers == 0 && m.StartedAt.After(b.began) {
		return nil // only an offer makes a draft: under a flood of calls the store need not be asked
	}
	return b.cancel(ctx, m.CallID, "来电未接通:"+m.Cause)
}

// unreached cancels the draft of a try to call a citizen back, unless it goes on from an earlier call.
func (b *Bridge) unreached(ctx context.Context, cdr telephony.CDR) error {
	tickets, err := b.tickets.ByCall(ctx, ticketing.SystemActor(), cdr.ID)
	if err != nil {
		return fmt.Errorf("looking for the draft of call %s: %w", cdr.ID, err)
	}
	if len(tickets) == 0 || len(tickets[0].Calls) > 1 {
		return nil
	}
	return b.cancel(ctx, cdr.ID, "回电未接通:"+cdr.Cause)
}

// message makes the draft of a call whose citizen left a message.
func (b *Bridge) message(ctx context.Context, m telephony.MissedCall) error {
	_, ok, err := b.find(ctx, m.CallID)
	if err != nil || ok {
		return err
	}
	return b.open(ctx, m.CallID, ticketing.DraftInput{
		Line: m.Line, Digit: m.Digit, Citizen: ticketing.Citizen{Phone: m.Caller}, Appeal: ticketing.Appeal{Title: "语音留言"},
	})
}

// cancel ends the draft of a call in which nobody talked with the citizen.
func (b *Bridge) cancel(ctx context.Context, callID, reason string) error {
	draft, ok, err := b.find(ctx, callID)
	if err != nil || !ok {
		return err
	}
	fields, err := json.Marshal(map[string]string{"reason": reason})
	if err != nil {
		return err
	}
	_, err = b.tickets.Act(ctx, ticketing.SystemActor(), draft, ticketing.Command{Action: ticketing.ActCancel, Fields: fields})
	if err != nil && ticketing.CodeOf(err) != ticketing.CodeNotOpen {
		return fmt.Errorf("cancelling the draft of call %s: %w", callID, err)
	}
	return nil
}

// Ended tells the user's pages that the call is over. A citizen who was called back and not reached leaves no draft.
func (b *Bridge) Ended(ctx context.Context, cdr telephony.CDR) error {
	if cdr.Callback != "" && cdr.BridgedAt.IsZero() {
		if err := b.unreached(ctx, cdr); err != nil {
			return err
		}
	}
	draft, _ := b.draft(cdr.ID)
	b.mu.Lock()
	delete(b.drafts, cdr.ID)
	b.mu.Unlock()
	audience := ticketing.AudienceStaff
	if cdr.User != "" {
		audience = "user:" + cdr.User
	}
	audience, err := b.tickets.Audience(ctx, cdr.Line, audience)
	if err != nil {
		return err
	}
	return b.publish(ctx, "call.ended", cdr.ID, audience, map[string]string{"ticket": draft, "seat": cdr.Seat}, cdr.EndedAt)
}

// SeatChanged tells the centre's pages; they fetch the board again.
func (b *Bridge) SeatChanged(ctx context.Context, a telephony.AgentState) {
	if err := b.publish(ctx, "seat.changed", a.Seat, ticketing.AudienceStaff, nil, b.now()); err != nil {
		b.log.Warn("live event of a seat not written", "seat", a.Seat, "error", err)
	}
}

// QueueChanged tells the centre's pages; they fetch the board again.
func (b *Bridge) QueueChanged(ctx context.Context, q telephony.QueueState) {
	if err := b.publish(ctx, "queue.changed", q.Name, ticketing.AudienceStaff, nil, b.now()); err != nil {
		b.log.Warn("live event of a queue not written", "queue", q.Name, "error", err)
	}
}

// CallChanged tells the centre's pages that something happened in a conversation.
func (b *Bridge) CallChanged(ctx context.Context, cdr telephony.CDR) {
	audience, err := b.tickets.Audience(ctx, cdr.Line, ticketing.AudienceStaff)
	if err == nil {
		err = b.publish(ctx, "call.changed", cdr.ID, audience, nil, b.now())
	}
	if err != nil {
		b.log.Warn("live event of a call not written", "call_id", cdr.ID, "error", err)
	}
}

// TrunkChanged tells the centre's pages that a trunk's gateway came or went.
func (b *Bridge) TrunkChanged(ctx context.Context, t telephony.TrunkState) {
	if err := b.publish(ctx, "trunk.changed", t.Name, ticketing.AudienceStaff, nil, b.now()); err != nil {
		b.log.Warn("live event of a trunk not written", "trunk", t.Name, "error", err)
	}
}

func (b *Bridge) draft(callID string) (string, bool) {
	b.mu.Lock()
	defer b.mu.Unlock()
	id, ok := b.drafts[callID]
	return id, ok
}

func (b *Bridge) publish(ctx context.Context, kind, subject, audience string, data map[string]string, at time.Time) error {
	e := ticketing.LiveEvent{Type: kind, Subject: subject, Audience: audience, At: at}
	if data != nil {
		raw, err := json.Marshal(data)
		if err != nil {
			return err
		}
		e.Data = raw
	}
	return b.live.PublishLive(ctx, e)
}
