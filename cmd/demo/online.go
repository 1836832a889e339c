package demo

import (
	"context"
	"errors"
	"fmt"
	"net/http"
	"net/url"
	"time"

	"hotline/cmd/city"
)

// filers lets citizens file online, the first one soon.
func (d *Demo) filers(ctx context.Context) {
	for pause := d.delay(.5); wait(ctx, pause); pause = d.gap(d.opts.Online) {
		c, ok := d.script.draw(false)
		if !ok {
			return
		}
		d.spawn(func() {
			if err := d.file(ctx, c); err != nil && ctx.Err() == nil {
				d.log.Info("a simulated citizen could not file", "error", err)
			}
		})
	}
}

// file sends one appeal from the citizen's own address and looks later how it
// goes.
func (d *Demo) file(ctx context.Context, c city.Case) error {
	own := d.client.from(fmt.Sprintf("127.%d.%d.%d", 1+c.Caller/62500%200, c.Caller/250%250, 1+c.Caller%250))
	if own != d.client {
		defer own.close()
	}
	in := map[string]any{
		"appeal": map[string]any{
			"type": c.Appeal.Type, "title": c.Appeal.Title, "description": c.Appeal.Description, "district": c.Appeal.District,
			"address": c.Appeal.Address, "location": c.Appeal.Location,
		},
		"citizen":      map[string]any{"name": c.Citizen.Name, "phone": c.Citizen.Phone, "anonymous": c.Citizen.Anonymous},
		"confidential": c.Confidential,
	}
	var out struct {
		Number    string `json:"number"`
		QueryCode string `json:"query_code"`
	}
	for range 3 {
		err := own.do(ctx, "", http.MethodPost, "/api/public/v1/appeals", in, &out)
		var r *refused
		if err == nil {
			break
		}
		if !errors.As(err, &r) || r.status != http.StatusTooManyRequests {
			return err
		}
		if !wait(ctx, max(r.wait, time.Second)) {
			return nil
		}
	}
	if out.Number == "" {
		return errors.New("the public intake was busy three times")
	}
	d.script.remember(out.Number, c)
	if !wait(ctx, d.delay(6)) {
		return nil
	}
	return own.do(ctx, "", http.MethodGet, "/api/public/v1/appeals/"+url.PathEscape(out.Number)+"?code="+url.QueryEscape(out.QueryCode), nil, nil)
}
