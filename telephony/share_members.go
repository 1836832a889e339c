package telephony

import (
	"context"
	"maps"
	"slices"
	"strings"
	"time"

	"hotline/telephony/acd"
)

// member is a node as all know it.
type member struct {
	N     int64     `json:"n"` // of the newest saying
	Heard time.Time `json:"heard"`
	HTTP  string    `json:"http,omitempty"`
	Gone  bool      `json:"gone,omitempty"`
}

// nodeName is the name of a process's node.
func nodeName(node string) string {
	name, _, _ := strings.Cut(node, "#")
	return name
}

// beat tells the others again and again that this node is there, and notices who is not, until ctx ends.
func (s *share) beat(ctx context.Context) {
	ticker := time.NewTicker(beatEvery)
	defer ticker.Stop()
	for {
		s.f.mu.Lock()
		if len(s.pending) < sayAtOnce && !s.going {
			s.put(saying{Beat: &beat{HTTP: s.http}})
		}
		s.miss()
		s.f.mu.Unlock()
		select {
		case <-ctx.Done():
			return
		case <-ticker.C:
		}
	}
}

// miss says which nodes are gone.
func (s *share) miss() {
	if len(s.beats) < missedBeats || len(s.pending) >= sayAtOnce {
		return
	}
	first, last := s.beats[0], s.beats[len(s.beats)-1]
	for node, m := range s.members {
		if !m.Gone && node != s.node && m.Heard.Before(first) && last.Sub(m.Heard) > missing {
			s.put(saying{Gone: &gone{Node: node, N: m.N}})
		}
	}
}

// tellChanged tells the other nodes what this one has changed in the store.
func (s *share) tellChanged(what string) {
	s.f.mu.Lock()
	defer s.f.mu.Unlock()
	s.put(saying{Changed: what})
}

// leave says that this node is going, and waits for it to be heard.
func (s *share) leave() {
	s.f.mu.Lock()
	heard := s.turn(s.put(saying{Gone: &gone{Node: s.node, N: s.n}}))
	s.going = true
	s.f.mu.Unlock()
	heard()
}

// replaced ends what former processes of a node left, when a new one says that it is there.
func (s *share) replaced(node string, at time.Time) {
	for _, other := range slices.Sorted(maps.Keys(s.members)) {
		if other != node && nodeName(other) == nodeName(node) && !s.members[other].Gone {
			s.lose(other, node, at)
		}
	}
}

// lose takes the calls of a node that is gone, as another says or it itself, out of the machine.
func (s *share) lose(node, by string, at time.Time) {
	m := s.members[node]
	m.Gone = true
	s.members[node] = m
	for _, call := range slices.Sorted(maps.Keys(s.calls)) {
		if s.calls[call] == node {
			delete(s.calls, call)
			s.f.run(acd.Leave{At: at, Call: call}, by == s.node)
		}
	}
	s.forget()
	if node == s.node {
		if !s.going {
			s.f.log.Warn("the other nodes took this one for gone; its calls are told again")
		}
		return
	}
	s.f.log.Warn("another node is gone", "node", nodeName(node))
	if by == node {
		by = s.first()
	}
	if by == s.node {
		s.onGone(nodeName(node))
	}
}

// first is the first by name of the nodes that are there; "" where none is known.
func (s *share) first() string {
	first := ""
	for node, m := range s.members {
		if !m.Gone && (first == "" || node < first) {
			first = node
		}
	}
	return first
}

// isFirst tells whether this node is the first of those that are there.
func (s *share) isFirst() bool {
	s.f.mu.Lock()
	defer s.f.mu.Unlock()
	return s.first() == s.node
}

// forget bounds the nodes that are remembered though gone: those not heard of for the longest time go.
func (s *share) forget() {
	var left []string
	for node, m := range s.members {
		if m.Gone {
			left = append(left, node)
		}
	}
	if len(left) <= rememberGone {
		return
	}
	slices.SortFunc(left, func(a, b string) int { return s.members[a].Heard.Compare(s.members[b].Heard) })
	for _, node := range left[:len(left)-rememberGone] {
		delete(s.members, node)
	}
}

// nodes are those that are there, by name, with where their API is.
func (s *share) nodes() map[string]string {
	s.f.mu.Lock()
	defer s.f.mu.Unlock()
	all := map[string]string{}
	for node, m := range s.members {
		if !m.Gone {
			all[nodeName(node)] = m.HTTP
		}
	}
	return all
}

// nodeOf is the node that has a call, and where its API is; "" where none is known to have it.
func (s *share) nodeOf(call string) (name, http string) {
	s.f.mu.Lock()
	defer s.f.mu.Unlock()
	node := s.calls[call]
	return nodeName(node), s.members[node].HTTP
}
