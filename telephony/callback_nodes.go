package telephony

import "context"

// mine tells whether a callback that waits is this node's to make: one of no node that is there is anybody's.
func (b *callbacks) mine(cb Callback) bool {
	s := b.c.floor.share
	if s == nil || cb.Node == "" || cb.Node == b.c.node {
		return true
	}
	_, there := s.nodes()[cb.Node]
	return !there
}

// elsewhere is a number's callback that another node sees to; nil: none. It belongs to nobody's list, so that what is done to it is done in the
// store, where the other node looks before it calls.
func (b *callbacks) elsewhere(ctx context.Context, number string) *pending {
	if b.c.node == "" {
		return nil
	}
	page, err := b.c.store.Callbacks(ctx, CallbackFilter{Open: true, Number: number, Limit: 1})
	if err != nil {
		b.c.log.Error("whether a citizen is to be called back cannot be read", "error", err)
		return nil
	}
	if len(page.Items) == 0 || page.Items[0].Node == b.c.node {
		return nil
	}
	p := &pending{cb: page.Items[0]}
	p.ctx, p.cancel = context.WithCancel(b.c.background)
	return p
}

// over tells whether a callback was ended, or taken over, by another node.
func (b *callbacks) over(ctx context.Context, id string) (bool, error) {
	if b.c.node == "" {
		return false, nil
	}
	cb, err := b.c.store.Callback(ctx, id)
	return err == nil && (cb.State != CallbackWaiting || cb.Node != b.c.node), err
}

// takeOver makes the callbacks of a node that is gone this node's.
func (b *callbacks) takeOver(ctx context.Context, node string) error {
	f := CallbackFilter{Open: true, Limit: 200}
	for {
		page, err := b.c.store.Callbacks(ctx, f)
		if err != nil {
			return err
		}
		for _, cb := range page.Items {
			if cb.Node != node || !b.mine(cb) {
				continue
			}
			p, err := b.expect(cb)
			if err != nil {
				b.c.log.Error("a callback is not taken over", "callback", cb.ID, "error", err)
				continue
			}
			if _, err := b.change(ctx, p, func(cb *Callback) { cb.Node = b.c.node }); err != nil {
				b.forget(p)
				return err
			}
			b.start(p)
		}
		if f.Cursor = page.NextCursor; f.Cursor == "" {
			return nil
		}
	}
}
