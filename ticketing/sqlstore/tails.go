package sqlstore

import (
	"cmp"
	"context"
	"slices"
	"strings"

	"github.com/uptrace/bun"

	"hotline/ticketing"
)

const (
	// maxTailed bounds the persons whom one tail finds; the latest are taken.
	maxTailed = 5_000

	// noTail stands where a number has no tail to be found by.
	noTail = "-"

	fillTail = "UPDATE persons SET tail = ? WHERE id = ? AND lookup = ?"
)

// tail is what the last digits of a number are found by, within a partition.
func (p *persons) tail(ctx context.Context, partition, number string) (string, error) {
	switch {
	case number == "":
		return "", nil
	case !strings.HasSuffix(ticketing.MaskPhone(number), lastOf(number)):
		return noTail, nil // a mask shows fewer digits of it
	}
	return p.tailOf(ctx, partition, lastOf(number))
}

func lastOf(number string) string { return number[max(0, len(number)-ticketing.TailDigits):] }

func (p *persons) tailOf(ctx context.Context, partition, digits string) (string, error) {
	return p.hash(ctx, "tail\x00"+partition+"\x00"+digits, 8)
}

// OfTail names the tickets of those whose numbers end in four digits; see ticketing.Store.
func (s *Store) OfTail(ctx context.Context, partition, digits string, limit int) ([]string, error) {
	tail, err := s.persons.tailOf(ctx, partition, digits)
	if err != nil {
		return nil, err
	}
	var persons []string
	err = s.db.read.NewRaw("SELECT id FROM persons WHERE tail = ? AND tail <> '' AND erased_at = 0 ORDER BY used_at DESC, id LIMIT ?", tail, maxTailed).Scan(ctx, &persons)
	if err != nil {
		return nil, err
	}
	return s.ofPersons(ctx, tableOf(partition), persons, limit)
}

// ofPersons names the newest tickets of some persons, newest first.
func (s *Store) ofPersons(ctx context.Context, table string, persons []string, limit int) ([]string, error) {
	var newest []cursor
	for some := range slices.Chunk(persons, maxTogether) {
		var created []int64
		var ids []string
		err := s.db.read.NewSelect().Table(table).Column("created_at", "id").Where("person IN (?)", bun.List(some)).Where("person <> ''").
			OrderExpr("created_at DESC, id DESC").Limit(int64(limit)).Scan(ctx, &created, &ids)
		if err != nil {
			return nil, err
		}
		for i, id := range ids {
			newest = append(newest, cursor{key: created[i], id: id})
		}
	}
	slices.SortFunc(newest, func(a, b cursor) int { return cmp.Or(cmp.Compare(b.key, a.key), strings.Compare(b.id, a.id)) })
	newest = newest[:min(limit, len(newest))]
	tickets := make([]string, len(newest))
	for i, k := range newest {
		tickets[i] = k.id
	}
	return tickets, nil
}

// FillTails fills in the tails of persons from before there were any. It tells how
// many it looked at, up to limit; 0 when none are left.
func (s *Store) FillTails(ctx context.Context, limit int) (int, error) {
	var ids []string
	if err := s.db.read.NewRaw("SELECT id FROM persons WHERE tail = '' AND lookup <> '' ORDER BY id LIMIT ?", limit).Scan(ctx, &ids); err != nil {
		return 0, err
	}
	if len(ids) == 0 {
		return 0, nil
	}
	found, err := s.persons.byID(ctx, ids)
	if err != nil {
		return 0, err
	}
	partitions, err := s.persons.partitions(ctx)
	if err != nil {
		return 0, err
	}
	var fill [][]any
	for _, who := range found {
		tail, err := s.persons.tailWithin(ctx, partitions, who)
		if err != nil {
			return 0, err
		}
		fill = append(fill, []any{tail, who.id, who.lookup})
	}
	return len(ids), s.db.Write(ctx, func(ctx context.Context, tx bun.Tx) error {
		for _, args := range fill {
			if _, err := s.texts.exec(ctx, tx, fillTail, args...); err != nil {
				return err
			}
		}
		return nil
	})
}

// partitions are all that a person may be of.
func (p *persons) partitions(ctx context.Context) ([]string, error) {
	var partitions []string
	err := p.db.read.NewRaw("SELECT name FROM store_keys WHERE name LIKE ?", partitionKey("%")).Scan(ctx, &partitions)
	for i, name := range partitions {
		partitions[i] = strings.TrimPrefix(name, partitionKey(""))
	}
	return append(partitions, ""), err
}

// tailWithin is the tail of a person in the partition whose lookup the person has.
func (p *persons) tailWithin(ctx context.Context, partitions []string, who person) (string, error) {
	for _, partition := range partitions {
		lookup, err := p.lookup(ctx, partition, who.number)
		if err != nil {
			return "", err
		}
		if lookup == who.lookup {
			return p.tail(ctx, partition, who.number)
		}
	}
	return noTail, nil
}
