package media

import "time"

// Figures of the E-model (ITU-T G.107) for G.711 with packet loss concealment (ITU-T G.113 appendix I): equipment impairment 0, packet
// loss robustness 25.1; the rest as recommended, which leaves R = 93.2 without delay and loss.
const (
	bestRating     = 93.2
	lossRobustness = 25.1
	echoFreeDelay  = 177.3 // ms, beyond which delay disturbs more
	maxImpairment  = 95
)

// MOS estimates a listener's mean opinion, from 1 (bad) to 4.5 (very good), of G.711 with a share of packets lost at random and a delay
// from mouth to ear.
func MOS(loss float64, delay time.Duration) float64 {
	percent := 100 * min(max(loss, 0), 1)
	ms := float64(delay) / float64(time.Millisecond)
	impairment := maxImpairment * percent / (percent + lossRobustness)
	late := 0.024 * ms
	if ms > echoFreeDelay {
		late += 0.11 * (ms - echoFreeDelay)
	}
	r := bestRating - late - impairment
	switch {
	case r <= 0:
		return 1
	case r >= 100:
		return 4.5
	}
	return max(1, 1+0.035*r+r*(r-60)*(100-r)*7e-6)
}

// mouthToEar is the delay of one direction: half the round trip, a packet, and a buffer that has to cover the jitter.
func mouthToEar(roundTrip, jitter time.Duration) time.Duration {
	return roundTrip/2 + FrameTime + 2*jitter
}

// opinions fills the estimates in: of what the server hears, and of what the party says it hears.
func (s *Stats) opinions() {
	if s.Expected > 0 {
		s.MOS = MOS(float64(s.Lost)/float64(s.Expected), mouthToEar(s.RoundTrip, s.Jitter))
	}
	if s.Reports > 0 && s.Sent > 0 {
		s.RemoteMOS = MOS(float64(max(s.RemoteLost, 0))/float64(s.Sent), mouthToEar(s.RoundTrip, s.RemoteJitter))
	}
}
