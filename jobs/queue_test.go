package jobs_test

import (
	"context"
	"io"
	"net"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/alicebob/miniredis/v2"
	"github.com/stretchr/testify/require"

	"hotline/jobs"
)

func TestOpenQueueRefusals(t *testing.T) {
	l, err := net.Listen("tcp", "127.0.0.1:0")
	require.NoError(t, err)
	closed := l.Addr().String()
	require.NoError(t, l.Close())
	for _, c := range []struct {
		url  string
		is   error
		says []string
	}{
		{"", jobs.ErrQueueURL, []string{"mem://", "redis://"}},
		{"memory", jobs.ErrQueueURL, []string{"mem://", "redis://"}},
		{"amqp://u:secret@h:1", jobs.ErrQueueURL, []string{`"amqp"`, "mem://", "redis://"}},
		{"redis://u:secret@h:1/notanumber", jobs.ErrQueueURL, []string{"6379/0"}},
		{"redis://h:1?nosuchoption=1", jobs.ErrQueueURL, []string{"nosuchoption"}},
		{"redis://u:secret@h:port", jobs.ErrQueueURL, []string{"6379/0"}},
		{"redis://u:secret@" + closed + "/0", jobs.ErrQueueUnreachable, []string{closed, "start Redis", "--queue mem://"}},
		{"redis://u:secret@" + closed + "?addr=" + closed, jobs.ErrQueueUnreachable, []string{"start Redis"}},
		{"redis://u:secret@" + closed + "?master_name=m&addr=" + closed, jobs.ErrQueueUnreachable, []string{"start Redis"}},
	} {
		q, err := jobs.OpenQueue(c.url, jobs.QueueOptions{DialTimeout: 2 * time.Second})
		require.ErrorIs(t, err, c.is, c.url)
		require.Nil(t, q)
		for _, s := range c.says {
			require.ErrorContains(t, err, s, c.url)
		}
		require.NotContains(t, err.Error(), "secret", c.url)
	}
}

func TestWrongPasswordIsTold(t *testing.T) {
	m := miniredis.RunT(t)
	m.RequireAuth("right")
	_, err := jobs.OpenQueue("redis://:wrong@"+m.Addr(), jobs.QueueOptions{})
	require.ErrorIs(t, err, jobs.ErrQueueUnreachable)
	require.NotContains(t, err.Error(), ":wrong@")
	q, err := jobs.OpenQueue("redis://:right@"+m.Addr(), jobs.QueueOptions{})
	require.NoError(t, err)
	require.NotContains(t, q.String(), "right")
	require.NoError(t, q.Close())
}

func TestEmbeddedExpiresAndCloses(t *testing.T) {
	leakFree(t)
	q := open(t, "mem://")
	require.True(t, q.Embedded())
	require.NoError(t, q.Ping(context.Background()))
	ran := make(chan struct{}, 100)
	r := start(t, q, jobs.Deps{Outbox: &view{box: newBox()}, Schedules: []jobs.Schedule{{
		Name: "s", Every: 200 * time.Millisecond,
		Run: func(context.Context) error { ran <- struct{}{}; return nil },
	}}}, quick())
	for range 3 {
		<-ran
	}
	require.Error(t, q.Close(), "a runner is still at work")
	stop(t, r)
	require.NoError(t, q.Close())
	require.NoError(t, q.Close(), "twice is fine")
	require.Error(t, q.Ping(context.Background()))
}

// The embedded Redis is renewed once it has seen many tasks, and nothing is lost by it.
func TestEmbeddedIsRenewed(t *testing.T) {
	leakFree(t)
	q := open(t, "mem://")
	v := &view{box: newBox()}
	r := start(t, q, jobs.Deps{Outbox: v, Topics: topics(v, fine)}, quick())
	v.add(inside, keys("a", 100)...)
	await(t, "done", func() bool { return v.left() == 0 })
	require.NotZero(t, q.Seen())
	q.SetSeen(jobs.RenewAfter)
	await(t, "renewed", func() bool { return q.Seen() < jobs.RenewAfter })
	for _, topic := range []string{inside, outside, batched} {
		v.add(topic, keys("b", 200)...)
	}
	q.Renew() // at the worst moment
	await(t, "done", func() bool { return v.left() == 0 })
	for _, k := range keys("b", 200) {
		require.Equal(t, 1, v.times(inside, k))
	}
	require.NoError(t, r.Ready(context.Background()))
}

