package main

import (
	"context"
	"errors"
	"fmt"
	"net/http"
	"time"

	"hotline/cmd/hotline/drill"
)

// benchFresh measures how long after the answer to its acceptance a ticket is found by
// search, over HTTP, at five accepted a second, with both engines.
func benchFresh(ctx context.Context, r *run) error {
	if err := freshOn(ctx, r, "embedded", ""); err != nil {
		return err
	}
	u, err := elasticsearchAt(r, "fresh")
	if u == nil || err != nil {
		return err
	}
	return freshOn(ctx, r, "elasticsearch", fmt.Sprintf("%s://%s/fresh%d", u.Scheme, u.Host, time.Now().UnixNano()))
}

func freshOn(ctx context.Context, r *run, engine, index string) (err error) {
	s, err := r.setup(ctx, "fresh-"+engine)
	if err != nil {
		return err
	}
	s.Search = index
	const perSecond, seconds = 5, 40
	ids, err := prepared(ctx, s, perSecond*seconds)
	if err != nil {
		return err
	}
	server, err := s.Start(ctx)
	if err != nil {
		return err
	}
	defer func() { err = errors.Join(err, server.Stop()) }()
	c := newClient(server.URL())
	if err := c.signIn(ctx, "agent1"); err != nil {
		return err
	}
	took := make([]time.Duration, len(ids))
	asked := make([]time.Duration, len(ids))
	err = atPace(ctx, len(ids), perSecond, func(i int) (err error) {
		took[i], asked[i], err = untilFound(ctx, c, ids[i])
		return err
	})
	if err != nil {
		return err
	}
	r.add(Figure{
		Name: "fresh_found_p99_" + engine, Value: millis(percentile(took, 0.99)), Unit: "ms", Goal: 1000,
		Baseline: millis(percentile(asked, 0.99)), BaselineName: "one search for its number once it is found",
	})
	r.say("fresh on %s: found after p50 %.0f ms of %d tickets", engine, millis(percentile(took, 0.5)), len(took))
	return nil
}

// untilFound accepts a ticket and asks for its number until it is found.
func untilFound(ctx context.Context, c *client, id string) (took, last time.Duration, err error) {
	var ticket struct{ Number string }
	if err := c.do(ctx, http.MethodPost, "/api/v1/tickets/"+id+"/actions", map[string]any{"action": "accept", "version": 1}, &ticket); err != nil {
		return 0, 0, err
	}
	began := time.Now()
	for time.Since(began) < 30*time.Second {
		var result struct{ Total int }
		before := time.Now()
		if err := c.do(ctx, http.MethodGet, "/api/v1/search?q="+ticket.Number, nil, &result); err != nil {
			return 0, 0, err
		}
		if result.Total == 1 {
			return time.Since(began), time.Since(before), nil
		}
		if !drill.Sleep(ctx, 50*time.Millisecond) {
			return 0, 0, ctx.Err()
		}
	}
	return 0, 0, errors.New("a ticket is not found 30 s after its acceptance")
}
