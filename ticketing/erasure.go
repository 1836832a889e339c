package ticketing

import (
	"context"
	"errors"
	"fmt"
	"slices"
	"strconv"
	"strings"
	"time"

	"hotline/ticketing/ledger"
)

// Erasing a person is destroying the key that name and numbers are sealed with:
// on tickets, in records of calls and in recordings. What of them was written into
// texts is taken out there, the ledger's words included. What happened stays.

// Actions on record.
const (
	RecordedErasureOrder = "person.erasure_ordered"
	RecordedErasure      = "person.erased"
)

// lifeRestored in the place of a ticket says that the person was erased before:
// a backup from the time before brought the key back.
const lifeRestored = "restored"

// draftsRest is how long a draft must have been left alone before it counts as no
// open matter any more.
const draftsRest = 24 * time.Hour

// Erasure is what an order concerns.
type Erasure struct {
	Tickets int // that have the person's data
}

// ErasePerson orders that the person of a ticket be erased, from all of the
// person's tickets of the partition, from calls and recordings. None of the
// tickets may be open or held.
func (s *Service) ErasePerson(ctx context.Context, a Actor, ref, reason string) (Erasure, error) {
	if !a.May(RightPersonErase) {
		return Erasure{}, ErrForbidden
	}
	reason, err := s.why(reason)
	if err != nil {
		return Erasure{}, err
	}
	t, err := s.load(ctx, a, ref)
	if err != nil {
		return Erasure{}, err
	}
	persons, err := s.personsOf(ctx, t)
	if err != nil {
		return Erasure{}, err
	}
	if len(persons) == 0 {
		return Erasure{}, &Error{Code: CodeNotOpen, Message: "the ticket has no personal data", Zh: "工单没有可删除的个人信息"}
	}
	var found Erasure
	var open, held int
	now := s.clock()
	for _, person := range persons {
		err := s.eachOf(ctx, person, func(t Ticket) error {
			switch {
			case t.Citizen.Erased:
				return nil
			case t.Hold != nil:
				held++
			case !t.erasable(now):
				open++
			}
			found.Tickets++
			return nil
		})
		if err != nil {
			return Erasure{}, err
		}
	}
	if open+held > 0 {
		return found, &Error{
			Code:    CodeNotOpen,
			Message: fmt.Sprintf("%d tickets of this person are open and %d are held as evidence: wait until they are closed and released", open, held),
			Zh:      fmt.Sprintf("该诉求人另有 %d 张工单在办、%d 张在证据保全中，须办结、解除保全后才能删除", open, held),
		}
	}
	c := Change{StopPersons: persons, Ledger: []ledger.Entry{s.entry(ctx, a.UserID, RecordedErasureOrder, "ticket:"+t.ID, reason)}}
	for _, person := range persons {
		c.Outbox = append(c.Outbox, OutboxItem{Topic: TopicLife, Key: lifeKey(lifeErase, t.ID, person, t.Version), CreatedAt: now})
	}
	if err := s.commit(ctx, c); err != nil {
		return found, fmt.Errorf("erase a person: %w", err)
	}
	return found, nil
}

// erasable tells whether the matter is over.
func (t Ticket) erasable(now time.Time) bool {
	switch t.State {
	case Closed, Archived, Cancelled, Merged:
		return true
	case Draft:
		return now.Sub(t.UpdatedAt) > draftsRest
	}
	return false
}

// personsOf are those whom the ticket's data are sealed for: the one of its
// number, and the one whose key it has.
func (s *Service) personsOf(ctx context.Context, t Ticket) ([]string, error) {
	var persons []string
	if t.Person != "" && !t.Citizen.Erased {
		persons = append(persons, t.Person)
	}
	if t.Citizen.Phone == "" {
		return persons, nil
	}
	person, err := s.store.PersonOf(ctx, t.Partition, t.Citizen.Phone)
	if errors.Is(err, ErrAbsent) {
		return persons, nil
	}
	if err != nil {
		return nil, fmt.Errorf("person of a number: %w", err)
	}
	if !slices.Contains(persons, person) {
		persons = append(persons, person)
	}
	return persons, nil
}

// eachOf does something with every ticket of a person.
func (s *Service) eachOf(ctx context.Context, person string, do func(Ticket) error) error {
	const together = 100
	after := ""
	for {
		list, err := s.store.OfPerson(ctx, person, after, together)
		if err != nil {
			return fmt.Errorf("tickets of a person: %w", err)
		}
		for _, t := range list {
			if err := do(t); err != nil {
				return err
			}
			after = t.ID
		}
		if len(list) < together {
			return nil
		}
	}
}

