package sqlstore

import (
	"context"
	"encoding/json"
	"fmt"

	"github.com/uptrace/bun"

	"hotline/telephony"
)

type announcementRow struct {
	bun.BaseModel `bun:"table:telephony_announcements,alias:a"`

	Line string `bun:"line,pk"`
	Doc  string `bun:"doc"`
}

// SaveAnnouncement makes or replaces that of a line.
func (s *Store) SaveAnnouncement(ctx context.Context, a telephony.Announcement) error {
	doc, err := json.Marshal(a)
	if err != nil {
		return fmt.Errorf("announcement of line %s: %w", a.Line, err)
	}
	err = s.db.Write(ctx, func(ctx context.Context, tx bun.Tx) error {
		_, err := tx.NewInsert().Model(&announcementRow{Line: a.Line, Doc: string(doc)}).On("CONFLICT (line) DO UPDATE").Set("doc = EXCLUDED.doc").Exec(ctx)
		return err
	})
	if err != nil {
		return fmt.Errorf("save the announcement of line %s: %w", a.Line, err)
	}
	return nil
}

// DeleteAnnouncement takes that of a line away.
func (s *Store) DeleteAnnouncement(ctx context.Context, line string) error {
	err := s.db.Write(ctx, func(ctx context.Context, tx bun.Tx) error {
		_, err := tx.NewDelete().TableExpr("telephony_announcements").Where("line = ?", line).Exec(ctx)
		return err
	})
	if err != nil {
		return fmt.Errorf("take the announcement of line %s away: %w", line, err)
	}
	return nil
}

// Announcements are those of all lines, by line.
func (s *Store) Announcements(ctx context.Context) ([]telephony.Announcement, error) {
	var rows []announcementRow
	if err := s.db.Read().NewSelect().Model(&rows).OrderExpr("a.line").Scan(ctx); err != nil {
		return nil, fmt.Errorf("list the announcements: %w", err)
	}
	all := make([]telephony.Announcement, len(rows))
	for i, r := range rows {
		if err := json.Unmarshal([]byte(r.Doc), &all[i]); err != nil {
			return nil, fmt.Errorf("announcement of line %s: %w", r.Line, err)
		}
	}
	return all, nil
}
