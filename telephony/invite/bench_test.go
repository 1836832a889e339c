package invite

import (
	"context"
	"io"
	"log/slog"
	"testing"

	"github.com/emiago/sipgo/sip"
)

// BenchmarkCall is a whole call between two endpoints over loopback UDP:
// INVITE, 180, 200, ACK, BYE, 200, both sides in this process.
func BenchmarkCall(b *testing.B) {
	start := func(h Handler) *Endpoint {
		e, err := New(Options{Listen: []Listen{{"udp", "127.0.0.1:0"}}, Log: slog.New(slog.NewTextHandler(io.Discard, nil)),
			Limits: Limits{Sessions: 1 << 20, Transactions: 1 << 20}}, h)
		if err != nil {
			b.Fatal(err)
		}
		if err := e.Start(context.Background()); err != nil {
			b.Fatal(err)
		}
		return e
	}
	callee := start(handlerFuncs{invite: func(s *Session) {
		_ = s.Ring(180, nil)
		_ = s.Answer([]byte(offerSDP))
		<-s.Done()
	}})
	caller := start(handlerFuncs{})
	b.ReportAllocs()
	b.SetParallelism(20)
	b.ResetTimer()
	b.RunParallel(func(pb *testing.PB) {
		for pb.Next() {
			s, err := caller.Dial(context.Background(), Outgoing{To: sip.Uri{User: "8001", Host: "127.0.0.1"},
				Destination: callee.Addr("udp").String(), Offer: []byte(offerSDP)})
			if err != nil {
				b.Error(err)
				return
			}
			for ev := range s.Events() {
				if _, ok := ev.(Answered); ok {
					s.Hangup(Cause{By: Local})
				}
			}
		}
	})
	b.StopTimer()
	for _, e := range []*Endpoint{caller, callee} {
		if err := e.Stop(context.Background()); err != nil {
			b.Error(err)
		}
	}
}
