package web

import (
	"bufio"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"net/http"
	"strconv"
	"time"

	"github.com/danielgtaylor/huma/v2"
	"github.com/danielgtaylor/huma/v2/adapters/humafiber"

	"hotline/ticketing"
)

// LiveEvent is the data of one event of the stream. It carries no personal
// data: the page fetches again what it may see.
type LiveEvent struct {
	Type    string    `json:"type" example:"ticket.changed"`
	ID      string    `json:"id" doc:"Of the ticket or call"`
	Version int64     `json:"version"`
	At      time.Time `json:"at"`
	Data    raw       `json:"data,omitempty"`
}

type heartbeat struct {
	Now time.Time `json:"now"`
}

type resync struct {
	Now    time.Time `json:"now"`
	Reason string    `json:"reason"`
}

type eventsInput struct {
	LastEventID string `header:"Last-Event-ID" doc:"Replay what came after this event"`
	After       string `query:"last_event_id" doc:"The same, for clients that cannot set the header"`
}

func (s *Server) eventRoutes() {
	s.hub.hooks = append(s.hub.hooks, func(e ticketing.LiveEvent) {
		if e.Type == ticketing.LiveCityChanged {
			s.city.forget()
		}
	})
	handle(s, operation{
		method: http.MethodGet, path: "/api/v1/events", id: "events", tag: "events", who: signedIn,
		summary: "Live events (SSE)",
		description: "text/event-stream. Events without a name are LiveEvent and have an id; `heartbeat` tells the server's clock; " +
			"`resync` says that events were lost and everything shown must be fetched again. Reconnect with Last-Event-ID.",
	}, s.events)
}

func (s *Server) events(ctx context.Context, in *eventsInput) (*huma.StreamResponse, error) {
	from := in.LastEventID
	if from == "" {
		from = in.After
	}
	after, lost := int64(0), false
	if from != "" {
		n, err := strconv.ParseInt(from, 10, 64)
		if err != nil || n < 0 {
			lost = true // not an id of ours
		} else {
			after = n
		}
	}
	id := identityOf(ctx)
	st, replay, gone, err := s.hub.join(ctx, id, after)
	switch {
	case errors.Is(err, errTooMany), errors.Is(err, errTooManyHere):
		return nil, byStatus(http.StatusTooManyRequests).after(15)
	case errors.Is(err, errHubClosed):
		return nil, byStatus(http.StatusServiceUnavailable)
	case err != nil:
		return nil, err
	}
	f := &feed{server: s, stream: st, session: id.session.TokenHash, replay: replay, resync: gone || lost}
	return &huma.StreamResponse{Body: func(hc huma.Context) {
		hc.SetHeader("Content-Type", "text/event-stream; charset=utf-8")
		hc.SetHeader("X-Accel-Buffering", "no")
		humafiber.Unwrap(hc).Context().SetBodyStreamWriter(f.write)
	}}, nil
}

// feed writes one stream.
type feed struct {
	server  *Server
	stream  *stream
	session string
	replay  []ticketing.LiveEvent
	resync  bool
}

// write runs on a goroutine of its own until the client leaves, the hub drops
// the stream, or the session ends.
func (f *feed) write(w *bufio.Writer) {
	defer f.server.hub.leave(f.stream)
	defer func() {
		if v := recover(); v != nil {
			f.server.opts.Log.Error("panic in a live stream", "panic_type", fmt.Sprintf("%T", v), "stack", stack())
		}
	}()
	if f.begin(w) != nil {
		return
	}
	sent := make(map[int64]bool, len(f.replay))
	for _, e := range f.replay {
		sent[e.ID] = true
	}
	f.replay = nil
	tick := time.NewTicker(f.server.opts.Heartbeat)
	defer tick.Stop()
	for {
		var err error
		select {
		case <-f.stream.end:
			return
		case e := <-f.stream.events:
			err = f.burst(w, e, sent)
		case <-tick.C:
			clear(sent) // what was replayed has long been handed out
			if !f.alive() {
				return
			}
			err = f.named(w, "heartbeat", heartbeat{Now: cst(f.server.opts.Now())})
		}
		if err != nil {
			return // the client left
		}
	}
}

// begin greets the client and replays what it missed.
func (f *feed) begin(w *bufio.Writer) error {
	now := cst(f.server.opts.Now())
	if _, err := w.WriteString("retry: 2000\n\n"); err != nil {
		return err
	}
	if f.resync {
		if err := f.named(w, "resync", resync{Now: now, Reason: "events were lost; fetch again what is shown"}); err != nil {
			return err
		}
	}
	for _, e := range f.replay {
		if err := put(w, e); err != nil {
			return err
		}
	}
	return f.named(w, "heartbeat", heartbeat{Now: now})
}

// burst writes an event and those that wait behind it, then flushes once.
func (f *feed) burst(w *bufio.Writer, e ticketing.LiveEvent, sent map[int64]bool) error {
	for {
		if !sent[e.ID] {
			if err := put(w, e); err != nil {
				return err
			}
		}
		select {
		case e = <-f.stream.events:
		default:
			return w.Flush()
		}
	}
}

// alive says whether the session still counts.
func (f *feed) alive() bool {
	ctx, cancel := context.WithTimeout(f.server.base, readBudget)
	defer cancel()
	_, err := f.server.session(ctx, f.session)
	var p *Problem
	return err == nil || !errors.As(err, &p) // a store that is away for a moment ends no session
}

func put(w *bufio.Writer, e ticketing.LiveEvent) error {
	data, err := json.Marshal(LiveEvent{Type: e.Type, ID: e.Subject, Version: e.Version, At: cst(e.At), Data: e.Data})
	if err != nil {
		return err
	}
	_, err = fmt.Fprintf(w, "id: %d\ndata: %s\n\n", e.ID, data)
	return err
}

func (f *feed) named(w *bufio.Writer, name string, v any) error {
	data, err := json.Marshal(v)
	if err != nil {
		return err
	}
	if _, err := fmt.Fprintf(w, "event: %s\ndata: %s\n\n", name, data); err != nil {
		return err
	}
	return w.Flush()
}
