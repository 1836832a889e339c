package jobs

import (
	"context"
	"encoding/json"
	"errors"
	"math/rand/v2"
	"strconv"
	"sync"
	"time"

	"hotline/ticketing"
)

// payload is an outbox row inside a task.
type payload struct {
	ID      int64  `json:"id"`
	Topic   string `json:"topic"`
	Key     string `json:"key"`
	Gen     int    `json:"gen"`
	Created int64  `json:"created"` // Unix milliseconds
}

func encode(items ...ticketing.OutboxItem) []byte {
	list := make([]payload, len(items))
	for n, i := range items {
		list[n] = payload{ID: i.ID, Topic: i.Topic, Key: i.Key, Gen: i.Gen, Created: i.CreatedAt.UnixMilli()}
	}
	b, _ := json.Marshal(list) // strings and numbers always marshal
	return b
}

func decode(b []byte) ([]ticketing.OutboxItem, error) {
	var list []payload
	if err := json.Unmarshal(b, &list); err != nil {
		return nil, err
	}
	if len(list) == 0 {
		return nil, errors.New("no row inside")
	}
	items := make([]ticketing.OutboxItem, len(list))
	for n, p := range list {
		if p.Topic == "" || p.Key == "" {
			return nil, errors.New("topic or key missing")
		}
		items[n] = ticketing.OutboxItem{ID: p.ID, Topic: p.Topic, Key: p.Key, Gen: p.Gen, CreatedAt: time.UnixMilli(p.Created).UTC()}
	}
	return items, nil
}

func taskID(i ticketing.OutboxItem) string {
	return i.Topic + ":" + i.Key + ":" + strconv.Itoa(i.Gen)
}

// pendingKey and queuesKey are asynq's own names in Redis; a test compares
// them with what asynq writes.
func pendingKey(queue string) string { return "asynq:{" + queue + "}:pending" }

const queuesKey = "asynq:queues"

// backoff is the wait before try n+1: 1 s doubling to 10 min, a fifth up or down.
func backoff(n int) time.Duration {
	const most = 10 * time.Minute
	d := most
	if n >= 0 && n < 10 {
		d = min(time.Second<<n, most)
	}
	return time.Duration(float64(d) * (0.8 + 0.4*rand.Float64()))
}

// fanOut calls f for 0..n-1 on up to width goroutines. After the first error it
// starts no more calls, and returns that error.
func fanOut(ctx context.Context, width, n int, f func(i int) error) error {
	var (
		mu    sync.Mutex
		next  int
		first error
		wg    sync.WaitGroup
	)
	take := func() (int, bool) {
		mu.Lock()
		defer mu.Unlock()
		if first == nil {
			first = ctx.Err()
		}
		if first != nil || next >= n {
			return 0, false
		}
		next++
		return next - 1, true
	}
	for range min(width, n) {
		wg.Add(1)
		go func() {
			defer wg.Done()
			for {
				i, ok := take()
				if !ok {
					return
				}
				if err := f(i); err != nil {
					mu.Lock()
					if first == nil {
						first = err
					}
					mu.Unlock()
				}
			}
		}()
	}
	wg.Wait()
	return first
}
