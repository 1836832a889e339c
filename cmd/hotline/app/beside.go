package app

import (
	"context"
	"fmt"
	"time"
)

// beside runs what goes on beside the service until the node stops; doing names it.
func (a *App) beside(ctx context.Context, doing string, run func(context.Context)) {
	background, cancel := context.WithCancel(context.WithoutCancel(ctx))
	done := make(chan struct{})
	go func() {
		defer close(done)
		run(background)
	}()
	a.teardown = append(a.teardown, func(ctx context.Context) error {
		cancel()
		select {
		case <-done:
			return nil
		case <-ctx.Done():
			return fmt.Errorf("%s: %w", doing, ctx.Err())
		}
	})
}

// besideEvery runs a step beside the service again and again, a period apart.
func (a *App) besideEvery(ctx context.Context, doing string, period time.Duration, step func(context.Context)) {
	a.beside(ctx, doing, func(ctx context.Context) {
		tick := time.NewTicker(period)
		defer tick.Stop()
		for {
			select {
			case <-ctx.Done():
				return
			case <-tick.C:
				step(ctx)
			}
		}
	})
}
