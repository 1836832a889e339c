package sqlstore

import (
	"context"
	"database/sql"
	"encoding/json"
	"errors"
	"fmt"
	"slices"
	"strings"

	"github.com/uptrace/bun"

	"hotline/ticketing"
	"hotline/ticketing/ledger"
)

// The statements of a commit.
const (
	// An UPDATE touches the index of every column that it names, changed or
	// not: number, operator, department and urgency are named only by moves that set them.
	updateMoved = "UPDATE tickets SET " + moved
	moved       = "version = ?, state = ?, answer = ?, reopened = ?, " +
		"at_desk = ?, updated_at = ?, accepted_at = ?, resolved_at = ?, closed_at = ?, due_at = ?, doc = ? WHERE id = ? AND version = ?"
	updateNumbered   = "UPDATE tickets SET number = ?, " + moved
	updateDepartment = "UPDATE tickets SET department = ?, handler = ? WHERE id = ?"
	updateOperator   = "UPDATE tickets SET operator = ? WHERE id = ?"
	updateEdited     = "UPDATE tickets SET confidential = ?, urgency = ?, type = ?, title = ?, description = ?, category = ?, district = ?, address = ?, " +
		"name = '', phone = ?, person = ?, box = ? WHERE id = ?"
	finishOutbox = "UPDATE outbox SET done_at = ? WHERE id = ? AND topic = ? AND key = ? AND done_at IS NULL"
	onConflict   = " ON CONFLICT DO NOTHING"
)

// Statements of single reads.
const (
	selectByID     = "SELECT " + ticketColumns + " FROM tickets WHERE id = ?"
	selectByNumber = "SELECT " + ticketColumns + " FROM tickets WHERE number = ?"

	selectSealedByID     = "SELECT " + sealedColumns + " FROM sealed_tickets WHERE id = ?"
	selectSealedByNumber = "SELECT " + sealedColumns + " FROM sealed_tickets WHERE number = ?"

	selectEvents  = "SELECT id, ticket_id, version, type, at, actor, data FROM ticket_events WHERE ticket_id = ? ORDER BY id"
	selectReceipt = "SELECT hash, ticket_id, sealed, at FROM receipts WHERE scope = ? AND key = ?"
)

func tables() map[string]table {
	list := map[string]table{
		openTable:       newTable(openTable, ticketColumns, ""),
		sealedTable:     newTable(sealedTable, sealedColumns, ""),
		"events":        newTable("ticket_events", "ticket_id, version, type, at, actor, data", ""),
		"calls":         newTable("ticket_calls", "call_id, ticket_id", onConflict),
		"codes":         newTable("query_codes", "ticket_id, salt, hash", ""),
		"receipts":      newTable("receipts", "scope, key, hash, ticket_id, sealed, at", ""),
		"outbox":        newTable("outbox", "topic, key, gen, created_at", " ON CONFLICT (topic, key) DO NOTHING"),
		"deadlines":     newTable("deadlines", "ticket_id, clock, run, yellow_at, red_at, overdue_at, next_at", putDeadlines()),
		"live":          newTable("live_events", "type, subject, version, audience, data, at", ""),
		"notifications": newTable("notifications", "id, ticket_id, number, kind, clock, audience, created_at", ""),
		"records": newTable("ticket_records", "ticket_id, id, kind, state, department, decider, at",
			" ON CONFLICT (ticket_id, id) DO UPDATE SET state = excluded.state, department = excluded.department"),
		"units":   newTable("ticket_units", "department, ticket_id", onConflict),
		"ledger":  newTable("ledger_waiting", ledgerColumns, ""),
		"reads":   newTable("person_reads", "ticket_id, user_id, what, reason, call_id, at", ""),
		"persons": newTable("persons", "id, lookup, tail, wrapped, number, created_at, used_at, erased_at", ""),
	}
	return list
}

func writeTexts() []string {
	list := []string{finishOutbox, touchPerson, stopPerson, destroyPerson, fillTail, dropDeadlines, moveHead, selectHead}
	for n := 1; n <= manyRows; n++ {
		list = append(list, insertChained(n))
	}
	for _, q := range []string{updateMoved, updateNumbered, updateDepartment, updateOperator, updateEdited} {
		list = append(list, q, inTable(sealedTable, q))
	}
	for _, t := range tables() {
		list = append(list, t.texts[1:]...)
	}
	return list
}

