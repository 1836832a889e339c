package app

import (
	"context"
	"fmt"
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
