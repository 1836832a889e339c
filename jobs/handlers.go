package jobs

import (
	"context"
	"errors"
	"fmt"
	"strings"
	"time"

	"hotline/jobs/notify"
	"hotline/search"
	"hotline/ticketing"
)

// RouteService dispatches tickets.
type RouteService interface {
	// RouteTicket dispatches the row's ticket and marks the row done in one
	// transaction; it does nothing when the row is done.
	RouteTicket(ctx context.Context, item ticketing.OutboxItem) error
}

// routeTasks is how many tasks dispatch at once. Bundles keep these few busy; more
// would take the one writer of an embedded store away from those who accept tickets.
const routeTasks = 3

// RouteHandler handles [ticketing.TopicRoute].
func RouteHandler(svc RouteService) TopicHandler {
	return TopicHandler{Handle: svc.RouteTicket, Finishes: true, Concurrency: routeTasks}
}

// LifeService does the steps of a ticket's life that the platform owes.
type LifeService interface {
	// LiveOn does the row's step and marks the row done in one transaction; it
	// does nothing when the row is done.
	LiveOn(ctx context.Context, item ticketing.OutboxItem) error
}

// LifeHandler handles [ticketing.TopicLife].
func LifeHandler(svc LifeService) TopicHandler {
	return TopicHandler{Handle: svc.LiveOn, Finishes: true, Concurrency: routeTasks}
}

// Index is what the index handler writes to. Put replaces a document only by
// one of an equal or higher version.
type Index interface {
	Put(ctx context.Context, docs ...search.Document) error
	Delete(ctx context.Context, ids ...string) error
}

// IndexHandler handles [ticketing.TopicIndex] and, with the index and the source
// of the sealed partitions, [ticketing.TopicSealed]: it reads each ticket of a batch
// once, afresh, and brings the index up to date. A row's own version does not
// matter: what is written is never older than it.
func IndexHandler(index Index, source search.Source) TopicHandler {
	h := &indexer{index: index, source: source}
	return TopicHandler{Drain: h.drain, Timeout: time.Minute}
}

type indexer struct {
	index  Index
	source search.Source
}

func (h *indexer) drain(ctx context.Context, items []ticketing.OutboxItem) ([]Refused, error) {
	rows := make(map[string][]ticketing.OutboxItem, len(items))
	var ids []string
	for _, i := range items {
		id, _, _ := strings.Cut(i.Key, ":")
		if rows[id] == nil {
			ids = append(ids, id)
		}
		rows[id] = append(rows[id], i)
	}
	docs, gone, err := h.read(ctx, ids)
	if err != nil {
		return nil, err
	}
	if err := h.remove(ctx, gone); err != nil {
		return nil, err
	}
	bad, err := h.put(ctx, docs)
	if err != nil {
		return nil, err
	}
	var refused []Refused
	for id, err := range bad {
		for _, i := range rows[id] {
			refused = append(refused, Refused{Item: i, Err: err})
		}
	}
	return refused, nil
}

// read reads documents afresh, at once where the source can.
func (h *indexer) read(ctx context.Context, ids []string) (docs []search.Document, gone []string, err error) {
	var known map[string]search.Document
	if together, ok := h.source.(documentsByID); ok {
		if known, err = together.documentsByID(ctx, ids); err != nil {
			return nil, nil, err
		}
	}
	for _, id := range ids {
		doc, found := known[id]
		if known == nil {
			if doc, found, err = h.source.Document(ctx, id); err != nil {
				return nil, nil, fmt.Errorf("read ticket %s: %w", id, err)
			}
		}
		if found {
			docs = append(docs, doc)
		} else {
			gone = append(gone, id)
		}
	}
	return docs, gone, nil
}

// remove deletes what does not belong in the index. Another node may put the
// same ticket at this moment because it belongs there since; so what was deleted
// is read once more: if it is still not to be found, that put is yet to come.
func (h *indexer) remove(ctx context.Context, ids []string) error {
	if len(ids) == 0 {
		return nil
	}
	if err := h.index.Delete(ctx, ids...); err != nil {
		return fmt.Errorf("delete from the index: %w", err)
	}
	for _, id := range ids {
		doc, found, err := h.source.Document(ctx, id)
		if err != nil {
			return fmt.Errorf("read ticket %s: %w", id, err)
		}
		if !found {
			continue
		}
		if err := h.index.Put(ctx, doc); err != nil {
			return fmt.Errorf("write to the index: %w", err)
		}
	}
	return nil
}

// refusals is how many documents an engine may refuse without having taken one
// before it counts as broken.
const refusals = 20

// put writes documents, halving a batch that is refused until the guilty ones
// stand alone. An engine that is away, or takes nothing at all, is an error.
func (h *indexer) put(ctx context.Context, docs []search.Document) (map[string]error, error) {
	bad := map[string]error{}
	taken := false
	var split func(docs []search.Document) error
	split = func(docs []search.Document) error {
		if len(docs) == 0 {
			return nil
		}
		err := h.index.Put(ctx, docs...)
		switch {
		case err == nil:
			taken = true
			return nil
		case ctx.Err() != nil || errors.Is(err, search.ErrUnavailable) || errors.Is(err, search.ErrNeedsRebuild),
			!taken && len(bad) >= refusals:
			return fmt.Errorf("write to the index: %w", err)
		case len(docs) == 1:
			bad[docs[0].ID] = err
			return nil
		}
		mid := len(docs) / 2
		if err := split(docs[:mid]); err != nil {
			return err
		}
		return split(docs[mid:])
	}
	if err := split(docs); err != nil {
		return nil, err
	}
	return bad, nil
}

// Notifications reads what is to be told.
type Notifications interface {
	// Notification returns one; ticketing.ErrNotFound or ErrAbsent when there is none.
	Notification(ctx context.Context, id string) (ticketing.Notification, error)
}

// NotifyHandler handles [ticketing.TopicNotify]: it hands the notification to
// every sender. All are tried; when one fails, the row is tried again later and the
// others may send a second time, under the same id.
func NotifyHandler(svc Notifications, senders ...notify.Sender) TopicHandler {
	if len(senders) == 0 {
		// Nobody outside is to be told: the rows are ticked off in batches.
		return TopicHandler{Drain: func(context.Context, []ticketing.OutboxItem) ([]Refused, error) { return nil, nil }}
	}
	handle := func(ctx context.Context, item ticketing.OutboxItem) error {
		n, err := svc.Notification(ctx, item.Key)
		if errors.Is(err, ticketing.ErrAbsent) || errors.Is(err, ticketing.ErrNotFound) {
			return nil // its ticket was removed: there is nobody to tell
		}
		if err != nil {
			return fmt.Errorf("read notification %s: %w", item.Key, err)
		}
		if ticketing.Sealed(n.Audience) {
			return nil // nobody outside a sealed partition is told of it
		}
		m := notify.Message{
			ID: n.ID, Kind: n.Kind, TicketID: n.TicketID, Number: n.Number,
			Clock: string(n.Clock), Audience: n.Audience, At: n.CreatedAt,
		}
		var failed []error
		for _, s := range senders {
			if err := s.Send(ctx, m); err != nil {
				failed = append(failed, fmt.Errorf("%s: %w", s.Name(), err))
			}
		}
		return errors.Join(failed...)
	}
	return TopicHandler{Handle: handle, Concurrency: 16, Timeout: time.Minute}
}
