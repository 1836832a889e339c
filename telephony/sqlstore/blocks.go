package sqlstore

import (
	"context"
	"fmt"

	"github.com/uptrace/bun"

	"hotline/telephony"
)

type blockRow struct {
	bun.BaseModel `bun:"table:telephony_blocks,alias:b"`

	ID          string `bun:"id,pk"`
	Caller      string `bun:"caller"`
	CallID      string `bun:"call_id"`
	Line        string `bun:"line"`
	Reason      string `bun:"reason"`
	ProposedBy  string `bun:"proposed_by"`
	ProposedAt  int64  `bun:"proposed_at"`
	ConfirmedBy string `bun:"confirmed_by"`
	ConfirmedAt int64  `bun:"confirmed_at"`
	Until       int64  `bun:"until"`
	LiftedBy    string `bun:"lifted_by"`
	LiftedAt    int64  `bun:"lifted_at"`
	LiftReason  string `bun:"lift_reason"`
}

func (r *blockRow) block() telephony.Block {
	return telephony.Block{
		ID: r.ID, Caller: r.Caller, CallID: r.CallID, Line: r.Line, Reason: r.Reason, ProposedBy: r.ProposedBy, ProposedAt: instant(r.ProposedAt),
		ConfirmedBy: r.ConfirmedBy, ConfirmedAt: instant(r.ConfirmedAt), Until: instant(r.Until),
		LiftedBy: r.LiftedBy, LiftedAt: instant(r.LiftedAt), LiftReason: r.LiftReason,
	}
}

// SaveBlock makes or changes a block.
func (s *Store) SaveBlock(ctx context.Context, b telephony.Block) error {
	row := &blockRow{
		ID: b.ID, Caller: b.Caller, CallID: b.CallID, Line: b.Line, Reason: b.Reason, ProposedBy: b.ProposedBy, ProposedAt: millis(b.ProposedAt),
		ConfirmedBy: b.ConfirmedBy, ConfirmedAt: millis(b.ConfirmedAt), Until: millis(b.Until),
		LiftedBy: b.LiftedBy, LiftedAt: millis(b.LiftedAt), LiftReason: b.LiftReason,
	}
	if err := s.hide(ctx, row.texts()...); err != nil {
		return err
	}
	err := s.db.Write(ctx, func(ctx context.Context, tx bun.Tx) error {
		ins := tx.NewInsert().Model(row).On("CONFLICT (id) DO UPDATE")
		for _, col := range []string{"confirmed_by", "confirmed_at", "until", "lifted_by", "lifted_at", "lift_reason"} {
			ins.Set("? = EXCLUDED.?", bun.Ident(col), bun.Ident(col))
		}
		_, err := ins.Exec(ctx)
		return err
	})
	if err != nil {
		return fmt.Errorf("save block %s: %w", b.ID, err)
	}
	return nil
}

// Block reads one block.
func (s *Store) Block(ctx context.Context, id string) (telephony.Block, error) {
	row := blockRow{}
	if err := s.db.Read().NewSelect().Model(&row).Where("b.id = ?", id).Scan(ctx); err != nil {
		return telephony.Block{}, notFound(err, "block %s", id)
	}
	if err := s.show(ctx, row.texts()...); err != nil {
		return telephony.Block{}, err
	}
	return row.block(), nil
}

// Blocks lists blocks, newest first.
func (s *Store) Blocks(ctx context.Context, f telephony.BlockFilter) (telephony.BlockPage, error) {
	filter := func(q *bun.SelectQuery) *bun.SelectQuery {
		without(q, "b.line", f.NotLines)
		if f.Open {
			q.Where("b.lifted_at = 0 AND (b.until = 0 OR b.until > ?)", millis(f.At))
		}
		return q
	}
	p, err := blocks.page(ctx, s.db.Read(), filter, f.Limit, f.Cursor)
	page := telephony.BlockPage{Items: []telephony.Block{}, NextCursor: p.next, Total: p.total, TotalCapped: p.capped}
	if err != nil {
		return page, err
	}
	if err := s.show(ctx, textsOf(len(p.rows), func(i int) []*string { return p.rows[i].texts() })...); err != nil {
		return page, err
	}
	for i := range p.rows {
		page.Items = append(page.Items, p.rows[i].block())
	}
	return page, nil
}

var blocks = list[blockRow]{"blocks", "telephony_blocks AS b", "b.proposed_at", "b.id", func(r *blockRow) (int64, string) { return r.ProposedAt, r.ID }}
