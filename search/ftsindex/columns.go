package ftsindex

import (
	"bytes"
	"context"
	"database/sql"
	"errors"
	"math"
	"sync"
	"time"

	"hotline/search"
)

// The single-valued columns, in the order of entry.values.
const (
	colType = iota
	colCategory
	colDistrict
	colDepartment
	colState
	colChannel
	colPlace
	colCount
)

var colNames = map[string]int{
	"type": colType, "category": colCategory, "district": colDistrict,
	"department": colDepartment, "state": colState, "channel": colChannel,
}

// separator, ASCII's record separator, stands between the values of a row while they are read.
const separator = 30

// entry is what filters, facets and orders need of a document, about 90 bytes.
// Values are numbers of strings, lists are numbers of sets, so that a filter is
// looked up once per value and not once per document.
type entry struct {
	id       string // empty: no document in this slot
	created  int64  // ms
	at       *search.Point
	version  int64
	values   [colCount]uint32
	cats     uint32
	depts    uint32
	dayShift int32 // days since 1970 in Asia/Shanghai
}

// columns is the copy of docs in memory, up to date with seq of an epoch.
type columns struct {
	mu      sync.RWMutex
	epoch   int64
	seq     int64
	entries []entry // by slot
	names   dictionary
	sets    dictionary
	members [][]uint32 // of a set, as numbers of names
	newest  []int64    // the newest that each block of slots ever held, ms
}

type dictionary struct {
	numbers map[string]uint32
	names   []string
}

// number takes bytes, because looking up a conversion allocates nothing.
func (d *dictionary) number(name []byte) uint32 {
	n, ok := d.numbers[string(name)]
	if !ok {
		n = uint32(len(d.names))
		kept := string(name)
		d.numbers[kept] = n
		d.names = append(d.names, kept)
	}
	return n
}

// numbersOf returns the numbers of those names that occur.
func (d *dictionary) numbersOf(names []string) []uint32 {
	var all []uint32
	for _, name := range names {
		if n, ok := d.numbers[name]; ok {
			all = append(all, n)
		}
	}
	return all
}

func newColumns() *columns {
	c := &columns{epoch: -1}
	c.reset(-1)
	return c
}

func (c *columns) reset(epoch int64) {
	c.epoch, c.seq, c.entries, c.members, c.newest = epoch, -1, nil, nil, nil
	c.names = dictionary{numbers: map[string]uint32{}}
	c.sets = dictionary{numbers: map[string]uint32{}}
}

// errSnapshot: the columns have moved on to other tables than the snapshot's; take a new one.
var errSnapshot = errors.New("the snapshot is of tables that were swapped")

// catchUp reads what was written since, from the snapshot that st was read in.
func (c *columns) catchUp(ctx context.Context, tx *sql.Tx, st state) error {
	c.mu.RLock()
	epoch, seq := c.epoch, c.seq
	c.mu.RUnlock()
	if epoch == st.epoch && seq >= st.seq {
		return nil
	}
	c.mu.Lock()
	defer c.mu.Unlock()
	switch {
	case c.epoch > st.epoch:
		return errSnapshot
	case c.epoch < st.epoch:
		c.reset(st.epoch)
	case c.seq >= st.seq:
		return nil
	}
	if err := c.load(ctx, tx, st.active); err != nil {
		c.reset(-1)
		return err
	}
	c.seq = st.seq
	return nil
}

func (c *columns) load(ctx context.Context, tx *sql.Tx, set int) error {
	var top int
	if err := tx.QueryRowContext(ctx, on("SELECT coalesce(max(slot), 0) FROM docs_#", set)).Scan(&top); err != nil {
		return err
	}
	if grow := top + 1 - len(c.entries); grow > 0 {
		c.entries = append(c.entries, make([]entry, grow)...)
	}
	// All text in one value: each costs as much to hand over as the reading of a row.
	rows, err := tx.QueryContext(ctx, on(`SELECT slot, version, live, created_at,
		id || char(30) || type || char(30) || category || char(30) || district || char(30) || department || char(30) || state || char(30) || channel || char(30) || place || char(30) || cat_set || char(30) || dept_set, lon, lat
		FROM docs_# WHERE seq > ?`, set), c.seq)
	if err != nil {
		return err
	}
	defer func() { _ = rows.Close() }()
	var slot, created, version int64
	var live bool
	var joined sql.RawBytes
	var lon, lat sql.NullFloat64
	for rows.Next() {
		if err := rows.Scan(&slot, &version, &live, &created, &joined, &lon, &lat); err != nil {
			return err
		}
		c.entries[slot] = entry{version: version}
		if live {
			c.fill(&c.entries[slot], created, joined)
			if lon.Valid && lat.Valid {
				c.entries[slot].at = &search.Point{Lon: lon.Float64, Lat: lat.Float64}
			}
			c.noteNewest(int(slot), created)
		}
	}
	return rows.Err()
}

// blockSlots is how many slots a block has.
const blockSlots = 4096

func (c *columns) noteNewest(slot int, created int64) {
	for slot/blockSlots >= len(c.newest) {
		c.newest = append(c.newest, math.MinInt64)
	}
	c.newest[slot/blockSlots] = max(c.newest[slot/blockSlots], created)
}

// since is firstSince under the lock.
func (c *columns) since(from time.Time) int {
	c.mu.RLock()
	defer c.mu.RUnlock()
	return c.firstSince(ceilMillis(from))
}

// firstSince is a slot before which nothing is as new as from: documents mostly come in
// the order of their creation.
func (c *columns) firstSince(from int64) int {
	for block, newest := range c.newest {
		if newest >= from {
			return block * blockSlots
		}
	}
	return len(c.entries)
}

func (c *columns) fill(e *entry, created int64, joined []byte) {
	next := func() []byte {
		part, rest, _ := bytes.Cut(joined, []byte{separator})
		joined = rest
		return part
	}
	e.id, e.created, e.dayShift = string(next()), created, day(created)
	for i := range e.values {
		e.values[i] = c.names.number(next())
	}
	e.cats, e.depts = c.set(next()), c.set(next())
}

// set returns the number of a list that is joined by line feeds.
func (c *columns) set(joined []byte) uint32 {
	n := c.sets.number(joined)
	if int(n) == len(c.members) {
		var members []uint32
		for name := range bytes.SplitSeq(joined, []byte{'\n'}) {
			if len(name) > 0 {
				members = append(members, c.names.number(name))
			}
		}
		c.members = append(c.members, members)
	}
	return n
}

const (
	dayMillis  = 24 * 60 * 60 * 1000
	zoneMillis = 8 * 60 * 60 * 1000
)

// day counts days in Asia/Shanghai, which begin at 16:00 UTC.
func day(ms int64) int32 {
	ms += zoneMillis
	d := ms / dayMillis
	if ms%dayMillis < 0 {
		d--
	}
	return int32(d)
}
