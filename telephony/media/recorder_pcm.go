package media

import "time"

const (
	// pcmStream stands for the SSRC of audio that the server made.
	pcmStream = 0
	// pcmJoin is how far a frame may lie from the end of the one before it and still follow it, in samples.
	pcmJoin = 2 * FrameSamples
)

// WritePCM writes audio that the server made to a channel (0 or 1): the last sample of pcm is heard at the given time. Frames that come
// one after the other are joined; where some were left out there is silence. It does not keep pcm.
func (r *Recorder) WritePCM(channel int, pcm []int16, at time.Time) {
	var buf [maxPayload]byte
	for len(pcm) > 0 {
		n := min(len(pcm), len(buf))
		PCMA.Encode(buf[:n], pcm[:n])
		rest := len(pcm) - n
		end := at.Add(-sampleTime(rest))
		r.write(channel&1, PCMA, buf[:n], pcmStream, r.pcmPlace(channel&1, n, end), end)
		pcm = pcm[n:]
	}
}

// pcmPlace is the timestamp of n samples that end at a time.
func (r *Recorder) pcmPlace(channel, n int, at time.Time) uint32 {
	r.mu.Lock()
	defer r.mu.Unlock()
	t := &r.tracks[channel]
	place := max(0, int64(timeSamples(at.Sub(r.start)))-int64(n))
	if !t.active || t.ssrc != pcmStream {
		// The recorder places the first frame of a stream by its time.
		return uint32(place)
	}
	if away := place - t.end; away > -pcmJoin && away < pcmJoin {
		place = t.end
	}
	return t.ts + uint32(place-t.pos)
}
