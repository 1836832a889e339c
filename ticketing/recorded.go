package ticketing

import (
	"bytes"
	"context"
	"encoding/json"
	"strconv"
	"time"

	"hotline/ticketing/ledger"
)

// Actions on record that are no events of a ticket.
const (
	RecordedRefusal = "ticket.refused" // a ticket that is not there for the actor
)

// commit writes a change together with its entries in the ledger.
func (s *Service) commit(ctx context.Context, c Change) error {
	err := s.store.Commit(ctx, s.recorded(ctx, c))
	if err == nil && (len(c.Events) > 0 || c.Read != nil || len(c.Ledger) > 0) {
		OriginOf(ctx).Note()
	}
	return err
}

// recorded adds to a change the entries of its events and of its look.
func (s *Service) recorded(ctx context.Context, c Change) Change {
	c.seal()
	for _, e := range c.Events {
		number := ""
		if c.Ticket != nil && c.Ticket.Partition == "" { // who watches the ledger is no member
			number = c.Ticket.Number
		}
		entry := s.entry(ctx, e.Actor, "ticket."+e.Type, "ticket:"+e.TicketID, reasonOf(e))
		entry.At = e.At
		entry.Data = json.RawMessage(`{"version":` + strconv.FormatInt(e.Version, 10) + `,"number":"` + number + `"}`)
		c.Ledger = append(c.Ledger, entry)
	}
	if r := c.Read; r != nil {
		entry := s.entry(ctx, r.UserID, "read."+r.What, "ticket:"+r.TicketID, r.Reason)
		entry.Data, _ = json.Marshal(readData{Call: r.CallID, Department: r.Department, Own: r.Own}) // of strings: cannot fail
		c.Ledger = append(c.Ledger, entry)
	}
	for i, other := range c.With {
		c.With[i] = s.recorded(ctx, other)
	}
	return c
}

// reasonOf is why an event happened; most say nothing, and decoding costs.
func reasonOf(e Event) string {
	if !bytes.Contains(e.Data, []byte(`"reason"`)) {
		return ""
	}
	return e.Decode().Reason
}

// entry is one of an actor, from where the context's request comes from.
func (s *Service) entry(ctx context.Context, actor, action, object, reason string) ledger.Entry {
	return EntryOf(ctx, s.clock(), actor, action, object, reason)
}

// EntryOf is something that an actor did, from where the context's request comes from.
func EntryOf(ctx context.Context, at time.Time, actor, action, object, reason string) ledger.Entry {
	e := ledger.Entry{At: at, Actor: actor, Action: action, Object: object, Reason: reason, Result: ledger.Done, Class: ledger.User}
	switch actor {
	case SystemActor().UserID:
		e.Class = ledger.System
	case "citizen":
		e.Class = ledger.Citizen
	}
	if o := OriginOf(ctx); o != nil {
		e.Address, e.Trace = o.Address, o.Trace
		switch {
		case o.Class == ledger.Key && e.Class == ledger.Citizen: // a system that files for citizens
			e.Actor, e.Class = o.Actor, o.Class
		case o.Actor == actor && o.Class != "":
			e.Class = o.Class
		}
	}
	return e
}

// Record puts something on record that is no change of a ticket. The entry's
// moment, class and origin are filled in where they are empty.
func (s *Service) Record(ctx context.Context, e ledger.Entry) error {
	whole := s.entry(ctx, e.Actor, e.Action, e.Object, e.Reason)
	whole.Data = e.Data
	if e.Result != "" {
		whole.Result = e.Result
	}
	if e.Class != "" {
		whole.Class = e.Class
	}
	return s.commit(ctx, Change{Ledger: []ledger.Entry{whole}})
}
