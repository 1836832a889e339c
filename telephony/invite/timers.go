package invite

import (
	"fmt"
	"log/slog"
	"sync"
	"time"

	"github.com/emiago/sipgo/sip"
)

// process guards what sipgo keeps in package variables: its timers, its
// fallback logger and the largest datagram it sends. They may only change
// while no endpoint runs.
var process struct {
	sync.Mutex
	once    sync.Once
	running int
	timers  [3]time.Duration // T1, T2, T4 in force
}

// maxDatagram is the largest UDP payload (RFC 768). sipgo refuses to send
// more than its MTU less 200 octets, but a response has to use the transport
// of its request however large it is, and IP fragments what is too long.
const maxDatagram = 65507

// acquireTimers makes t's T1, T2 and T4 those of the process. Zero values
// take what is in force.
func acquireTimers(t Timers) (Timers, error) {
	process.Lock()
	defer process.Unlock()
	process.once.Do(func() {
		// sipgo logs whole messages, which carry phone numbers.
		sip.SetDefaultLogger(slog.New(slog.DiscardHandler))
		sip.UDPMTUSize = maxDatagram + 200
	})
	want := [3]time.Duration{t.T1, t.T2, t.T4}
	fallback := [3]time.Duration{500 * time.Millisecond, 4 * time.Second, 5 * time.Second}
	if process.running > 0 {
		fallback = process.timers
	} else if t.T1 > 0 {
		// Keep the proportions of RFC 3261 when only T1 is given.
		fallback[1], fallback[2] = 8*t.T1, 10*t.T1
	}
	for i := range want {
		if want[i] <= 0 {
			want[i] = fallback[i]
		}
	}
	if process.running > 0 && want != process.timers {
		return t, fmt.Errorf("%w: T1 %v, T2 %v, T4 %v", ErrTimers,
			process.timers[0], process.timers[1], process.timers[2])
	}
	if want != process.timers {
		sip.SetTimers(want[0], want[1], want[2])
		sip.Timer_D = 64 * want[0] // 32 s at the default T1, and in proportion in tests
		process.timers = want
	}
	process.running++
	t.T1, t.T2, t.T4 = want[0], want[1], want[2]
	return t.withDefaults(), nil
}

func releaseTimers() {
	process.Lock()
	defer process.Unlock()
	process.running--
}

func (t Timers) withDefaults() Timers {
	if t.TimerC <= 0 {
		t.TimerC = 3 * time.Minute
	}
	if t.Incoming <= 0 {
		t.Incoming = 5 * time.Minute
	}
	if t.Reply <= 0 {
		t.Reply = 5 * time.Second
	}
	return t
}

// transaction is 64*T1, the longest life of a transaction (RFC 3261 timers B, F, H, J, L, M).
func (t Timers) transaction() time.Duration { return 64 * t.T1 }

func (l Limits) withDefaults() Limits {
	for _, d := range []struct {
		field *int
		value int
	}{{&l.Sessions, 10_000}, {&l.Transactions, 80_000}, {&l.Message, 16_384}, {&l.Peers, 20_000}, {&l.Connections, 2_000}, {&l.PerSource, 200},
		{&l.Handshakes, 256}, {&l.HandshakesPerSource, 64}, {&l.HandshakeRate, 200}, {&l.HandshakeRatePerSource, 20}} {
		if *d.field <= 0 {
			*d.field = d.value
		}
	}
	for _, d := range []struct {
		field *time.Duration
		value time.Duration
	}{{&l.IdleTCP, time.Hour}, {&l.IdleStranger, 2 * time.Minute}, {&l.FirstMessage, 15 * time.Second},
		{&l.MessageTime, 10 * time.Second}, {&l.Handshake, 5 * time.Second}, {&l.Connect, 10 * time.Second}} {
		if *d.field <= 0 {
			*d.field = d.value
		}
	}
	return l
}
