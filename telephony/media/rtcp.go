package media

import (
	"net/netip"
	"sync"
	"time"

	"github.com/pion/rtcp"
)

const (
	// reportTime is the mean time between reports (RFC 3550 §6.2), firstReport that before the first one.
	reportTime  = 5 * time.Second
	firstReport = reportTime / 2
	// maxRoundTrip is what a round trip may measure; more is a peer that counts wrongly.
	maxRoundTrip = 10 * time.Second
)

// control is the RTCP of a leg (RFC 3550 §6): what goes to the party's port of it and what comes from there. It has a mutex of its own,
// which is taken before Leg.inMu and Leg.outMu.
type control struct {
	mu     sync.Mutex
	sock   *socket // the odd port
	cname  string  // says nothing about anybody (RFC 7022)
	due    time.Time
	closed bool

	party  netip.AddrPort // where the party's SDP wants reports
	source netip.AddrPort // where its reports come from, and ours go to; invalid until one has come
	mux    bool           // reports go with the RTP (RFC 5761)

	began                   bool   // a report was sent
	packetsTold             uint64 // sent packets at the last report
	expected, received      uint64 // at the last report
	heardSSRC, heardReport  uint32 // of the party's last sender report: who, and the middle of its NTP time
	heardAt                 time.Time
	reports                 uint64 // from the party
	last                    time.Time
	remoteLost              int64
	remoteFraction          float64
	remoteJitter, roundTrip time.Duration
}

// reportTo sets where the party wants reports.
func (l *Leg) reportTo(addr netip.AddrPort, mux bool) {
	c := &l.ctrl
	c.mu.Lock()
	defer c.mu.Unlock()
	c.mux = mux
	if !c.closed && addr != c.party {
		c.party, c.source = addr, netip.AddrPort{}
		c.sock.aim(addr)
	}
}

// believes tells whether a report from src, whose IP is the party's, is the party's: other programs may have the same IP. What comes from
// where the SDP says or the sound comes from is; else the first source counts until it has long been silent, as behind a NAT that gives a
// new port. The caller holds mu.
func (c *control) believes(src, sound netip.AddrPort, now time.Time) bool {
	return src == c.source || src == c.party || src == sound || !c.source.IsValid() || now.Sub(c.last) > 3*reportTime
}

// controlDatagram takes what came to the RTCP port, or to the RTP port with mux. Strangers are not believed: it must come from the IP
// that sound comes from, or that the party vouches for before there is sound, and with keys it must be encrypted by them.
func (l *Leg) controlDatagram(data []byte, src netip.AddrPort, now time.Time) {
	l.inMu.Lock()
	known := l.in.locked.IsValid() && src.Addr() == l.in.locked.Addr() || !l.in.locked.IsValid() && l.in.rank(src) > 0
	if !known {
		l.in.strange++
	}
	speaker, sound := l.in.ssrc, l.in.locked
	l.inMu.Unlock()
	if !known {
		return
	}
	if u := l.unsealer.Load(); u != nil && u.keyless {
		return // what it says cannot be believed yet, and will be said again
	}
	if data = l.openControl(data); data == nil {
		return
	}
	packets, err := rtcp.Unmarshal(data)
	if err != nil || len(packets) == 0 {
		l.inMu.Lock()
		l.in.malformed++
		l.inMu.Unlock()
		return
	}
	l.outMu.Lock()
	ours := l.out.ssrc
	l.outMu.Unlock()
	c := &l.ctrl
	c.mu.Lock()
	defer c.mu.Unlock()
	if l.unsealer.Load() == nil && !c.believes(src, sound, now) {
		l.inMu.Lock()
		l.in.strange++
		l.inMu.Unlock()
		return
	}
	c.last = now
	if c.source != src && !c.closed {
		c.source = src
		if !c.mux { // a NAT may have changed the port
			c.sock.aim(src)
		}
	}
	for _, packet := range packets {
		switch p := packet.(type) {
		case *rtcp.SenderReport:
			if p.SSRC == speaker || speaker == 0 {
				c.heardSSRC, c.heardReport, c.heardAt = p.SSRC, uint32(p.NTPTime>>16), now
			}
			c.told(p.Reports, ours, now)
		case *rtcp.ReceiverReport:
			c.told(p.Reports, ours, now)
		}
	}
}

// told takes what the party says about the stream it gets from us. The caller holds mu.
func (c *control) told(reports []rtcp.ReceptionReport, ours uint32, now time.Time) {
	for _, r := range reports {
		if r.SSRC != ours {
			continue
		}
		c.reports++
		c.remoteLost = int64(int32(r.TotalLost<<8) >> 8) // 24 bits with a sign
		c.remoteFraction = float64(r.FractionLost) / 256
		c.remoteJitter = time.Duration(r.Jitter) * time.Second / SampleRate
		if r.LastSenderReport == 0 {
			continue
		}
		// RFC 3550 §6.4.1, in units of 1/65,536 s.
		units := uint32(ntpTime(now)>>16) - r.LastSenderReport - r.Delay
		if trip := time.Duration(units) * time.Second >> 16; trip <= maxRoundTrip {
			c.roundTrip = trip
		}
	}
}

