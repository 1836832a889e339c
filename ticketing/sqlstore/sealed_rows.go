package sqlstore

import (
	"context"
	"encoding/base64"
	"encoding/json"
	"errors"
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
func (s *Store) sealPerson(ctx context.Context, t *ticketing.Ticket, made fresh) (sealedPerson, error) {
	who := identity{Name: t.Citizen.Name, Phone: t.Citizen.Phone, Proxy: t.Citizen.Proxy}
	if who.empty() {
		return sealedPerson{id: t.Person}, nil
	}
	var p person
	var err error
	if who.Phone == "" && t.Person != "" { // without a number the key stays the ticket's own
		p.id = t.Person
		if p.key, err = s.KeyOf(ctx, t.Person); errors.Is(err, ticketing.ErrErased) { // told anew
			p, err = s.persons.make()
		}
	} else {
		p, err = s.persons.find(ctx, t.Partition, who.Phone, made)
	}
	if err != nil {
		return sealedPerson{}, err
	}
	raw, err := json.Marshal(who)
	if err != nil {
		return sealedPerson{}, fmt.Errorf("encode a citizen: %w", err)
	}
	sealed := sealedPerson{id: p.id, lookup: p.lookup, touch: p.made == nil}
	if p.made != nil {
		if sealed.row, err = s.persons.row(p, s.now()); err != nil {
			return sealedPerson{}, err
		}
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
	found, err := s.persons.byID(ctx, ids)
	if err != nil {
		return nil, err
	}
	list := make([]ticketing.Ticket, len(rows))
	for i := range rows {
		if err := rows[i].openPerson(found); err != nil {
			return nil, err
		}
		list[i] = rows[i].Ticket
	}
	if len(list) == 0 {
		return nil, nil
	}
	return list, nil
}

func (r *ticketRow) openPerson(found map[string]person) error {
	if r.Person == "" {
		return nil
	}
	r.Citizen.Phone = "" // a hash
	key := found[r.Person].key
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

// A sealed text is kept as =, the name of the store's key, a colon and a box.
const sealedMark = "="

const keyOfDrafts = "drafts"

func partitionKey(partition string) string { return "partition:" + partition }

// sealText seals a text with a key of the store; about says whose it is.
func (s *Store) sealText(ctx context.Context, name, about, text string) (string, error) {
	key, err := s.persons.ownKey(ctx, name)
	if err != nil {
		return "", err
	}
	box, err := s.persons.cipher.Seal(key, []byte(text), about)
	if err != nil {
		return "", err
	}
	return sealedMark + name + ":" + base64.RawStdEncoding.EncodeToString(box), nil
}

// openText is the opposite of sealText; what begins otherwise is in the clear.
func (s *Store) openText(ctx context.Context, about, text string) (string, error) {
	at := strings.LastIndexByte(text, ':')
	if !strings.HasPrefix(text, sealedMark) || at < 0 {
		return text, nil
	}
	box, err := base64.RawStdEncoding.DecodeString(text[at+1:])
	if err != nil {
		return "", fmt.Errorf("%s: %w", about, sealing.ErrBroken)
	}
	key, err := s.persons.ownKey(ctx, text[len(sealedMark):at])
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
	if t.Partition == "" {
		return nil
	}
	for _, text := range textsOf(t, doc) {
		sealed, err := s.sealText(ctx, partitionKey(t.Partition), text.about, *text.at)
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
