package jobs

import (
	"context"
	"errors"
	"fmt"
	"log/slog"
	"net/url"
	"strings"
	"sync/atomic"
	"time"

	"github.com/redis/go-redis/v9"
	"github.com/redis/go-redis/v9/maintnotifications"
)

// Errors of [OpenQueue].
var (
	ErrQueueURL         = errors.New("queue URL not understood")
	ErrQueueUnreachable = errors.New("queue not reachable")
)

// QueueOptions are the optional settings of a queue; the zero value works.
type QueueOptions struct {
	Log         *slog.Logger
	DialTimeout time.Duration // for the first contact; 3 s when zero
}

// Queue is a connection to the Redis that asynq works on, or the embedded one.
// It is safe for concurrent use.
type Queue struct {
	client redis.UniversalClient
	name   string // the URL without its password
	mem    *embedded
	users  atomic.Int32 // runners at work
}

// OpenQueue opens a queue by URL:
//
//	mem://                                        inside the process, refilled from the store at start
//	redis://[user:password@]host:port/db          one server; rediss:// for TLS
//	redis://host:port?master_name=NAME&addr=…     sentinels
//	redis://host:port?addr=host2:port&addr=…      cluster
//
// It contacts the server once and fails when nobody answers; after that a
// connection that breaks is made again for as long as the queue is open.
// Errors match [ErrQueueURL] or [ErrQueueUnreachable] and say what to do.
func OpenQueue(rawURL string, opts QueueOptions) (*Queue, error) {
	if opts.Log == nil {
		opts.Log = slog.New(slog.DiscardHandler)
	}
	if opts.DialTimeout <= 0 {
		opts.DialTimeout = 3 * time.Second
	}
	// go-redis tells of broken connections on stderr unless it is given a logger;
	// there is one for the whole library.
	redis.SetLogger(libraryLog{&quiet{log: opts.Log, every: 10 * time.Second}})
	u, err := url.Parse(rawURL)
	if err != nil {
		// url.Error repeats the URL, password included; only its cause is told.
		var ue *url.Error
		if errors.As(err, &ue) {
			err = ue.Err
		}
		return nil, fmt.Errorf("%w: %w; write mem://, redis://host:6379/0 or rediss://host:6379/0", ErrQueueURL, err)
	}
	q := &Queue{name: u.Redacted()}
	switch u.Scheme {
	case "mem":
		q.mem = newEmbedded()
		q.client = q.mem.client()
		return q, nil
	case "redis", "rediss":
		if q.client, err = dialRedis(u); err != nil {
			return nil, fmt.Errorf("%w: %s: %w; write redis://[user:password@]host:6379/0", ErrQueueURL, q.name, err)
		}
	default:
		return nil, fmt.Errorf("%w: %q has the scheme %q; use mem:// (inside the process), redis:// or rediss://",
			ErrQueueURL, q.name, u.Scheme)
	}
	ctx, cancel := context.WithTimeout(context.Background(), opts.DialTimeout)
	defer cancel()
	if err := q.Ping(ctx); err != nil {
		_ = q.client.Close()
		return nil, fmt.Errorf("%w; start Redis there, correct --queue, or use --queue mem:// to do without", err)
	}
	return q, nil
}

// dialRedis makes the client that the URL's parameters ask for.
func dialRedis(u *url.URL) (redis.UniversalClient, error) {
	// The notifications of managed Redis services are unknown to servers of
	// one's own and cost a refused command on every connection.
	quiet := &maintnotifications.Config{Mode: maintnotifications.ModeDisabled}
	params := u.Query()
	switch {
	case params.Has("master_name"):
		o, err := redis.ParseFailoverURL(u.String())
		if err != nil {
			return nil, err
		}
		o.DisableIdentity = true
		return redis.NewFailoverClient(o), nil
	case params.Has("addr"):
		o, err := redis.ParseClusterURL(u.String())
		if err != nil {
			return nil, err
		}
		o.MaintNotificationsConfig, o.DisableIdentity = quiet, true
		return redis.NewClusterClient(o), nil
	default:
		o, err := redis.ParseURL(u.String())
		if err != nil {
			return nil, err
		}
		o.MaintNotificationsConfig, o.DisableIdentity = quiet, true
		// Two tries 100 ms apart: a refused connection is told soon, and a
		// loop over a dead server stays slow.
		o.DialerRetries, o.DialerRetryTimeout = 2, 100*time.Millisecond
		return redis.NewClient(o), nil
	}
}

// Ping asks whether the queue answers; errors match [ErrQueueUnreachable].
func (q *Queue) Ping(ctx context.Context) error {
	if err := q.client.Ping(ctx).Err(); err != nil {
		return fmt.Errorf("%w: %s: %w", ErrQueueUnreachable, q.name, err)
	}
	return nil
}

// Embedded says whether the queue lives inside the process.
func (q *Queue) Embedded() bool { return q.mem != nil }

// String is the queue's URL without its password.
func (q *Queue) String() string { return q.name }

// Client is the connection, for what else nodes share over the same Redis. It stays the queue's.
func (q *Queue) Client() redis.UniversalClient { return q.client }

// Close ends the connections. Runners must be stopped first: asynq ends the
// process with a panic when its connection is closed under it, so Close refuses.
func (q *Queue) Close() error {
	if n := q.users.Load(); n > 0 {
		return fmt.Errorf("close queue %s: %d runners are still at work", q.name, n)
	}
	err := q.client.Close()
	if q.mem != nil {
		q.mem.close()
	}
	if err != nil && !strings.Contains(err.Error(), "client is closed") {
		return fmt.Errorf("close queue %s: %w", q.name, err)
	}
	return nil
}