// ntpTime is the wall clock as RFC 3550 §4 wants it: seconds since 1900 and their fraction.
func ntpTime(t time.Time) uint64 {
	const since1900 = 2_208_988_800
	nanos := uint64(t.UnixNano())
	return (nanos/1e9+since1900)<<32 | (nanos%1e9)<<32/1e9
}

// report sends a report when one is due.
func (l *Leg) report(now time.Time) {
	c := &l.ctrl
	c.mu.Lock()
	defer c.mu.Unlock()
	if c.due.IsZero() {
		c.due = now.Add(around(firstReport))
	}
	// A clock that was set back must not silence the reports.
	if now.Before(c.due) && c.due.Sub(now) < 2*reportTime {
		return
	}
	c.due = now.Add(around(reportTime))
	l.sendReport(now, false)
}

// sendReport sends a compound packet: sender or receiver report, name, and goodbye at the end. The caller holds ctrl.mu.
func (l *Leg) sendReport(now time.Time, bye bool) {
	c := &l.ctrl
	if c.closed {
		return
	}
	var reception []rtcp.ReceptionReport
	l.inMu.Lock()
	in := &l.in
	if in.known {
		reception = append(reception, c.reception(in, now))
	}
	l.inMu.Unlock()
	l.outMu.Lock()
	o := &l.out
	sender := rtcp.SenderReport{SSRC: o.ssrc, NTPTime: ntpTime(now), RTPTime: o.ts + uint32(timeSamples(min(max(now.Sub(o.at), 0), time.Hour))),
		PacketCount: uint32(o.packets), OctetCount: uint32(o.bytes - 12*o.packets), Reports: reception}
	sending := o.packets > c.packetsTold
	c.packetsTold = o.packets
	l.outMu.Unlock()
	if !sending && reception == nil && !c.began {
		return // nothing was ever sent or heard (RFC 3550 §6.3.7: no goodbye either)
	}
	compound := []rtcp.Packet{&sender}
	if !sending {
		compound[0] = &rtcp.ReceiverReport{SSRC: sender.SSRC, Reports: reception}
	}
	compound = append(compound, &rtcp.SourceDescription{Chunks: []rtcp.SourceDescriptionChunk{{
		Source: sender.SSRC, Items: []rtcp.SourceDescriptionItem{{Type: rtcp.SDESCNAME, Text: c.cname}},
	}}})
	if bye {
		compound = append(compound, &rtcp.Goodbye{Sources: []uint32{sender.SSRC}})
	}
	data, err := rtcp.Marshal(compound)
	if err != nil {
		l.log.Error("an RTCP report cannot be written", "error", err)
		return
	}
	c.began = true
	l.sendControl(data)
}

// reception is what the server has to say about the party's stream (RFC 3550 §6.4.1). The caller holds ctrl.mu and inMu.
func (c *control) reception(in *inbound, now time.Time) rtcp.ReceptionReport {
	var all Stats
	in.stats(&all)
	received := in.past.received + uint64(in.count)
	expected, got := all.Expected-min(c.expected, all.Expected), received-min(c.received, received)
	c.expected, c.received = all.Expected, received
	r := rtcp.ReceptionReport{SSRC: in.ssrc, TotalLost: uint32(min(all.Lost, 0x7FFFFF)), LastSequenceNumber: in.high, Jitter: uint32(in.jitter)}
	if expected > got {
		r.FractionLost = uint8(min(255, 256*(expected-got)/expected))
	}
	if c.heardSSRC == in.ssrc && !c.heardAt.IsZero() {
		r.LastSenderReport = c.heardReport
		r.Delay = uint32(max(0, now.Sub(c.heardAt)) << 16 / time.Second)
	}
	return r
}

// sendControl sends a compound packet. What the system refuses is lost like any packet. The caller holds ctrl.mu.
func (l *Leg) sendControl(data []byte) {
	data, err := l.protectRTCP(nil, data)
	if err != nil {
		return // the key is used up; sound fails for that too, and is counted
	}
	if !l.ctrl.mux {
		_ = l.ctrl.sock.send(data)
		return
	}
	l.outMu.Lock()
	defer l.outMu.Unlock()
	if !l.out.closed && l.out.dest.IsValid() {
		_ = l.emit(data)
	}
}

// goodbye tells the party that the stream ends, and takes no reports any more.
func (l *Leg) goodbye() {
	c := &l.ctrl
	c.mu.Lock()
	defer c.mu.Unlock()
	l.sendReport(l.now(), true)
	c.closed = true
}

func (c *control) stats(s *Stats) {
	s.Reports, s.LastReport = c.reports, c.last
	s.RemoteLost, s.RemoteLossRate, s.RemoteJitter, s.RoundTrip = c.remoteLost, c.remoteFraction, c.remoteJitter, c.roundTrip
}

// isControl tells RTCP from RTP on one port (RFC 5761 §4).
func isControl(data []byte) bool {
	return len(data) >= 8 && data[0]>>6 == 2 && data[1] >= 192 && data[1] <= 223
}
