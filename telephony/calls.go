package telephony

import (
	"context"

	"hotline/telephony/media"
)

// newCall registers a call; an error when the centre has as many as it may have.
func (c *Center) newCall() (*call, error) {
	k := c.prepareCall()
	if err := c.enlist(k); err != nil {
		k.cancel()
		return nil, err
	}
	return k, nil
}

// enlist puts a call on the list of those that run.
func (c *Center) enlist(k *call) error {
	c.mu.Lock()
	defer c.mu.Unlock()
	switch {
	case c.draining:
		return ErrStopping
	case len(c.calls)-c.settling >= c.cfg.MaxCalls, len(c.calls) >= settled*c.cfg.MaxCalls:
		return errTooMany
	}
	c.calls[k.id] = k
	return nil
}

// settled is how many times as many calls as may go on there may be with those whose record waits for the store.
const settled = 2

// settle notes that a call takes up nothing any more but the place that its record waits in.
func (k *call) settle() {
	k.c.mu.Lock()
	defer k.c.mu.Unlock()
	k.settling = true
	k.c.settling++
}

// prepareCall makes a call that nobody knows of yet.
func (c *Center) prepareCall() *call {
	now := media.Steady(c.now)
	id := newID(now())
	ctx, cancel := context.WithCancel(context.Background())
	return &call{
		c: c, id: id, log: c.log.With("call_id", id), ctx: ctx, cancel: cancel, now: now, commands: make(chan order, 8), steps: make(chan func(), 16), tasks: make(chan func()),
		attempts: map[string]*attempt{}, cdr: NewCDR(id), state: CallStarting, free: func() {},
	}
}

// forget takes a call that never began, or is all over, off the list.
func (k *call) forget() {
	k.cancel()
	k.c.mu.Lock()
	defer k.c.mu.Unlock()
	delete(k.c.calls, k.id)
	if k.settling {
		k.c.settling--
	}
	if len(k.c.calls) == 0 && k.c.draining {
		k.c.idleOnce.Do(func() { close(k.c.idle) })
	}
}
