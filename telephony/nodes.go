package telephony

import (
	"context"
	"errors"
	"fmt"
	"time"
)

// Cluster makes a Center one of several that share lines, seats and queues. All
// of them have the same store and the same Locations.
type Cluster struct {
	Node string // name, other than those of the others, and the same after a restart
	HTTP string // URL at which the others reach this node's API
	Log  EventLog
}

// meeting bounds how long a node that starts waits for what the others know.
const meeting = 15 * time.Second

// What a node may change in the store that the others have in memory.
const (
	changedSeats         = "seats"
	changedBlocks        = "blocks"
	changedAnnouncements = "announcements"
)

// join makes the queues those of all nodes.
func (c *Center) join(cluster Cluster) {
	s := newShare(c.floor, cluster.Log, cluster.Node, cluster.HTTP)
	s.onGone = func(node string) { c.wg.Go(func() { c.nodeGone(node) }) }
	// What was read once is remembered, so that Redis and the node that wrote it may be lost together.
	s.onDevice = func(seat string) { c.wg.Go(func() { c.registrar.lookup(seat) }) }
	s.onChanged = func(what string) { c.wg.Go(func() { c.reload(what) }) }
}

// meet begins with what the other nodes know; at once where there are none.
func (c *Center) meet(ctx context.Context) error {
	s := c.floor.share
	if s == nil {
		return nil
	}
	c.wg.Go(func() { s.run(c.background) })
	bounded, cancel := context.WithTimeout(ctx, meeting)
	defer cancel()
	select {
	case <-s.met:
		return nil
	case <-bounded.Done():
		c.endAll()
		return fmt.Errorf("the queues that the nodes share cannot be read; see that Redis is reachable: %w", bounded.Err())
	}
}

// part tells the other nodes that this one goes.
func (c *Center) part() {
	if s := c.floor.share; s != nil {
		s.leave()
	}
}

// changed has the other nodes read something anew.
func (c *Center) changed(what string) {
	if s := c.floor.share; s != nil {
		s.tellChanged(what)
	}
}

// reload reads what another node has changed.
func (c *Center) reload(what string) {
	ctx, cancel := context.WithTimeout(c.background, saving)
	defer cancel()
	var err error
	switch what {
	case changedSeats:
		err = c.reloadSeats(ctx)
	case changedBlocks:
		err = c.loadBlocks(ctx)
	case changedAnnouncements:
		err = c.loadAnnouncements(ctx)
	default:
		err = errors.New("it is of a newer version")
	}
	if err != nil && c.background.Err() == nil {
		c.log.Error("what another node has changed cannot be read", "what", what, "error", err)
	}
}

func (c *Center) reloadSeats(ctx context.Context) error {
	seats, err := c.store.Seats(ctx)
	if err != nil {
		return fmt.Errorf("read the seats: %w", err)
	}
	for _, s := range seats {
		c.registrar.setAccount(s)
		c.board.know(s)
	}
	return nil
}

// nodeGone takes over what a node had that is gone: its callbacks. The seats that were connected to it have to come back by themselves.
func (c *Center) nodeGone(node string) {
	c.registrar.lost(node)
	if node == c.node { // the process before this one: what it left is taken up at start
		return
	}
	if _, err := c.store.ReleaseContacts(c.background, "node:"+node); err != nil && c.background.Err() == nil {
		c.log.Error("contacts that a node was calling which is gone stay taken", "node", node, "error", err)
	}
	if err := c.callbacks.takeOver(c.background, node); err != nil && c.background.Err() == nil {
		c.log.Error("the callbacks of a node that is gone cannot be taken over", "node", node, "error", err)
	}
}

// Node is this node's name; "" where it is alone.
func (c *Center) Node() string { return c.node }

// NodeOf is where the API of the node is that has a call, or that sees to it that a callback is made; "" is here, or nowhere.
func (c *Center) NodeOf(ctx context.Context, id string) string {
	s := c.floor.share
	if s == nil || c.call(id) != nil {
		return ""
	}
	node, at := s.nodeOf(id)
	if node == "" {
		if cdr, err := c.store.Call(ctx, id); err == nil && cdr.EndedAt.IsZero() {
			node = cdr.Node
		} else if cb, err := c.store.Callback(ctx, id); err == nil && cb.State == CallbackWaiting {
			node = cb.Node
		}
		at = s.nodes()[node]
	}
	if node == c.node {
		return ""
	}
	return at
}
