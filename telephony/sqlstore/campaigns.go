package sqlstore

import (
	"context"
	"encoding/json"
	"fmt"

	"github.com/uptrace/bun"

	"hotline/telephony"
)

type campaignRow struct {
	bun.BaseModel `bun:"table:telephony_campaigns,alias:c"`

	ID        string `bun:"id,pk"`
	State     string `bun:"state"`
	CreatedAt int64  `bun:"created_at"`
	Doc       string `bun:"doc"`
}

func (r *campaignRow) campaign() (c telephony.Campaign, err error) {
	if err = json.Unmarshal([]byte(r.Doc), &c); err != nil {
		err = fmt.Errorf("campaign %s: %w", r.ID, err)
	}
	return c, err
}

// SaveCampaign makes or changes a campaign.
func (s *Store) SaveCampaign(ctx context.Context, c telephony.Campaign) error {
	doc, err := json.Marshal(c)
	if err != nil {
		return fmt.Errorf("campaign %s: %w", c.ID, err)
	}
	row := &campaignRow{ID: c.ID, State: string(c.State), CreatedAt: millis(c.CreatedAt), Doc: string(doc)}
	err = s.db.Write(ctx, func(ctx context.Context, tx bun.Tx) error {
		_, err := tx.NewInsert().Model(row).On("CONFLICT (id) DO UPDATE").Set("state = EXCLUDED.state").Set("doc = EXCLUDED.doc").Exec(ctx)
		return err
	})
	if err != nil {
		return fmt.Errorf("save campaign %s: %w", c.ID, err)
	}
	return nil
}

// Campaign reads one.
func (s *Store) Campaign(ctx context.Context, id string) (telephony.Campaign, error) {
	row := campaignRow{}
	if err := s.db.Read().NewSelect().Model(&row).Where("c.id = ?", id).Scan(ctx); err != nil {
		return telephony.Campaign{}, notFound(err, "campaign %s", id)
	}
	return row.campaign()
}

// maxCampaigns bounds a list of campaigns.
const maxCampaigns = 1000

// Campaigns lists campaigns, newest first.
func (s *Store) Campaigns(ctx context.Context, state telephony.CampaignState) ([]telephony.Campaign, error) {
	var rows []campaignRow
	q := s.db.Read().NewSelect().Model(&rows).OrderExpr("c.created_at DESC, c.id DESC").Limit(maxCampaigns)
	if state != "" {
		q.Where("c.state = ?", string(state))
	}
	if err := q.Scan(ctx); err != nil {
		return nil, fmt.Errorf("list campaigns: %w", err)
	}
	all := make([]telephony.Campaign, len(rows))
	for i := range rows {
		var err error
		if all[i], err = rows[i].campaign(); err != nil {
			return nil, err
		}
	}
	return all, nil
}
