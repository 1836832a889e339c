package invite

import (
	"context"
	"strings"

	"github.com/emiago/sipgo/sip"
)

// fork is one early dialog of an INVITE of ours (RFC 3261 section 12.1): a
// proxy may have made several of it, and each has its own target, route set,
// order of reliable responses and session description.
type fork struct {
	d        dialog
	rseq     uint32 // RSeq acknowledged last
	sdp      []byte // newest description
	answered bool   // our offer was answered reliably
}

// learnFork finds or makes the early dialog of a provisional response; nil
// when it has no To tag, or there are too many.
func (s *Session) learnFork(res *sip.Response) *fork {
	tag := toTag(res)
	if tag == "" || res.From() == nil || res.CallID() == nil || res.CSeq() == nil {
		return nil
	}
	f := s.forks[tag]
	if f == nil {
		if len(s.forks) >= maxForks {
			return nil
		}
		if s.forks == nil {
			s.forks = map[string]*fork{}
		}
		f = &fork{d: outboundDialog(res, s.inv.req.Recipient, s.inv.req.MessageData.Destination())}
		f.d.mark = markOf(s.out)
		s.forks[tag] = f
		s.noteEarly(tag)
	} else if c := res.Contact(); c != nil {
		f.d.target = c.Address
	}
	s.fork = f
	s.learnPeer(res)
	return f
}

// forkOf is the early dialog that a request of the peer belongs to.
func (s *Session) forkOf(req *sip.Request) *fork {
	tag, _ := req.From().Params.Get("tag")
	return s.forks[tag]
}

// requestIn builds a request in an early dialog, or in the dialog itself when
// f is nil. All early dialogs share one rising CSeq.
func (s *Session) requestIn(f *fork, method sip.RequestMethod) *sip.Request {
	if f == nil {
		return s.e.request(&s.d, method)
	}
	f.d.localSeq = s.d.localSeq
	req := s.e.request(&f.d, method)
	s.d.localSeq = f.d.localSeq
	return req
}

// converse sends a request within the dialog in the background and tells its
// final response. A challenge is answered once, with a CSeq that is kept back
// for it: gaps are allowed, an allocation outside the loop is not.
func (s *Session) converse(ctx context.Context, req *sip.Request, done func(*sip.Response, error)) {
	s.d.localSeq++
	seq := s.d.localSeq
	e, c := s.e, s.out.Credentials
	e.task(func() {
		res, err := e.roundTrip(ctx, req)
		if err == nil && c != nil && challenged(res) {
			again := req.Clone()
			again.CSeq().SeqNo = seq
			if authorize(again, res, *c) == nil {
				e.address(again, strings.ToLower(req.Transport()), req.MessageData.Destination())
				res, err = e.roundTrip(ctx, again)
			}
		}
		done(res, err)
	})
}

// learnPeer notes what the peer says that it can do.
func (s *Session) learnPeer(m sip.Message) {
	if allow := tokens(m, "Allow", ""); len(allow) > 0 {
		s.peerUpdates = false
		for _, a := range allow {
			if a == "update" {
				s.peerUpdates = true
			}
		}
	}
}
