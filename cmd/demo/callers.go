package demo

import (
	"context"
	"sync"
	"time"

	"hotline/cmd/city"
	"hotline/telephony/media"
	"hotline/telephony/phone"
)

// maxCalls bounds how many citizens are on the line at once.
const maxCalls = 12

// board is where a caller and the operator who answers meet: it stands for
// hearing what the other one says.
type board struct {
	mu    sync.Mutex
	calls map[string]*visit // by telephone number
}

// visit is one call from the citizen's side.
type visit struct {
	c    city.Case
	met  chan struct{} // closed when an operator has answered
	over chan struct{} // closed when the operator has said goodbye
	once [2]sync.Once
}

func newBoard() *board { return &board{calls: map[string]*visit{}} }

// enter is false while the same number is on the line.
func (b *board) enter(c city.Case) (*visit, bool) {
	b.mu.Lock()
	defer b.mu.Unlock()
	if b.calls[c.Citizen.Phone] != nil || len(b.calls) >= maxCalls {
		return nil, false
	}
	v := &visit{c: c, met: make(chan struct{}), over: make(chan struct{})}
	b.calls[c.Citizen.Phone] = v
	return v, true
}

func (b *board) leave(v *visit) {
	b.mu.Lock()
	defer b.mu.Unlock()
	delete(b.calls, v.c.Citizen.Phone)
}

// meet finds the caller by number; nil for a person who really calls.
func (b *board) meet(number string) *visit {
	b.mu.Lock()
	defer b.mu.Unlock()
	v := b.calls[number]
	if v != nil {
		v.once[0].Do(func() { close(v.met) })
	}
	return v
}

func (v *visit) goodbye() { v.once[1].Do(func() { close(v.over) }) }

// callers lets citizens call, the first one at once.
func (d *Demo) callers(ctx context.Context, ports *media.Ports) {
	p := d.telephone(ctx, phone.Options{User: "trunk", Ports: ports})
	if p == nil {
		return
	}
	defer d.hangUp(p)
	var calls sync.WaitGroup
	defer calls.Wait()
	for first := true; ; first = false {
		if !first && !wait(ctx, d.gap(d.opts.Rate)) || !d.manned(ctx) {
			return
		}
		c, ok := d.script.draw(true)
		if !ok {
			d.log.Error("the script of the demonstration is at its end")
			return
		}
		v, free := d.board.enter(c)
		if !free {
			continue
		}
		calls.Add(1)
		d.spawn(func() {
			defer calls.Done()
			defer d.board.leave(v)
			d.ring(ctx, p, v)
		})
	}
}

// manned waits until somebody is at a seat: the first thing to see should not
// be a missed call.
func (d *Demo) manned(ctx context.Context) bool {
	for range 10 {
		var page struct {
			Items []agentState `json:"items"`
		}
		err := d.client.do(ctx, "lead1", "GET", "/api/v1/agents", nil, &page)
		if err == nil {
			for _, a := range page.Items {
				if a.Registered && a.Status == "ready" {
					return true
				}
			}
		}
		if !wait(ctx, min(time.Second, d.opts.Pace)) {
			return false
		}
	}
	return ctx.Err() == nil
}

// ring is one call of a citizen.
func (d *Demo) ring(ctx context.Context, p *phone.Phone, v *visit) {
	ctx, cancel := context.WithTimeout(ctx, 5*time.Minute)
	defer cancel()
	call, err := p.DialWith(ctx, v.c.Line, phone.DialOptions{From: v.c.Citizen.Phone, RingTimeout: time.Minute})
	if err != nil {
		d.log.Warn("a simulated call did not start", "error", err)
		return
	}
	defer func() {
		call.Hangup()
		<-call.Done()
	}()
	if err := call.WaitAnswered(ctx); err != nil {
		if ctx.Err() == nil {
			d.log.Info("a simulated call was not answered", "error", err)
		}
		return
	}
	if !hold(ctx, call, d.delay(.4)) {
		return
	}
	if v.c.Digit != "" {
		if err := call.SendDigits(ctx, v.c.Digit); err != nil {
			d.log.Info("a simulated caller could not press a key", "error", err)
		}
	}
	patience := 10 * d.opts.Pace
	if d.chance(.05) {
		patience = d.delay(.6)
	}
	select {
	case <-v.met:
	case <-call.Done():
		return
	case <-time.After(patience):
		return
	case <-ctx.Done():
		return
	}
	d.talk(ctx, call, v)
}

// talk says the caller's sentences until the operator says goodbye.
func (d *Demo) talk(ctx context.Context, call *phone.Call, v *visit) {
	for _, clip := range d.voices.citizen(v.c) {
		if !hold(ctx, call, d.delay(.25)) || !say(ctx, call, clip, v.over) {
			break
		}
	}
	select {
	case <-v.over:
	case <-call.Done():
		return
	case <-time.After(20 * d.opts.Pace):
		return
	case <-ctx.Done():
		return
	}
	for _, clip := range d.voices.farewell(v.c) {
		say(ctx, call, clip, nil)
	}
	if d.chance(.3) { // leaves it to the operator to hang up
		hold(ctx, call, 2*d.opts.Pace)
	}
}

// hold waits while the call is on; false when it is over.
func hold(ctx context.Context, call *phone.Call, t time.Duration) bool {
	timer := time.NewTimer(t)
	defer timer.Stop()
	select {
	case <-timer.C:
		return true
	case <-call.Done():
		return false
	case <-ctx.Done():
		return false
	}
}

// say plays a sentence to its end, or until stop is closed.
func say(ctx context.Context, call *phone.Call, clip media.Clip, stop <-chan struct{}) bool {
	play := call.Play(clip, false)
	defer play.Stop()
	select {
	case <-play.Done():
		return true
	case <-stop:
		return false
	case <-call.Done():
		return false
	case <-ctx.Done():
		return false
	}
}
