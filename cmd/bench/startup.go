package main

import (
	"context"
	"errors"
	"os/exec"
	"time"

	"hotline/cmd/city"
	"hotline/cmd/hotline/drill"
)

// benchStartup measures the start until the node is ready, with the sample city
// and its users in the database, and the memory of the node at rest.
func benchStartup(ctx context.Context, r *run) error {
	s, err := r.setup(ctx, "startup")
	if err != nil {
		return err
	}
	if err := s.Prepare(ctx, city.Sample(), 10); err != nil {
		return err
	}
	var ready, bare []time.Duration
	for range 5 {
		took, err := once(ctx, s)
		if err != nil {
			return err
		}
		ready = append(ready, took)
		began := time.Now()
		if err := exec.CommandContext(ctx, s.Binary, "version").Run(); err != nil { //nolint:gosec // our own program
			return err
		}
		bare = append(bare, time.Since(began))
	}
	r.add(Figure{
		Name: "startup_ready", Value: millis(percentile(ready, 1)), Unit: "ms", Goal: 2000,
		Baseline: millis(percentile(bare, 1)), BaselineName: "the same program printing its version",
	})
	return atRest(ctx, r, s)
}

// once starts a node, takes the time and ends it.
func once(ctx context.Context, s drill.Setup) (time.Duration, error) {
	server, err := s.Start(ctx)
	if err != nil {
		return 0, err
	}
	return server.Took, server.Stop()
}

// atRest measures the memory of a node that has had nothing to do for ten
// seconds. The baseline is a node of the web server alone.
func atRest(ctx context.Context, r *run, s drill.Setup) error {
	measure := func(roles string) (int64, error) {
		s := s
		s.Roles = roles
		server, err := s.Start(ctx)
		if err != nil {
			return 0, err
		}
		if !drill.Sleep(ctx, 10*time.Second) {
			return 0, errors.Join(ctx.Err(), server.Stop())
		}
		bytes, err := server.Memory()
		return bytes, errors.Join(err, server.Stop())
	}
	all, err := measure("")
	if err != nil {
		return err
	}
	web, err := measure("web")
	if err != nil {
		return err
	}
	r.add(Figure{
		Name: "memory_at_rest", Value: float64(all) / 1e6, Unit: "MB", Goal: 120,
		Baseline: float64(web) / 1e6, BaselineName: "a node with the web role alone",
	})
	return nil
}
