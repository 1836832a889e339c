package media

// Bridge relays the audio and the digits of two legs to one another.
type Bridge struct{ a, b *Leg }

// Connect begins to relay between a and b, on arrival of each packet. A bridge or conference that either was part of gives way. While a
// leg is played to, what comes over the bridge for it is dropped.
func Connect(a, b *Leg) *Bridge {
	for _, l := range []*Leg{a, b} {
		if peer := l.bridge.Load(); peer != nil && peer != a && peer != b {
			peer.bridge.CompareAndSwap(l, nil)
		}
	}
	a.unmix()
	b.unmix()
	a.bridge.Store(b)
	b.bridge.Store(a)
	return &Bridge{a: a, b: b}
}

// Record records a's voice on channel 0 and b's on channel 1; a nil r ends it.
func (b *Bridge) Record(r *Recorder) {
	b.a.Record(r, 0)
	b.b.Record(r, 1)
}

// Close ends the relay. The legs stay open, and recording of them goes on. Idempotent; a bridge that came after this one is left alone.
func (b *Bridge) Close() {
	b.a.bridge.CompareAndSwap(b.b, nil)
	b.b.bridge.CompareAndSwap(b.a, nil)
}
