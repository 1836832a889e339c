package telephony

import (
	"context"
	"fmt"
	"sync"
	"time"
)

// Block keeps a number from calling (骚扰电话). Who had the call proposes it, a lead puts it in force for a term, and lifts it when
// an appeal is granted. Nothing of it is ever removed.
type Block struct {
	ID          string    `json:"id"`
	Caller      string    `json:"caller"`
	CallID      string    `json:"call_id"` // the call that it is about
	Line        string    `json:"line"`    // of that call
	Reason      string    `json:"reason"`
	ProposedBy  string    `json:"proposed_by"` // user
	ProposedAt  time.Time `json:"proposed_at"`
	ConfirmedBy string    `json:"confirmed_by,omitempty"` // user
	ConfirmedAt time.Time `json:"confirmed_at,omitzero"`
	Until       time.Time `json:"until,omitzero"`      // zero: not in force yet
	LiftedBy    string    `json:"lifted_by,omitempty"` // user
	LiftedAt    time.Time `json:"lifted_at,omitzero"`
	LiftReason  string    `json:"lift_reason,omitempty"`
}

// InForce tells whether the number is refused at a moment.
func (b Block) InForce(at time.Time) bool { return b.LiftedAt.IsZero() && at.Before(b.Until) }

// BlockFilter selects blocks, newest first.
type BlockFilter struct {
	NotLines []string  // those of these are left out
	Open     bool      // neither lifted nor run out: those to decide on and those in force
	At       time.Time // of Open
	Limit    int       // 1…200; 0 is 50
	Cursor   string    // from BlockPage.NextCursor
}

// BlockPage is one page of blocks. Total stops counting at 10,000.
type BlockPage struct {
	Items       []Block
	NextCursor  string
	Total       int
	TotalCapped bool
}

// longestBlock bounds the term of a block.
const longestBlock = 366 * 24 * time.Hour

// CauseBlocked ends a call of a number that is blocked; it counts as no missed one.
const CauseBlocked = "blocked"

// EvBlock is a change of a block; it carries Block.
const EvBlock = "block"

// ProposeBlock marks a call's caller for harassment. Nothing changes for the caller until a lead confirms. Errors: ErrNotFound;
// ErrInvalid without a reason; ErrConflict where the caller's number is not known.
func (c *Center) ProposeBlock(ctx context.Context, callID, user, reason string) (Block, error) {
	if reason == "" || len(reason) > 1000 {
		return Block{}, fmt.Errorf("%w: say in some words what the caller did", ErrInvalid)
	}
	cdr, err := c.Call(ctx, callID)
	if err != nil {
		return Block{}, err
	}
	if cdr.Direction != Inbound || known(cdr.Caller) == "" {
		return Block{}, fmt.Errorf("call %s has no caller's number that could be blocked: %w", callID, ErrConflict)
	}
	now := c.now().UTC().Truncate(time.Millisecond)
	return c.saveBlock(ctx, user, Block{ID: newID(now), Caller: cdr.Caller, CallID: callID, Line: cdr.Line, Reason: reason, ProposedBy: user, ProposedAt: now})
}

// ConfirmBlock puts a block in force for a term from now on, again when it has run out. Errors: ErrNotFound, ErrInvalid.
func (c *Center) ConfirmBlock(ctx context.Context, id, lead string, term time.Duration) (Block, error) {
	if term <= 0 || term > longestBlock {
		return Block{}, fmt.Errorf("%w: a term of %v: give one of up to a year", ErrInvalid, term)
	}
	b, err := c.store.Block(ctx, id)
	if err != nil {
		return b, err
	}
	now := c.now().UTC().Truncate(time.Millisecond)
	b.ConfirmedBy, b.ConfirmedAt, b.Until = lead, now, now.Add(term)
	b.LiftedBy, b.LiftedAt, b.LiftReason = "", time.Time{}, ""
	return c.saveBlock(ctx, lead, b)
}

// LiftBlock ends a block, or declines a proposal. Errors: ErrNotFound; ErrInvalid without a reason; ErrConflict when it is lifted already.
func (c *Center) LiftBlock(ctx context.Context, id, lead, reason string) (Block, error) {
	if reason == "" || len(reason) > 1000 {
		return Block{}, fmt.Errorf("%w: say why", ErrInvalid)
	}
	b, err := c.store.Block(ctx, id)
	if err != nil {
		return b, err
	}
	if !b.LiftedAt.IsZero() {
		return b, fmt.Errorf("block %s is lifted already: %w", id, ErrConflict)
	}
	b.LiftedBy, b.LiftedAt, b.LiftReason = lead, c.now().UTC().Truncate(time.Millisecond), reason
	return c.saveBlock(ctx, lead, b)
}

// Block reads one. Errors: ErrNotFound.
func (c *Center) Block(ctx context.Context, id string) (Block, error) { return c.store.Block(ctx, id) }

// Blocks lists blocks, newest first.
func (c *Center) Blocks(ctx context.Context, f BlockFilter) (BlockPage, error) {
	f.At = c.now()
	return c.store.Blocks(ctx, f)
}

func (c *Center) saveBlock(ctx context.Context, user string, b Block) (Block, error) {
	if err := c.store.SaveBlock(ctx, b); err != nil {
		return b, err
	}
	c.blocked.set(b)
	c.changed(changedBlocks)
	c.journal.event(newEvent(c.now(), b.CallID, "", user, EvBlock, EventData{Block: &b}))
	return b, nil
}

// loadBlocks learns the blocks that are in force.
func (c *Center) loadBlocks(ctx context.Context) error {
	f := BlockFilter{Open: true, At: c.now(), Limit: 200}
	fresh := newBlocked()
	for {
		page, err := c.store.Blocks(ctx, f)
		if err != nil {
			return fmt.Errorf("read the blocked numbers: %w", err)
		}
		for _, b := range page.Items {
			fresh.set(b)
		}
		if f.Cursor = page.NextCursor; f.Cursor == "" {
			c.blocked.become(fresh)
			return nil
		}
	}
}

// blocked are the numbers that are refused, and until when. A number that several blocks name is refused while one of them is in force.
type blocked struct {
	mu   sync.Mutex
	open map[string]map[string]Block // by number and id
}

func newBlocked() *blocked { return &blocked{open: map[string]map[string]Block{}} }

func (l *blocked) set(b Block) {
	l.mu.Lock()
	defer l.mu.Unlock()
	if b.Until.IsZero() || !b.LiftedAt.IsZero() {
		delete(l.open[b.Caller], b.ID)
		if len(l.open[b.Caller]) == 0 {
			delete(l.open, b.Caller)
		}
		return
	}
	if l.open[b.Caller] == nil {
		l.open[b.Caller] = map[string]Block{}
	}
	l.open[b.Caller][b.ID] = b
}

// become takes over all of another one, which is not used any more.
func (l *blocked) become(fresh *blocked) {
	l.mu.Lock()
	defer l.mu.Unlock()
	l.open = fresh.open
}

func (l *blocked) refuses(caller string, at time.Time) bool {
	l.mu.Lock()
	defer l.mu.Unlock()
	for _, b := range l.open[caller] {
		if b.InForce(at) {
			return true
		}
	}
	return false
}