// asynq's key names that the package uses are those that asynq writes.
func TestKeyNames(t *testing.T) {
	engines(t, func(t *testing.T, e engine) {
		q := e.again()
		v := &view{box: newBox()}
		gate := make(chan struct{})
		opts := quick()
		opts.MaxQueued = 250
		start(t, q, jobs.Deps{Outbox: v, Topics: map[string]jobs.TopicHandler{outside: {
			Concurrency: 1,
			Handle:      handleAfter(v, gate),
		}}}, opts)
		v.add(outside, keys("k", 1000)...)
		// Two batches of 200 begin below the bound; then the rows wait in the outbox.
		length := func() int64 {
			n, err := q.PendingLength(outside)
			require.NoError(t, err)
			return n
		}
		await(t, "queued up to the bound", func() bool { return length() == 399 }) // one is at work
		v.add(outside, keys("wake", 1)...)
		// Not by require.Never, whose goroutine may ask when the test is over.
		for began := time.Now(); time.Since(began) < 300*time.Millisecond; time.Sleep(10 * time.Millisecond) {
			require.LessOrEqual(t, length(), int64(399))
		}
		listed, err := q.Listed(outside)
		require.NoError(t, err)
		require.True(t, listed)
		close(gate) // what is left stays owed
	})
}

// proxy is a TCP relay that can be cut and put back on the same address.
type proxy struct {
	t      *testing.T
	target string
	addr   string
	mu     sync.Mutex
	l      net.Listener
	conns  map[net.Conn]bool
	wg     sync.WaitGroup
}

func newProxy(t *testing.T, target string) *proxy {
	p := &proxy{t: t, target: target, addr: "127.0.0.1:0", conns: map[net.Conn]bool{}}
	p.up()
	t.Cleanup(p.down)
	return p
}

func (p *proxy) up() {
	l, err := net.Listen("tcp", p.addr)
	require.NoError(p.t, err)
	p.mu.Lock()
	p.l, p.addr = l, l.Addr().String()
	p.mu.Unlock()
	p.wg.Add(1)
	go func() {
		defer p.wg.Done()
		for {
			c, err := l.Accept()
			if err != nil {
				return
			}
			d, err := net.Dial("tcp", p.target)
			if err != nil {
				c.Close()
				continue
			}
			p.mu.Lock()
			p.conns[c], p.conns[d] = true, true
			gone := p.l == nil
			p.mu.Unlock()
			if gone {
				c.Close()
				d.Close()
			}
			p.wg.Add(2)
			pipe := func(a, b net.Conn) {
				defer p.wg.Done()
				io.Copy(a, b)
				a.Close()
				b.Close()
			}
			go pipe(c, d)
			go pipe(d, c)
		}
	}()
}

func (p *proxy) down() {
	p.mu.Lock()
	if p.l != nil {
		p.l.Close()
		p.l = nil
	}
	for c := range p.conns {
		c.Close()
		delete(p.conns, c)
	}
	p.mu.Unlock()
	p.wg.Wait()
}

// Redis dies, comes back empty, dies again, comes back with what it had.
func TestRedisDiesAndComesBack(t *testing.T) {
	leakFree(t)
	m := miniredis.NewMiniRedis()
	require.NoError(t, m.Start())
	t.Cleanup(m.Close)
	p := newProxy(t, m.Addr())
	v := &view{box: newBox()}
	r := start(t, open(t, "redis://"+p.addr), jobs.Deps{Outbox: v, Topics: topics(v, fine)}, quick())
	for i, empty := range []bool{true, false} {
		prefix := strings.Repeat("x", i+1)
		for _, topic := range []string{inside, outside, batched} {
			v.add(topic, keys(prefix+"before", 300)...)
		}
		p.down()
		await(t, "not ready", func() bool { return r.Ready(context.Background()) != nil && r.Stats().QueueDown })
		v.add(inside, keys(prefix+"while", 100)...)
		if empty {
			m.FlushAll()
		}
		p.up()
		await(t, "all done", func() bool { return v.left() == 0 })
		await(t, "ready", func() bool { return r.Ready(context.Background()) == nil && !r.Stats().QueueDown })
		for _, k := range append(keys(prefix+"before", 300), keys(prefix+"while", 100)...) {
			require.Equal(t, 1, v.times(inside, k), k)
		}
	}
}
