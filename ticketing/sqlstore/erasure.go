package sqlstore

import (
	"context"
	"database/sql"
	"encoding/json"
	"errors"
	"fmt"
	"time"

	"github.com/uptrace/bun"

	"hotline/ticketing"
	"hotline/ticketing/ledger"
)

const (
	// stopPerson lets a number find another key from now on.
	stopPerson    = "UPDATE persons SET lookup = '', tail = '' WHERE id = ?"
	destroyPerson = "UPDATE persons SET wrapped = ?, number = NULL, lookup = '', tail = '', erased_at = ? WHERE id = ? AND erased_at = 0"
)

// PersonOf is who has a number in a partition; ErrAbsent when nobody has.
func (s *Store) PersonOf(ctx context.Context, partition, number string) (string, error) {
	lookup, err := s.persons.lookup(ctx, partition, number)
	if err != nil {
		return "", err
	}
	if lookup == "" {
		return "", ticketing.ErrAbsent
	}
	who, err := s.persons.known(ctx, lookup)
	if errors.Is(err, sql.ErrNoRows) {
		return "", ticketing.ErrAbsent
	}
	return who.id, err
}

// OfPerson reads the tickets that are sealed for a person, in order of id after a given one.
func (s *Store) OfPerson(ctx context.Context, person, after string, limit int) ([]ticketing.Ticket, error) {
	var all []ticketing.Ticket
	for _, table := range []string{openTable, sealedTable} { // a person is of one partition
		list, err := s.readTickets(ctx, table, s.db.read.NewSelect().Table(table).ColumnExpr(columnsOf(table)).
			Where("person = ?", person).Where("person <> ''").Where("id > ?", after).OrderExpr("id").Limit(int64(limit-len(all))))
		if err != nil {
			return nil, err
		}
		if all = append(all, list...); len(all) > 0 {
			break
		}
	}
	return all, nil
}

// WithKeys are those of some persons whose keys are there.
func (s *Store) WithKeys(ctx context.Context, persons []string) ([]string, error) {
	found, err := s.persons.byID(ctx, persons)
	if err != nil {
		return nil, err
	}
	var list []string
	for _, id := range persons {
		if _, there := found[id]; there {
			list = append(list, id)
			delete(found, id) // named twice it is one
		}
	}
	return list, nil
}

// ErasedSince lists the persons whose keys were destroyed at a moment or later.
func (s *Store) ErasedSince(ctx context.Context, at time.Time) ([]string, error) {
	var ids []string
	err := s.db.read.NewRaw("SELECT id FROM persons WHERE erased_at >= ? AND erased_at > 0 ORDER BY erased_at, id", at.UnixMilli()).Scan(ctx, &ids)
	return ids, err
}

// DestroyPerson destroys a person's key; beside is written in the same transaction.
func (s *Store) DestroyPerson(ctx context.Context, person string, beside ticketing.Change) error {
	err := s.writeBeside(ctx, beside, func(ctx context.Context, tx bun.Tx) error {
		_, err := s.texts.exec(ctx, tx, destroyPerson, []byte{}, ms(s.now()), person)
		return err
	})
	s.persons.cache.Delete(person)
	return err
}

// RewriteEvents puts other data into events of a ticket.
func (s *Store) RewriteEvents(ctx context.Context, t ticketing.Ticket, events []ticketing.Event) error {
	if len(events) == 0 {
		return nil
	}
	data := make([]string, len(events))
	for i, e := range events {
		data[i] = text(e.Data)
		if t.Partition == "" {
			continue
		}
		var err error
		if data[i], err = s.sealText(ctx, partitionKey(t.Partition), eventAbout(t.ID), data[i]); err != nil {
			return err
		}
	}
	return s.db.Write(ctx, func(ctx context.Context, tx bun.Tx) error {
		for i, e := range events {
			if _, err := tx.ExecContext(ctx, "UPDATE ticket_events SET data = ? WHERE id = ? AND ticket_id = ?", data[i], e.ID, t.ID); err != nil {
				return err
			}
		}
		return nil
	})
}

// EraseWords takes the words that match out of the ledger's entries on an object
// and out of the looks at a ticket; an entry says so, and comes first: words that
// are missing without one would be a forgery.
func (s *Store) EraseWords(ctx context.Context, object, ticketID string, match func(words string) bool) error {
	if err := s.Chain(ctx); err != nil {
		return err
	}
	entries, err := s.entries(ctx, "SELECT seq, "+ledgerColumns+" FROM ledger WHERE object = ? ORDER BY seq", object)
	if err != nil {
		return err
	}
	var places []int64
	for _, e := range entries {
		if !e.Erased() && (match(e.Reason) || match(string(e.Data))) {
			places = append(places, e.Seq)
		}
	}
	if len(places) > 0 {
		data, err := json.Marshal(ledger.Erasure{Object: object, Through: places[len(places)-1]})
		if err != nil {
			return err
		}
		entry := ledger.Entry{At: s.now(), Actor: "system", Class: ledger.System, Action: ledger.ActionErase, Object: object, Result: ledger.Done, Data: data}
		if err := s.Commit(ctx, ticketing.Change{Ledger: []ledger.Entry{entry}}); err != nil {
			return err
		}
		if err := s.Chain(ctx); err != nil {
			return err
		}
	}
	reads, err := s.Reads(ctx, ticketID)
	if err != nil {
		return err
	}
	return s.db.Write(ctx, func(ctx context.Context, tx bun.Tx) error {
		for _, seq := range places {
			if _, err := tx.ExecContext(ctx, "UPDATE ledger SET reason = '', data = '', salt = NULL WHERE seq = ?", seq); err != nil {
				return fmt.Errorf("words of an entry: %w", err)
			}
		}
		for _, r := range reads {
			if !match(r.Reason) {
				continue
			}
			if _, err := tx.ExecContext(ctx, "UPDATE person_reads SET reason = '' WHERE id = ?", r.ID); err != nil {
				return fmt.Errorf("words of a look: %w", err)
			}
		}
		return nil
	})
}
