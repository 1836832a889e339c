package sqlstore

import (
	"context"
	"fmt"
	"time"

	"github.com/uptrace/bun"

	"hotline/search/gather"
)

type grownRow struct {
	bun.BaseModel `bun:"table:search_topic_grown,alias:g"`

	Topic string `bun:"topic,pk"`
	Mark  int64  `bun:"mark"`
}

// markGrown notes that a topic got tickets of which nobody was told yet.
func markGrown(ctx context.Context, tx bun.Tx, topic string) error {
	row := &grownRow{Topic: topic, Mark: time.Now().UnixNano()}
	_, err := tx.NewInsert().Model(row).On("CONFLICT (topic) DO UPDATE").Set("mark = excluded.mark").Exec(ctx)
	return err
}

// Grown are topics that got tickets of which nobody was told yet.
func (s *Store) Grown(ctx context.Context, limit int) ([]gather.Grown, error) {
	var rows []grownRow
	if err := s.db.Read().NewSelect().Model(&rows).OrderExpr("g.mark, g.topic").Limit(int64(limit)).Scan(ctx); err != nil {
		return nil, fmt.Errorf("topics that grew: %w", err)
	}
	list := make([]gather.Grown, len(rows))
	for i, r := range rows {
		list[i] = gather.Grown{Topic: r.Topic, Mark: r.Mark}
	}
	return list, nil
}

// ToldGrown notes that people were told of a topic as it was at a mark.
func (s *Store) ToldGrown(ctx context.Context, g gather.Grown) error {
	err := s.db.Write(ctx, func(ctx context.Context, tx bun.Tx) error {
		_, err := tx.NewDelete().Model((*grownRow)(nil)).Where("topic = ? AND mark = ?", g.Topic, g.Mark).Exec(ctx)
		return err
	})
	if err != nil {
		return fmt.Errorf("told of topic %s: %w", g.Topic, err)
	}
	return nil
}
