package sqlstore

import (
	"context"
	"database/sql"
	"errors"
	"slices"

	"github.com/uptrace/bun"

	"hotline/ticketing"
)

// PersonKey is the key for what belongs to the person with a number, such as a
// recording; a person who is not known is made.
func (s *Store) PersonKey(ctx context.Context, number string) (id string, key []byte, err error) {
	who, err := s.personsOf(ctx, []string{number})
	if err != nil {
		return "", nil, err
	}
	return who[number].id, who[number].key, nil
}

// KeyOf is the key of a person; ErrErased once it was destroyed.
func (s *Store) KeyOf(ctx context.Context, id string) ([]byte, error) {
	found, err := s.persons.byID(ctx, []string{id})
	if err != nil {
		return nil, err
	}
	if found[id].key == nil {
		return nil, ticketing.ErrErased
	}
	return found[id].key, nil
}

// Pseudonyms are names for numbers that stand for them where they are kept:
// each is the person's, who is made where there is none.
func (s *Store) Pseudonyms(ctx context.Context, numbers []string) (map[string]string, error) {
	found, err := s.personsOf(ctx, numbers)
	if err != nil {
		return nil, err
	}
	names := make(map[string]string, len(found))
	for number, who := range found {
		names[number] = who.id
	}
	return names, nil
}

// Pseudonym is the name of a number; empty when nothing is kept of it.
func (s *Store) Pseudonym(ctx context.Context, number string) (string, error) {
	lookup, err := s.persons.lookup(ctx, "", number)
	if err != nil || lookup == "" {
		return "", err
	}
	who, err := s.persons.known(ctx, lookup)
	if errors.Is(err, sql.ErrNoRows) {
		return "", nil
	}
	return who.id, err
}

// Numbers are what pseudonyms stand for; those of erased persons are left out.
func (s *Store) Numbers(ctx context.Context, pseudonyms []string) (map[string]string, error) {
	found, err := s.persons.byID(ctx, pseudonyms)
	if err != nil {
		return nil, err
	}
	numbers := make(map[string]string, len(found))
	for id, who := range found {
		numbers[id] = who.number
	}
	return numbers, nil
}

// personsOf finds the persons of some numbers, and stores those whom it has to make.
func (s *Store) personsOf(ctx context.Context, numbers []string) (map[string]person, error) {
	for {
		found, made := make(map[string]person, len(numbers)), fresh{}
		var rows [][]any
		for _, number := range numbers {
			who, err := s.persons.find(ctx, "", number, made)
			if err != nil {
				return nil, err
			}
			found[number] = who
			if who.made == nil {
				continue
			}
			row, err := s.persons.row(who, s.now())
			if err != nil {
				return nil, err
			}
			rows = append(rows, row)
		}
		err := s.addPersons(ctx, rows)
		if !errors.Is(err, errGone) { // somebody else made one of them: look again
			return found, err
		}
	}
}

func (s *Store) addPersons(ctx context.Context, rows [][]any) error {
	if len(rows) == 0 {
		return nil
	}
	return s.db.Write(ctx, func(ctx context.Context, tx bun.Tx) error {
		for some := range slices.Chunk(rows, manyRows) {
			if _, err := s.texts.exec(ctx, tx, s.tables["persons"].text(len(some)), slices.Concat(some...)...); err != nil {
				return s.refusal("persons", err)
			}
		}
		return nil
	})
}
