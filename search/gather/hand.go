package gather

import (
	"context"
	"fmt"
	"slices"
	"strings"
	"time"
	"unicode/utf8"
)

// The bounds of what people say.
const (
	longestName = 60
	mostMoved   = 200
)

// Rename gives a topic a name that stays.
func (g *Gatherer) Rename(ctx context.Context, id string, version int64, name, by string, now time.Time) (Topic, error) {
	g.mu.Lock()
	defer g.mu.Unlock()
	name = strings.TrimSpace(name)
	if name == "" || utf8.RuneCountInString(name) > longestName {
		return Topic{}, &RefusedError{fmt.Sprintf("a name has 1 to %d characters", longestName)}
	}
	t, err := g.current(ctx, id, version)
	if err != nil {
		return t, err
	}
	t.Steps = append(t.Steps, Step{At: now, By: by, What: Named, With: t.Name})
	t.Name, t.NamedBy, t.UpdatedAt = name, by, now
	return t, g.store.Gather(ctx, Change{Topics: []Topic{t}})
}

// Join makes another topic part of one.
func (g *Gatherer) Join(ctx context.Context, id string, version int64, other, by string, now time.Time) (Topic, error) {
	g.mu.Lock()
	defer g.mu.Unlock()
	if id == other {
		return Topic{}, &RefusedError{"a topic cannot be joined to itself"}
	}
	t, err := g.current(ctx, id, version)
	if err != nil {
		return t, err
	}
	o, err := g.store.Topic(ctx, other)
	if err != nil {
		return t, err
	}
	if o.Into != "" {
		return t, &RefusedError{"the other topic was joined to one already"}
	}
	if err := g.learn(ctx, now); err != nil {
		return t, err
	}
	change := Change{Joined: map[string]string{}}
	change.absorb(&t, o, now)
	t.Apart = slices.DeleteFunc(t.Apart, func(apart string) bool { return apart == other })
	t.Steps = append(t.Steps, Step{At: now, By: by, What: Joined, With: other})
	t.UpdatedAt = now
	if err := g.describe(ctx, &t, change); err != nil {
		return t, err
	}
	change.Topics = append(change.Topics, t)
	return t, g.store.Gather(ctx, change)
}

// Split takes tickets out of a topic, to one of their own, and keeps the two apart. It
// gives what the topic is then, and the other.
func (g *Gatherer) Split(ctx context.Context, id string, version int64, tickets []string, by string, now time.Time) (t, other Topic, err error) {
	g.mu.Lock()
	defer g.mu.Unlock()
	if len(tickets) == 0 || len(tickets) > mostMoved {
		return t, other, &RefusedError{fmt.Sprintf("name 1 to %d tickets", mostMoved)}
	}
	if t, err = g.current(ctx, id, version); err != nil {
		return t, other, err
	}
	known, err := g.store.Memberships(ctx, tickets)
	if err != nil {
		return t, other, err
	}
	change := Change{}
	for _, m := range known {
		if m.Topic == id {
			change.Moves = append(change.Moves, Move{Member: m, Was: id})
		}
	}
	switch {
	case len(change.Moves) < len(tickets):
		return t, other, &RefusedError{"not all of these tickets are in the topic"}
	case len(change.Moves) >= t.Members:
		return t, other, &RefusedError{"leave a ticket in the topic"}
	}
	if err := g.learn(ctx, now); err != nil {
		return t, other, err
	}
	other = Topic{ID: g.settings.NewID(now), Version: 1, CreatedAt: now, UpdatedAt: now, Apart: append([]string{id}, t.Apart...), Steps: []Step{{At: now, By: by, What: Begun, With: id}}}
	for i := range change.Moves {
		change.Moves[i].Topic = other.ID
	}
	t.Apart = append(t.Apart, other.ID)
	t.Steps = append(t.Steps, Step{At: now, By: by, What: Split, With: other.ID})
	t.UpdatedAt = now
	for _, x := range []*Topic{&t, &other} {
		if err := g.describe(ctx, x, change); err != nil {
			return t, other, err
		}
		change.Topics = append(change.Topics, *x)
	}
	return t, other, g.store.Gather(ctx, change)
}

// current reads a topic to be changed, with the version that it will have.
func (g *Gatherer) current(ctx context.Context, id string, version int64) (Topic, error) {
	t, err := g.store.Topic(ctx, id)
	if err != nil {
		return t, err
	}
	if t.Into != "" {
		return t, &RefusedError{"the topic was joined to another"}
	}
	if t.Version != version {
		return t, fmt.Errorf("%w: it has version %d", ErrConflict, t.Version)
	}
	t = t.clone()
	t.Version++
	return t, nil
}
