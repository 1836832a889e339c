package invite

import (
	"strings"

	"github.com/emiago/sipgo/sip"
)

// maxHops bounds how often one call is redirected.
const maxHops = 5

// redirects is where a call has been sent on to.
type redirects struct {
	hops    int
	visited map[string]bool
	next    sip.Uri
	dest    string
}

// redirected looks for a Contact of a 3xx that may be followed (RFC 3261
// section 8.1.3.4): the application allows it, and it was not tried before.
// The first of them is taken; if that call fails the others are not tried.
func (s *Session) redirected(res *sip.Response) bool {
	r := &s.hop
	if s.out.Redirect == nil || res.StatusCode < 300 || res.StatusCode > 399 || res.StatusCode == 380 || r.hops >= maxHops {
		return false
	}
	if r.visited == nil {
		r.visited = map[string]bool{}
	}
	r.visited[hopKey(s.d.target)] = true
	for _, h := range res.GetHeaders("Contact") {
		c, ok := h.(*sip.ContactHeader)
		if !ok || c.Address.Wildcard || r.visited[hopKey(c.Address)] {
			continue
		}
		dest, ok := s.out.Redirect(*c.Address.Clone())
		if !ok {
			continue
		}
		if dest == "" {
			dest = literal(c.Address)
		}
		if dest == "" {
			continue // a name: who allows it says where it is
		}
		r.next, r.dest = *c.Address.Clone(), dest
		return true
	}
	return false
}

func hopKey(u sip.Uri) string {
	return strings.ToLower(u.Scheme) + ":" + u.User + "@" + strings.ToLower(u.HostPort())
}

// follow sends the INVITE to where the 3xx says, with the same Call-ID, From
// and To and a higher CSeq.
func (s *Session) follow() {
	r := &s.hop
	r.hops++
	r.next.Headers = nil
	s.d.target, s.d.flow, s.d.routes = r.next, r.dest, nil
	s.d.mark = "" // who is called now has no connection with us yet
	s.inv = nil   // its credentials are not for the next target
	s.sendInvite(nil)
}
