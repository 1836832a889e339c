package sqlstore

import (
	"context"
	"database/sql"
	"errors"
	"fmt"
	"strconv"
	"strings"
	"sync"
	"time"

	"github.com/uptrace/bun"
)

// numbers gives out ticket numbers without holding anything while a ticket's
// transaction runs. A number that was given out and not used is a gap.
//
// On SQLite one process gives them out from memory, after the highest number
// that is stored; should a second process share the file, the unique index
// refuses its number and it looks again. On PostgreSQL all nodes share a row
// per day; callers that come together take their numbers in one statement.
type numbers struct {
	db      *DB
	mu      sync.Mutex
	day     string
	last    int64
	leading bool
	waiting []*numberWait
}

type numberWait struct {
	day   string
	got   chan struct{}
	value int64
	err   error
}

func newNumbers(db *DB) *numbers { return &numbers{db: db} }

// NextNumber gives out a day's next number, ascending and never twice. day is YYYYMMDD.
func (s *Store) NextNumber(ctx context.Context, day string) (string, error) {
	if len(day) != 8 {
		return "", fmt.Errorf("sqlstore: %q is not a day", day)
	}
	n := s.numbers
	take := n.fromMemory
	if s.db.dialect == Postgres {
		take = n.fromRow
	}
	value, err := take(ctx, day)
	if err != nil {
		return "", fmt.Errorf("ticket number: %w", err)
	}
	return fmt.Sprintf("%s-%06d", day, value), nil
}

// forget makes the next number look at the table again.
func (n *numbers) forget() {
	n.mu.Lock()
	defer n.mu.Unlock()
	n.day = ""
}

func (n *numbers) fromMemory(ctx context.Context, day string) (int64, error) {
	n.mu.Lock()
	defer n.mu.Unlock()
	if n.day != day {
		last, err := highest(ctx, n.db.read, day)
		if err != nil {
			return 0, err
		}
		n.day, n.last = day, last
	}
	n.last++
	return n.last, nil
}

// highest is a day's highest stored number. Numbers beyond six digits are
// longer, so the longest come first.
func highest(ctx context.Context, db bun.IDB, day string) (int64, error) {
	var most int64
	for _, table := range []string{openTable, sealedTable} {
		var number string
		err := db.NewSelect().Table(table).Column("number").
			Where("number >= ?", day+"-").Where("number < ?", day+".").
			OrderExpr("length(number) DESC, number DESC").Limit(1).Scan(ctx, &number)
		if errors.Is(err, sql.ErrNoRows) {
			continue
		}
		if err != nil {
			return 0, err
		}
		_, digits, _ := strings.Cut(number, "-")
		last, err := strconv.ParseInt(digits, 10, 64)
		if err != nil {
			return 0, err
		}
		most = max(most, last)
	}
	return most, nil
}

// fromRow joins the callers that come while a statement runs; the first of
// them asks for all.
func (n *numbers) fromRow(ctx context.Context, day string) (int64, error) {
	w := &numberWait{day: day, got: make(chan struct{})}
	n.mu.Lock()
	n.waiting = append(n.waiting, w)
	lead := !n.leading
	n.leading = n.leading || lead
	n.mu.Unlock()
	if lead {
		go n.lead()
	}
	select {
	case <-w.got:
		return w.value, w.err
	case <-ctx.Done():
		return 0, ctx.Err()
	}
}

func (n *numbers) lead() {
	for {
		n.mu.Lock()
		if len(n.waiting) == 0 {
			n.leading = false
			n.mu.Unlock()
			return
		}
		day := n.waiting[0].day
		var batch, rest []*numberWait
		for _, w := range n.waiting {
			if w.day == day {
				batch = append(batch, w)
			} else {
				rest = append(rest, w)
			}
		}
		n.waiting = rest
		n.mu.Unlock()
		ctx, cancel := context.WithTimeout(context.Background(), 10*time.Second)
		last, err := n.reserve(ctx, day, int64(len(batch)))
		cancel()
		for i, w := range batch {
			w.value, w.err = last-int64(len(batch)-1-i), err
			close(w.got)
		}
	}
}

// reserve takes count numbers and returns the last. A day's first caller starts
// after what is stored, should the counters have been lost.
func (n *numbers) reserve(ctx context.Context, day string, count int64) (last int64, err error) {
	name := "number:" + day
	err = n.db.write.NewRaw("UPDATE counters SET value = value + ? WHERE name = ? RETURNING value", count, name).Scan(ctx, &last)
	if !errors.Is(err, sql.ErrNoRows) {
		return last, err
	}
	start, err := highest(ctx, n.db.write, day)
	if err != nil {
		return 0, err
	}
	err = n.db.write.NewRaw("INSERT INTO counters (name, value) VALUES (?, ?) ON CONFLICT (name) DO UPDATE SET value = counters.value + ? RETURNING value",
		name, start+count, count).Scan(ctx, &last)
	return last, err
}