// inTable is an update of a ticket's row in another table.
func inTable(table, q string) string {
	return strings.Replace(q, "UPDATE tickets", "UPDATE "+table, 1)
}

func readTexts() []string {
	return []string{selectByID, selectByNumber, selectSealedByID, selectSealedByNumber, selectEvents, selectReceipt, selectLeastLoaded, selectSealedLeastLoaded, selectPerson}
}

// Commit writes a change in one transaction; see ticketing.Store.
func (s *Store) Commit(ctx context.Context, c ticketing.Change) error {
	err := s.commit(ctx, c)
	if errors.Is(err, errGone) { // another key is to be found, or made
		err = s.commit(ctx, c)
	}
	if err != nil {
		return err
	}
	for _, person := range c.StopPersons {
		s.persons.cache.Delete(person)
	}
	s.hub.wake(topicsOf(c)...)
	return nil
}

func (s *Store) commit(ctx context.Context, c ticketing.Change) error {
	p, err := s.plan(ctx, c, fresh{})
	if err != nil {
		return err
	}
	if s.db.dialect == Postgres {
		err = s.db.judge(s.pipeline(ctx, p.statements()))
	} else {
		err = s.db.Write(ctx, p.write)
	}
	if errors.Is(err, errGone) {
		p.forgetPersons()
	}
	return err
}

func topicsOf(changes ...ticketing.Change) []string {
	var topics []string
	for _, c := range changes {
		for _, o := range c.Outbox {
			topics = append(topics, o.Topic)
		}
		if len(c.Ledger) > 0 { // on SQLite nobody waits for it
			topics = append(topics, topicLedger)
		}
		if len(c.Live) > 0 {
			topics = append(topics, TopicLive)
		}
		if len(c.Deadlines) > 0 || len(c.DropDeadlines) > 0 {
			topics = append(topics, TopicDeadlines)
		}
		topics = append(topics, topicsOf(c.With...)...)
	}
	return topics
}

// plan is a change with everything encoded, so that the writer has only to bind.
type plan struct {
	s      *Store
	c      ticketing.Change
	row    ticketing.Ticket // as it is kept: the texts of a sealed partition sealed
	doc    string
	who    sealedPerson
	before []statement
	groups []rowGroup
	with   []*plan

	entries []ledger.Entry // to be chained in the transaction itself
}

type rowGroup struct {
	table table
	rows  [][]any
}

func (s *Store) plan(ctx context.Context, c ticketing.Change, made fresh) (*plan, error) {
	p := &plan{s: s, c: c}
	if c.Ticket != nil {
		if err := p.planTicket(ctx, made); err != nil {
			return nil, err
		}
	}
	if q := c.QueryCode; q != nil {
		p.add("codes", []any{q.TicketID, q.Salt, q.Hash})
	}
	if r := c.Receipt; r != nil {
		p.add("receipts", []any{r.Scope, r.Key, r.Hash, r.TicketID, r.Sealed, ms(r.At)})
	}
	if r := c.Read; r != nil {
		p.add("reads", []any{r.TicketID, r.UserID, r.What, r.Reason, r.CallID, ms(r.At)})
	}
	for _, e := range c.Events {
		data := text(e.Data)
		if c.Ticket != nil && c.Ticket.Partition != "" {
			var err error
			if data, err = s.sealText(ctx, partitionKey(c.Ticket.Partition), eventAbout(e.TicketID), data); err != nil {
				return nil, err
			}
		}
		p.add("events", []any{e.TicketID, e.Version, e.Type, ms(e.At), e.Actor, data})
	}
	for _, row := range deadlineRows(c.Deadlines) {
		p.add("deadlines", row)
	}
	for _, n := range c.Notifications {
		p.add("notifications", []any{n.ID, n.TicketID, n.Number, n.Kind, string(n.Clock), n.Audience, ms(n.CreatedAt)})
	}
	for _, o := range c.Outbox {
		p.add("outbox", []any{o.Topic, o.Key, 0, ms(o.CreatedAt)})
	}
	for _, l := range c.Live {
		p.add("live", liveValues(l))
	}
	for _, r := range c.Records {
		p.add("records", []any{c.Ticket.ID, r.ID, string(r.Kind), string(r.State), r.Department, r.Decider, ms(r.At)})
	}
	for _, unit := range c.Units {
		p.add("units", []any{unit, c.Ticket.ID})
	}
	for _, person := range c.StopPersons {
		p.before = append(p.before, statement{text: stopPerson, args: []any{person}, table: "persons"})
	}
	for _, e := range c.Ledger {
		if s.db.dialect == SQLite { // its one writer knows the head: the entry is chained at once
			p.entries = append(p.entries, ledger.Salted(e))
			continue
		}
		ready, err := ledger.Prepare(s.keys, e)
		if err != nil {
			return nil, err
		}
		p.add("ledger", ledgerValues(ready))
	}
	for _, other := range c.With {
		o, err := s.plan(ctx, other, made)
		if err != nil {
			return nil, err
		}
		p.with = append(p.with, o)
	}
	return p, nil
}

