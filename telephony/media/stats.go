package media

import "time"

// Stats are a leg's counts since it was opened.
type Stats struct {
	// Sent and Received count RTP packets; SentBytes and ReceivedBytes their sizes with RTP header, without UDP and IP.
	Sent, Received           uint64
	SentBytes, ReceivedBytes uint64
	// Expected and Lost follow RFC 3550 appendix A.3, over all streams received. Lost is 0 when duplicates outnumber losses.
	Expected, Lost uint64
	// Jitter is the interarrival jitter of RFC 3550 §6.4.1.
	Jitter time.Duration
	// Malformed counts datagrams that are not RTP of this session; Strange those from a source that the leg is not locked on.
	Malformed, Strange uint64
	// Unauthentic counts packets that are not encrypted with the party's key, Replayed those that came before; both are dropped.
	Unauthentic, Replayed uint64
	// SendErrors counts packets that the system refused to send.
	SendErrors uint64
	// FirstPacket and LastPacket are times of reception; zero before there was one.
	FirstPacket, LastPacket time.Time
	// Reports counts the party's RTCP reports about what it hears from the server; LastReport is when its RTCP last came.
	Reports    uint64
	LastReport time.Time
	// RemoteLost, RemoteLossRate and RemoteJitter are from the last of them: lost in all (negative when duplicates outnumber losses), the
	// share lost since the one before, and jitter. RoundTrip is to the party and back, 0 when it is not known (RFC 3550 §6.4.1).
	RemoteLost              int64
	RemoteLossRate          float64
	RemoteJitter, RoundTrip time.Duration
	// MOS and RemoteMOS estimate how the party is heard here, and the server there (see MOS); 0 when nothing is known.
	MOS, RemoteMOS float64
	// Source is the address that the leg is locked on, "" before.
	Source string
}

// Stats reads the counts.
func (l *Leg) Stats() Stats {
	var s Stats
	l.ctrl.mu.Lock()
	l.ctrl.stats(&s)
	l.ctrl.mu.Unlock()
	l.inMu.Lock()
	l.in.stats(&s)
	l.inMu.Unlock()
	if r := l.rtc.Load(); r != nil {
		s.Source = r.source()
	}
	l.outMu.Lock()
	s.Sent, s.SentBytes, s.SendErrors = l.out.packets, l.out.bytes, l.out.errors
	l.outMu.Unlock()
	s.opinions()
	return s
}
