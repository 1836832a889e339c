package media

import "sync"

// windows are lent for a flush: the audio of a recording lies there as it will in the file.
var windows = sync.Pool{New: func() any { return new([]byte) }}

// render fills the window with the samples from base to end, and gives the number of those that came too late.
func (r *Recorder) render(window *[]byte, pauses []pause, end int64, last bool) (dropped int64) {
	w := (*window)[:0]
	for want := int(end-r.base) * 2; len(w) < want; {
		w = append(w, silentALaw[:min(want-len(w), len(silentALaw))]...)
	}
	*window = w
	ripe := end - int64(timeSamples(lookAhead))
	for ch := range r.waiting {
		q := &r.waiting[ch]
		guess := false
		var track track
		for i := range q.packets {
			p := &q.packets[i]
			switch {
			case p.decided:
			case last || (!guess && p.arrival+int64(p.n) <= ripe):
				r.tracks[ch].decide(q.packets, i)
				p.decided = true
				dropped += min(max(0, r.base-max(p.place, 0)), int64(p.n)) + min(max(0, p.place+int64(p.n)-r.limit), int64(p.n))
			default:
				if !guess {
					guess, track = true, r.tracks[ch]
				}
				track.decide(q.packets, i)
			}
			r.paint(w, ch, p, q.data[p.at:p.at+p.n])
		}
	}
	for _, p := range pauses {
		from, to := max(p.from, r.base), min(p.to, end)
		for ; from < to; from += FrameSamples {
			copy(w[2*(from-r.base):2*(to-r.base)], silentALaw[:])
		}
	}
	return dropped
}

// paint writes one packet into the window, as far as it lies in there.
func (r *Recorder) paint(w []byte, channel int, p *queued, data []byte) {
	place := p.place
	if before := r.base - place; before > 0 {
		if before >= int64(len(data)) {
			return
		}
		data, place = data[before:], r.base
	}
	at := int(place-r.base)*2 + channel
	if p.pad && at >= 2 && at < len(w) {
		w[at-2] = r.law(p.codec, data[0])
	}
	for _, b := range data {
		if at >= len(w) {
			return
		}
		w[at] = r.law(p.codec, b)
		at += 2
	}
}

func (r *Recorder) law(codec Codec, b byte) byte {
	if codec == PCMU {
		return ulawToALaw[b]
	}
	return b
}
