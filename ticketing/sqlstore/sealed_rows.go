package sqlstore

import (
	"context"
	"encoding/base64"
	"encoding/json"
	"fmt"
	"strings"

	"github.com/uptrace/bun"

	"hotline/ticketing"
	"hotline/ticketing/sealing"
)

// identity is what of a ticket is sealed with its person's key.
type identity struct {
	Name  string           `json:"n,omitempty"`
	Phone string           `json:"p,omitempty"`
	Proxy *ticketing.Proxy `json:"x,omitempty"`
}

func (i identity) empty() bool { return i == identity{} }

// sealedPerson is how a ticket's citizen is kept.
type sealedPerson struct {
	id     string
	lookup string // of the number
	box    []byte // nil when there is nothing to seal
	row    []any  // of a person who is not stored yet
	touch  bool   // whether the person must still be there
}

// sealPerson seals a ticket's citizen with the key of the person whom the number
// belongs to.
func (s *Store) sealPerson(ctx context.Context, t *ticketing.Ticket) (sealedPerson, error) {
	who := identity{Name: t.Citizen.Name, Phone: t.Citizen.Phone, Proxy: t.Citizen.Proxy}
	if who.empty() {
		return sealedPerson{id: t.Person}, nil
	}
	lookup, err := s.persons.lookup(ctx, t.Partition, who.Phone)
	if err != nil {
		return sealedPerson{}, err
	}
	var p person
	if lookup == "" && t.Person != "" { // without a number the key stays the ticket's own
		if p.key, err = s.KeyOf(ctx, t.Person); err != nil {
			return sealedPerson{}, err
		}
		p.id = t.Person
	} else if p, err = s.persons.find(ctx, lookup); err != nil {
		return sealedPerson{}, err
	}
	raw, err := json.Marshal(who)
	if err != nil {
		return sealedPerson{}, fmt.Errorf("encode a citizen: %w", err)
	}
	sealed := sealedPerson{id: p.id, lookup: lookup, touch: p.made == nil}
	if p.made != nil {
		sealed.row = personValues(p, s.now())
	}
	sealed.box, err = s.persons.cipher.Seal(p.key, raw, "ticket:"+t.ID)
	return sealed, err
}

// touchPerson changes nothing when the person's key is no more, or takes nothing new.
const touchPerson = "UPDATE persons SET used_at = ? WHERE id = ? AND erased_at = 0 AND lookup = ?"

func (p *plan) addPerson(who sealedPerson) {
	switch {
	case who.row != nil:
		p.add("persons", who.row)
	case who.touch && who.lookup != "":
		p.before = append(p.before, statement{text: touchPerson, args: []any{ms(p.s.now()), who.id, who.lookup}, must: errGone, table: "persons"})
	}
}

// ticketRow is a ticket as it is kept, its citizen sealed.
type ticketRow struct {
	ticketing.Ticket
	box []byte
}

// opened opens the citizens of some rows.
func (s *Store) opened(ctx context.Context, rows []ticketRow) ([]ticketing.Ticket, error) {
	var ids []string
	for i := range rows {
		if rows[i].Person != "" {
			ids = append(ids, rows[i].Person)
		}
	}
	keys, err := s.persons.open(ctx, ids)
	if err != nil {
		return nil, err
	}
	list := make([]ticketing.Ticket, len(rows))
	for i := range rows {
		if err := rows[i].openPerson(keys); err != nil {
			return nil, err
		}
		list[i] = rows[i].Ticket
	}
	if len(list) == 0 {
		return nil, nil
	}
	return list, nil
}

func (r *ticketRow) openPerson(keys map[string][]byte) error {
	if r.Person == "" {
		return nil
	}
	r.Citizen.Phone = "" // a hash
	key := keys[r.Person]
	if key == nil {
		r.Citizen.Erased = true
		return nil
	}
	if len(r.box) == 0 {
		return nil
	}
	raw, err := sealing.Open(key, r.box, "ticket:"+r.ID)
	if err != nil {
		return fmt.Errorf("ticket %s: its citizen: %w", r.ID, err)
	}
	var who identity
	if err := json.Unmarshal(raw, &who); err != nil {
		return fmt.Errorf("ticket %s: its citizen: %w", r.ID, err)
	}
	r.Citizen.Name, r.Citizen.Phone, r.Citizen.Proxy = who.Name, who.Phone, who.Proxy
	return nil
}

// Texts of sealed partitions are kept as =, the partition, a colon and a box.
const sealedMark = "="

func partitionKey(partition string) string { return "partition:" + partition }

// sealText seals a text of a partition; about says whose it is.
func (s *Store) sealText(ctx context.Context, partition, about, text string) (string, error) {
	if partition == "" || text == "" {
		return text, nil
	}
	key, err := s.persons.ownKey(ctx, partitionKey(partition))
	if err != nil {
		return "", err
	}
	box, err := s.persons.cipher.Seal(key, []byte(text), about)
	if err != nil {
		return "", err
	}
	return sealedMark + partition + ":" + base64.RawStdEncoding.EncodeToString(box), nil
}

// openText is the opposite of sealText; what begins otherwise is in the clear.
func (s *Store) openText(ctx context.Context, about, text string) (string, error) {
	partition, coded, sealed := strings.Cut(strings.TrimPrefix(text, sealedMark), ":")
	if !strings.HasPrefix(text, sealedMark) || !sealed {
		return text, nil
	}
	box, err := base64.RawStdEncoding.DecodeString(coded)
	if err != nil { // no box: a text that begins with the mark
		return text, nil
	}
	key, err := s.persons.ownKey(ctx, partitionKey(partition))
	if err != nil {
		return "", err
	}
	plain, err := sealing.Open(key, box, about)
	if err != nil {
		return "", fmt.Errorf("%s: %w", about, err)
	}
	return string(plain), nil
}

// sealTexts seals the texts of a ticket of a sealed partition in place, and its
// nested part.
func (s *Store) sealTexts(ctx context.Context, t *ticketing.Ticket, doc *string) error {
	for _, text := range textsOf(t, doc) {
		sealed, err := s.sealText(ctx, t.Partition, text.about, *text.at)
		if err != nil {
			return err
		}
		*text.at = sealed
	}
	return nil
}

func (s *Store) openTexts(ctx context.Context, t *ticketing.Ticket, doc *string) error {
	for _, text := range textsOf(t, doc) {
		plain, err := s.openText(ctx, text.about, *text.at)
		if err != nil {
			return err
		}
		*text.at = plain
	}
	return nil
}

type namedText struct {
	about string
	at    *string
}

func textsOf(t *ticketing.Ticket, doc *string) []namedText {
	of := "ticket:" + t.ID + ":"
	return []namedText{
		{of + "title", &t.Appeal.Title}, {of + "description", &t.Appeal.Description}, {of + "address", &t.Appeal.Address},
		{of + "answer", &t.Answer}, {of + "doc", doc},
	}
}

// eventAbout is what the data of a ticket's events are about.
func eventAbout(ticketID string) string { return "event:" + ticketID }

// readTickets reads rows of a table of tickets.
func (s *Store) readTickets(ctx context.Context, table string, q *bun.SelectQuery) ([]ticketing.Ticket, error) {
	rows, err := q.Rows(ctx)
	if err != nil {
		return nil, err
	}
	defer rows.Close()
	var list []ticketRow
	for rows.Next() {
		row, err := s.scanTicket(ctx, table, rows)
		if err != nil {
			return nil, err
		}
		list = append(list, row)
	}
	if err := rows.Err(); err != nil {
		return nil, err
	}
	return s.opened(ctx, list)
}
