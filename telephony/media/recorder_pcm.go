package media

import "time"

// madeJoin is how far a frame may lie from the end of the one before it and still follow it, in samples.
const madeJoin = 2 * FrameSamples

// WritePCM writes audio that the server made to a channel (0 or 1): the last sample of pcm is heard at the given time. Frames that come
// one after the other are joined; where some were left out there is silence. It does not keep pcm.
func (r *Recorder) WritePCM(channel int, pcm []int16, at time.Time) {
	channel &= 1
	place := r.elapsed(at) - int64(len(pcm))
	var buf [maxPayload]byte
	r.mu.Lock()
	defer r.mu.Unlock()
	if away := place - r.made[channel]; away > -madeJoin && away < madeJoin {
		place = r.made[channel]
	}
	for len(pcm) > 0 {
		n := min(len(pcm), len(buf))
		PCMA.Encode(buf[:n], pcm[:n])
		r.enqueue(channel, queued{codec: PCMA, exact: true, arrival: place}, buf[:n])
		pcm, place = pcm[n:], place+int64(n)
	}
	r.made[channel] = place
}
