package app

import (
	"context"
	"time"
)

// listsEvery is the time between two looks at whether another node changed a list.
const listsEvery = 10 * time.Second

// keepLists follows what other nodes change of the city's lists.
func (a *App) keepLists(ctx context.Context) {
	refresh := func(ctx context.Context) {
		if err := a.Engines.Lists.Refresh(ctx); err != nil && ctx.Err() == nil {
			a.log.Error("the city's lists could not be read and are tried again", "in", listsEvery, "error", err)
		}
	}
	refresh(ctx) // Prepare may have written them
	a.besideEvery(ctx, "following the city's lists", listsEvery, refresh)
}
