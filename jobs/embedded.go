package jobs

import (
	"context"
	"net"
	"sync"
	"sync/atomic"
	"time"

	"github.com/alicebob/miniredis/v2"
	"github.com/redis/go-redis/v9"
	"github.com/redis/go-redis/v9/maintnotifications"
)

// renewAfter is the number of tasks after which the embedded Redis is due for a
// fresh instance: miniredis keeps about 120 bytes for every key ever made, so
// this bounds what is kept to some 25 MB.
const renewAfter = 200_000

// embedded is a Redis inside the process, without a port. Its instance can be
// replaced behind the dialer; what is lost with it the sweep queues again.
type embedded struct {
	tasks atomic.Int64 // queued since the last renewal
	stop  chan struct{}
	done  chan struct{}

	mu     sync.Mutex
	redis  *miniredis.Miniredis
	closed bool
}

func newEmbedded() *embedded {
	e := &embedded{redis: miniredis.NewMiniRedis(), stop: make(chan struct{}), done: make(chan struct{})}
	go e.expire()
	return e
}

func (e *embedded) client() *redis.Client {
	return redis.NewClient(&redis.Options{
		Addr:     "embedded",
		Protocol: 2,
		Dialer: func(context.Context, string, string) (net.Conn, error) {
			e.mu.Lock()
			defer e.mu.Unlock()
			if e.closed {
				return nil, net.ErrClosed
			}
			return e.redis.Dial()
		},
		DisableIdentity:          true,
		MaintNotificationsConfig: &maintnotifications.Config{Mode: maintnotifications.ModeDisabled},
	})
}

// expire moves miniredis' clock on, which by itself never lets a key expire.
func (e *embedded) expire() {
	defer close(e.done)
	tick := time.NewTicker(time.Second)
	defer tick.Stop()
	last := time.Now() // a monotonic reading, whatever the injected clock says
	for {
		select {
		case <-e.stop:
			return
		case <-tick.C:
			now := time.Now()
			e.mu.Lock()
			e.redis.FastForward(now.Sub(last))
			e.mu.Unlock()
			last = now
		}
	}
}

// renew puts a fresh instance behind the dialer and ends the old one.
func (e *embedded) renew() {
	e.mu.Lock()
	defer e.mu.Unlock()
	if e.closed {
		return
	}
	old := e.redis
	e.redis = miniredis.NewMiniRedis()
	e.tasks.Store(0)
	old.Close()
}

func (e *embedded) close() {
	e.mu.Lock()
	if e.closed {
		e.mu.Unlock()
		return
	}
	e.closed = true
	e.mu.Unlock()
	close(e.stop)
	<-e.done
	e.redis.Close()
}
