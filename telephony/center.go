package telephony

import (
	"context"
	"errors"
	"io"
	"log/slog"
	"net/netip"
	"time"
)

// Options are the parts that a test or an embedding program may replace.
type Options struct {
	Log            *slog.Logger     // nil: discard
	Now            func() time.Time // nil: time.Now
	HandlerTimeout time.Duration    // for each call of a Handler method; 0 is 5 s
}

// Center is the call centre of one node.
type Center struct {
	cfg     Config
	store   Store
	handler Handler
	blobs   Blobs
	log     *slog.Logger
	now     func() time.Time
}

// New checks the configuration and makes a Center; Start opens its sockets.
func New(cfg Config, store Store, h Handler, blobs Blobs, opts Options) (*Center, error) {
	cfg = cfg.withDefaults()
	if err := cfg.validate(); err != nil {
		return nil, err
	}
	return &Center{cfg: cfg, store: store, handler: h, blobs: blobs, log: opts.Log, now: opts.Now}, nil
}

// Counts is what is in use now; all zero when nothing is going on.
type Counts struct {
	Calls     int // calls, ending ones included
	Sessions  int // SIP legs
	Ports     int // RTP legs
	SeatsBusy int // seats ringing or talking
	Waiting   int // callers in queues
	Recorders int // open recordings
	Spooled   int // recordings on their way to the blob store
}

var errUnbuilt = errors.New("telephony: not running")

// Start repairs what a crash left behind, then listens. It returns when the
// sockets are open; a port in use is an error that names it.
func (c *Center) Start(ctx context.Context) error { return errUnbuilt }

// Stop refuses new calls, lets calls in progress end until ctx is done, then
// ends them, and returns when nothing is left.
func (c *Center) Stop(ctx context.Context) error { return nil }

// Ready tells why the centre cannot take calls, or nil.
func (c *Center) Ready(ctx context.Context) error { return errUnbuilt }

// Addr is the address that SIP listens on over "udp" or "tcp".
func (c *Center) Addr(network string) netip.AddrPort { return netip.AddrPort{} }

// Counts is what is in use now.
func (c *Center) Counts() Counts { return Counts{} }

// Calls lists call records, newest first.
func (c *Center) Calls(ctx context.Context, f CallFilter) (CallPage, error) {
	return c.store.Calls(ctx, f)
}

// Call returns one record; that of a running call is as of now.
func (c *Center) Call(ctx context.Context, id string) (CDR, error) { return c.store.Call(ctx, id) }

// CallEvents returns a call's events, oldest first.
func (c *Center) CallEvents(ctx context.Context, id string) ([]Event, error) {
	return c.store.Events(ctx, EventFilter{CallID: id, Limit: 10000})
}

// Live lists the calls that are going on, oldest first.
func (c *Center) Live() []LiveCall { return nil }

// Recording opens the recording of a call. A running call has none yet.
func (c *Center) Recording(ctx context.Context, callID string) (io.ReadSeekCloser, Recording, error) {
	return nil, Recording{}, ErrNotFound
}

// Hangup ends a running call on behalf of a user.
func (c *Center) Hangup(ctx context.Context, callID, user string) error { return ErrNotFound }

// Hold lets the caller hear music; Resume connects both sides again.
func (c *Center) Hold(ctx context.Context, callID, user string) error { return ErrNotFound }

// Resume ends a hold.
func (c *Center) Resume(ctx context.Context, callID, user string) error { return ErrNotFound }

// SetStatus tells what a person at a seat says of himself. A user sits at one
// seat at a time.
func (c *Center) SetStatus(ctx context.Context, user, seat string, s Status) error {
	return ErrNotFound
}

// Agents lists all seats, by id.
func (c *Center) Agents() []AgentState { return nil }

// Queues lists all queues in the order of the configuration.
func (c *Center) Queues() []QueueState { return nil }

// Lines lists the lines in the order of the configuration.
func (c *Center) Lines() []Line { return append([]Line(nil), c.cfg.Lines...) }

// Missed lists missed calls, newest first.
func (c *Center) Missed(ctx context.Context, f MissedFilter) (MissedPage, error) {
	return c.store.Missed(ctx, f)
}

// HandleMissed marks a missed call as called back.
func (c *Center) HandleMissed(ctx context.Context, callID, user string) error {
	return c.store.HandleMissed(ctx, callID, user, c.now())
}

// Stats computes the figures of the calls that started in [from, to).
func (c *Center) Stats(ctx context.Context, from, to time.Time) (CallStats, error) {
	return CallStats{From: from, To: to}, nil
}

// SaveSeat makes or changes a seat. Its HA1 is made with [HA1].
func (c *Center) SaveSeat(ctx context.Context, s Seat) error { return c.store.SaveSeat(ctx, s) }

// Dial lets a seat call a number: the seat's phone rings first, then the
// other side is called. It returns the call's id at once.
func (c *Center) Dial(ctx context.Context, user, seat, number string) (string, error) {
	return "", ErrNotFound
}
