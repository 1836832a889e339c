package sqlstore

import (
	"context"
	"fmt"

	"github.com/uptrace/bun"

	"hotline/telephony"
)

// SaveSkills replaces what a person is able to do.
func (s *Store) SaveSkills(ctx context.Context, user string, skills telephony.Skills) error {
	rows := make([]skillRow, 0, len(skills))
	for skill, level := range skills {
		rows = append(rows, skillRow{UserID: user, Skill: skill, Level: int64(level)})
	}
	err := s.db.Write(ctx, func(ctx context.Context, tx bun.Tx) error {
		if _, err := tx.NewDelete().Model((*skillRow)(nil)).Where("user_id = ?", user).Exec(ctx); err != nil || len(rows) == 0 {
			return err
		}
		_, err := tx.NewInsert().Model(&rows).Exec(ctx)
		return err
	})
	if err != nil {
		return fmt.Errorf("save the skills of %s: %w", user, err)
	}
	return nil
}

// Skills are those of all people who have any, by user.
func (s *Store) Skills(ctx context.Context) (map[string]telephony.Skills, error) {
	var rows []skillRow
	if err := s.db.Read().NewSelect().Model(&rows).Scan(ctx); err != nil {
		return nil, fmt.Errorf("skills: %w", err)
	}
	all := map[string]telephony.Skills{}
	for _, r := range rows {
		if all[r.UserID] == nil {
			all[r.UserID] = telephony.Skills{}
		}
		all[r.UserID][r.Skill] = int(r.Level)
	}
	return all, nil
}