// planTicket seals the ticket's row.
func (p *plan) planTicket(ctx context.Context, made fresh) error {
	t := p.c.Ticket
	var err error
	if p.c.PrevVersion == 0 || p.c.Edited {
		if p.who, err = p.s.sealPerson(ctx, t, made); err != nil {
			return err
		}
		t.Person = p.who.id
		p.addPerson(p.who)
	}
	if p.doc, err = encode(t); err != nil {
		return err
	}
	p.row = *t
	if err := p.s.sealTexts(ctx, &p.row, &p.doc); err != nil {
		return err
	}
	if p.c.PrevVersion == 0 {
		values := ticketValues(&p.row, p.doc, p.who)
		if t.Partition != "" {
			values = append(values, t.Partition)
		}
		p.add(tableOf(t.Partition), values)
	}
	for _, call := range p.c.NewCalls {
		p.add("calls", []any{call, t.ID})
	}
	return nil
}

// forgetPersons drops from memory whom the plan found there.
func (p *plan) forgetPersons() {
	p.s.persons.forget(p.who.id, p.who.lookup)
	for _, other := range p.with {
		other.forgetPersons()
	}
}

func liveValues(l ticketing.LiveEvent) []any {
	return []any{l.Type, l.Subject, l.Version, l.Audience, text(l.Data), ms(l.At)}
}

func text(raw json.RawMessage) string {
	if len(raw) == 0 {
		return "{}"
	}
	return string(raw)
}

func (p *plan) add(name string, values []any) {
	if n := len(p.groups); n > 0 && p.groups[n-1].table.name == p.s.tables[name].name {
		p.groups[n-1].rows = append(p.groups[n-1].rows, values)
		return
	}
	p.groups = append(p.groups, rowGroup{table: p.s.tables[name], rows: [][]any{values}})
}

// statement is one step of a plan. Where must is set, a step that changes no
// row is refused with it.
type statement struct {
	text  string
	args  []any
	must  error
	table string
}

// statements are the steps of a plan, in the order in which they are taken.
func (p *plan) statements() []statement {
	list := p.before
	if p.c.Ticket != nil && p.c.PrevVersion != 0 {
		list = append(list, p.update(&p.row)...)
	}
	if f := p.c.Finish; f != nil {
		list = append(list, statement{
			text: finishOutbox, args: []any{p.s.now().UnixMilli(), f.ID, f.Topic, f.Key}, must: ticketing.ErrFinished, table: "outbox",
		})
	}
	if t := p.c.Ticket; t != nil {
		for _, clock := range p.c.DropDeadlines {
			list = append(list, statement{text: dropDeadlines, args: []any{t.ID, clock}, table: "deadlines"})
		}
	}
	for _, g := range p.groups {
		for some := range slices.Chunk(g.rows, manyRows) {
			list = append(list, statement{text: g.table.text(len(some)), args: slices.Concat(some...), table: g.table.name})
		}
	}
	for _, other := range p.with {
		list = append(list, other.statements()...)
	}
	return list
}

// write takes the plan's steps inside a transaction.
func (p *plan) write(ctx context.Context, tx bun.Tx) error {
	for _, st := range p.statements() {
		n, err := p.s.texts.exec(ctx, tx, st.text, st.args...)
		if err != nil {
			return p.s.refusal(st.table, err)
		}
		if st.must != nil && n != 1 {
			return st.must
		}
	}
	if own := p.ownEntries(); len(own) > 0 { // on SQLite alone, whose one writer this runs on
		p.s.db.owing = append(p.s.db.owing, own...)
	}
	return nil
}

// ownEntries are those of the plan and of what it changes beside.
func (p *plan) ownEntries() []ledger.Entry {
	all := p.entries
	for _, other := range p.with {
		all = append(all, other.ownEntries()...)
	}
	return all
}