// Restored orders anew what was ordered after a backup was made: of the persons
// that are named those are erased whose keys are there. It tells how many.
func (s *Service) Restored(ctx context.Context, persons []string) (int, error) {
	back, err := s.store.WithKeys(ctx, persons)
	if err != nil || len(back) == 0 {
		return 0, err
	}
	now := s.clock()
	c := Change{StopPersons: back}
	for _, person := range back {
		c.Outbox = append(c.Outbox, OutboxItem{Topic: TopicLife, Key: lifeKey(lifeErase, lifeRestored, person, now.UnixMilli()), CreatedAt: now})
	}
	return len(back), s.commit(ctx, c)
}

// ErasesAgain tells whether a row of the life topic is an order of [Service.Restored].
func ErasesAgain(item OutboxItem) bool {
	return item.Topic == TopicLife && strings.HasPrefix(item.Key, lifeErase+":"+lifeRestored+":")
}

// erase carries an order out. Done twice, or again after it was cut off, it has one effect.
func (s *Service) erase(ctx context.Context, person string, restored bool, item *OutboxItem) error {
	count := 0
	err := s.eachOf(ctx, person, func(t Ticket) error {
		switch {
		case t.Citizen.Erased:
			return nil
		case !restored && (t.Hold != nil || !t.erasable(s.clock())): // since the order: it gets a key of its own
			t.Person = ""
			return s.store.Commit(ctx, Change{Ticket: &t, PrevVersion: t.Version, Edited: true})
		}
		count++
		return s.redact(ctx, t, "")
	})
	if err != nil {
		return err
	}
	return s.destroy(ctx, person, count, item)
}

// destroy destroys a person's key. It is noted outside the database first: a key
// that is gone is always on the list of them.
func (s *Service) destroy(ctx context.Context, person string, tickets int, item *OutboxItem) error {
	if s.erased != nil {
		if err := s.erased(person); err != nil {
			return fmt.Errorf("note an erasure outside the database: %w", err)
		}
	}
	entry := s.entry(ctx, SystemActor().UserID, RecordedErasure, "person:"+person, "")
	entry.Data = []byte(`{"tickets":` + strconv.Itoa(tickets) + `}`)
	return s.store.DestroyPerson(ctx, person, s.recorded(ctx, Change{Finish: item, Ledger: []ledger.Entry{entry}}))
}

// redact takes the person out of one ticket, its history and the words of its
// entries in the ledger.
func (s *Service) redact(ctx context.Context, t Ticket, why string) error {
	people := t.Citizen.people()
	hide := func(text string) string {
		for _, person := range people {
			text = hidePerson(text, person)
		}
		return text
	}
	events, err := s.store.Events(ctx, t.ID)
	if err != nil {
		return fmt.Errorf("events: %w", err)
	}
	if err := s.store.RewriteEvents(ctx, t, rewritten(events, hide)); err != nil {
		return fmt.Errorf("rewrite events: %w", err)
	}
	if err := s.store.EraseWords(ctx, "ticket:"+t.ID, t.ID, func(words string) bool { return hide(words) != words }); err != nil {
		return fmt.Errorf("erase words: %w", err)
	}
	now := s.clock()
	next := t.clone()
	next.hidePerson()
	next.Citizen = Citizen{Anonymous: t.Citizen.Anonymous, Erased: true}
	next.Version++
	next.UpdatedAt = now
	c := s.change(t, next, newEvent(next, EventPersonErased, SystemActor().UserID, now, EventData{Reason: why}), now)
	c.Edited = true
	c.Records = next.Records
	return s.commit(ctx, c)
}

// rewritten are the events whose words change.
func rewritten(events []Event, hide func(string) string) []Event {
	var changed []Event
	for _, e := range events {
		d, before := e.Decode(), e.Decode()
		for _, text := range d.words() {
			*text = hide(*text)
		}
		if slices.EqualFunc(d.words(), before.words(), func(x, y *string) bool { return *x == *y }) {
			continue
		}
		same := newEvent(Ticket{}, e.Type, e.Actor, e.At, d)
		same.ID, same.TicketID, same.Version = e.ID, e.TicketID, e.Version
		changed = append(changed, same)
	}
	return changed
}

// words are the texts that people wrote.
func (d *EventData) words() []*string {
	return []*string{&d.Reason, &d.Answer, &d.Note, &d.Basis, &d.Name, &d.Referred}
}
