package sqlstore

import (
	"context"
	"errors"
	"slices"
	"strings"
	"time"

	"github.com/uptrace/bun"

	"hotline/ticketing"
)

// Mark begins a pseudonym; the person's id follows.
const mark = "~"

// split parts a number into a prefix, such as +86, and the national form that its
// person is found by.
func split(number string) (prefix, national string) {
	national, err := ticketing.NormalizePhone(number)
	if err != nil || national == "" || !strings.HasSuffix(number, national) {
		return "", number
	}
	return strings.TrimSuffix(number, national), national
}

// PersonKey is the key for what belongs to the person with a number, such as a
// recording; a person who is not known is made.
func (s *Store) PersonKey(ctx context.Context, number string) (id string, key []byte, err error) {
	_, number = split(number)
	for range 3 {
		found, err := s.personsOf(ctx, []string{number})
		if err != nil {
			return "", nil, err
		}
		who := found[number]
		err = s.touch(ctx, who)
		if !errors.Is(err, errGone) { // destroyed since: somebody new is found
			return who.id, who.key, err
		}
		s.persons.forget(who.id, who.lookup)
	}
	return "", nil, errGone
}

func (s *Store) touch(ctx context.Context, who person) error {
	return s.db.Write(ctx, func(ctx context.Context, tx bun.Tx) error {
		n, err := s.texts.exec(ctx, tx, touchPerson, ms(s.now()), who.id, who.lookup)
		if err == nil && n == 0 {
			err = errGone
		}
		return err
	})
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

// Pseudonyms are what stands for numbers where they are kept: each names the
// person, who is made where there is none. A prefix such as +86 stays in front.
func (s *Store) Pseudonyms(ctx context.Context, numbers []string) (map[string]string, error) {
	nationals := make([]string, len(numbers))
	for i, number := range numbers {
		_, nationals[i] = split(number)
	}
	found, err := s.personsOf(ctx, nationals)
	if err != nil {
		return nil, err
	}
	names := make(map[string]string, len(numbers))
	for _, number := range numbers {
		prefix, national := split(number)
		names[number] = prefix + mark + found[national].id
	}
	return names, nil
}

// Pseudonym is what stands for a number; empty when nothing is kept of it.
func (s *Store) Pseudonym(ctx context.Context, number string) (string, error) {
	prefix, national := split(number)
	id, err := s.PersonOf(ctx, "", national)
	if errors.Is(err, ticketing.ErrAbsent) {
		return "", nil
	}
	return prefix + mark + id, err
}

// Numbers are those of some persons; the erased are left out.
func (s *Store) Numbers(ctx context.Context, persons []string) (map[string]string, error) {
	found, err := s.persons.byID(ctx, persons)
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
		var known []person
		for _, number := range numbers {
			who, err := s.persons.find(ctx, "", number, made)
			if err != nil {
				return nil, err
			}
			found[number] = who
			if who.made == nil {
				known = append(known, who)
				continue
			}
			row, err := s.persons.row(who, s.now())
			if err != nil {
				return nil, err
			}
			rows = append(rows, row)
		}
		err := s.addPersons(ctx, rows)
		if errors.Is(err, errGone) { // somebody else made one of them: look again
			continue
		}
		if err != nil {
			return nil, err
		}
		return found, s.stillUsed(ctx, known)
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

// usedAgain is how old it may be when a person was last used: not every call writes it.
const usedAgain = 24 * time.Hour

// stillUsed notes that something is kept of persons.
func (s *Store) stillUsed(ctx context.Context, known []person) error {
	now := s.now().UnixMilli()
	for _, who := range known {
		if who.id == "" || now-who.used < usedAgain.Milliseconds() {
			continue
		}
		err := s.touch(ctx, who)
		if err != nil && !errors.Is(err, errGone) {
			return err
		}
		s.persons.cache.Delete(who.id)
	}
	return nil
}