// update moves the ticket's row on from the version that the change was made from.
func (p *plan) update(t *ticketing.Ticket) []statement {
	table := tableOf(t.Partition)
	q, args := updateMoved, make([]any, 0, 16)
	if p.c.Numbered {
		q, args = updateNumbered, append(args, t.Number)
	}
	args = append(args, t.Version, string(t.State), t.Answer, t.Reopened, flag(t.AtDesk),
		ms(t.UpdatedAt), ms(t.AcceptedAt), ms(t.ResolvedAt), ms(t.ClosedAt), dueAt(t), p.doc, t.ID, p.c.PrevVersion)
	list := []statement{{text: inTable(table, q), args: args, must: ticketing.ErrStale, table: table}}
	if p.c.Moved {
		list = append(list, statement{text: inTable(table, updateDepartment), args: []any{t.Department, t.Handler, t.ID}, table: table})
	}
	if p.c.Operated {
		list = append(list, statement{text: inTable(table, updateOperator), args: []any{t.Operator, t.ID}, table: table})
	}
	if p.c.Edited {
		a := t.Appeal
		list = append(list, statement{text: inTable(table, updateEdited), table: table, args: []any{
			flag(t.Confidential), string(t.Urgency), string(a.Type), a.Title, a.Description, a.Category, a.District, a.Address, p.who.lookup, p.who.id, p.who.box, t.ID,
		}})
	}
	return list
}

// refusal names what a unique constraint refused.
func (s *Store) refusal(table string, err error) error {
	what, ok := unique(err)
	switch {
	case !ok:
		return fmt.Errorf("%s: %w", table, err)
	case table == "persons":
		return errGone
	case table == "receipts":
		return ticketing.ErrReplayed
	case (table == openTable || table == sealedTable) && strings.Contains(what, "number"):
		s.numbers.forget()
		return ticketing.ErrNumberTaken
	case table == openTable, table == sealedTable:
		return ticketing.ErrExists
	}
	return fmt.Errorf("%s: %w", table, err)
}

// Ticket reads one by id or number, in whichever partition it is.
func (s *Store) Ticket(ctx context.Context, ref string) (ticketing.Ticket, error) {
	open, sealed := selectByID, selectSealedByID
	if len(ref) >= 15 && len(ref) <= 20 && ref[8] == '-' && strings.Count(ref, "-") == 1 {
		open, sealed = selectByNumber, selectSealedByNumber
	}
	for _, q := range []string{open, sealed} {
		table := openTable
		if q == sealed {
			table = sealedTable
		}
		row, err := s.scanTicket(ctx, table, s.texts.read[q].QueryRowContext(ctx, ref))
		if errors.Is(err, sql.ErrNoRows) {
			continue
		}
		if err != nil {
			return ticketing.Ticket{}, err
		}
		list, err := s.opened(ctx, []ticketRow{row})
		if err != nil {
			return ticketing.Ticket{}, err
		}
		return list[0], nil
	}
	return ticketing.Ticket{}, ticketing.ErrAbsent
}

// Events reads a ticket's history, oldest first.
func (s *Store) Events(ctx context.Context, ticketID string) ([]ticketing.Event, error) {
	rows, err := s.texts.read[selectEvents].QueryContext(ctx, ticketID)
	if err != nil {
		return nil, err
	}
	defer rows.Close()
	var list []ticketing.Event
	for rows.Next() {
		var e ticketing.Event
		var when int64
		var data string
		if err := rows.Scan(&e.ID, &e.TicketID, &e.Version, &e.Type, &when, &e.Actor, &data); err != nil {
			return nil, err
		}
		if data, err = s.openText(ctx, eventAbout(e.TicketID), data); err != nil {
			return nil, err
		}
		e.At, e.Data = at(when), json.RawMessage(data)
		list = append(list, e)
	}
	return list, rows.Err()
}

// Receipt reads the outcome of an earlier request.
func (s *Store) Receipt(ctx context.Context, scope, key string) (ticketing.Receipt, error) {
	r := ticketing.Receipt{Scope: scope, Key: key}
	var when int64
	err := s.texts.read[selectReceipt].QueryRowContext(ctx, scope, key).Scan(&r.Hash, &r.TicketID, &r.Sealed, &when)
	if errors.Is(err, sql.ErrNoRows) {
		return r, ticketing.ErrAbsent
	}
	r.At = at(when)
	return r, err
}
