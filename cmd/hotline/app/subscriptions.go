package app

import (
	"context"
	"time"
)

// subscriptionsEvery is the time between two looks for searches that have to tell.
const subscriptionsEvery = 15 * time.Second

// keepSubscriptions tells of what subscribed searches find. Every web node looks; the store
// lets one of them tell.
func (a *App) keepSubscriptions(ctx context.Context) {
	a.besideEvery(ctx, "telling of what searches find", subscriptionsEvery, func(ctx context.Context) {
		if err := a.Server.TellSubscribers(ctx); err != nil && ctx.Err() == nil {
			a.log.Warn("what subscribed searches find could not be told and is tried again", "in", subscriptionsEvery, "error", err)
		}
	})
}
