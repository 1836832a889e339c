package media

const (
	// delayWindow is how many packets the measurement of delay looks back on: 5 s of 20 ms packets.
	delayWindow = 256
	// delayStep is after how many packets the measurement is made again.
	delayStep = 8
	// delayShare is the share of packets, in a thousand, that is to be in time.
	delayShare = 980
	// delayBin is the resolution of the measurement and delayBins its reach, beyond every useful depth.
	delayBin  = SampleRate / 1000
	delayBins = 400
)

// delays measures how long packets were under way: not the time itself, which the clocks of the two sides do not tell, but how much
// longer than the quickest of the last seconds. Looking back no further lets the quickest one follow the difference of the
// two clocks' speeds, and a route that changed.
type delays struct {
	values   [delayWindow]int64 // arrival minus timestamp, in samples
	count    int
	base     int64 // the least of them
	spread   int64 // what delayShare of them do not exceed, above base
	sinceNew int
}

// add takes the arrival minus the timestamp of one packet.
func (d *delays) add(v int64) {
	if d.count > 0 && v < d.base-streamSlip {
		// No packet is that much quicker: the clock was set back.
		d.count = 0
	}
	d.values[d.count%delayWindow] = v
	d.count++
	if d.sinceNew++; d.count == 1 || v < d.base || d.sinceNew >= delayStep || d.count < delayStep {
		d.measure()
	}
}

func (d *delays) measure() {
	d.sinceNew = 0
	values := d.values[:min(d.count, delayWindow)]
	d.base = values[0]
	for _, v := range values {
		d.base = min(d.base, v)
	}
	var bins [delayBins]uint16
	for _, v := range values {
		bins[min((v-d.base+delayBin-1)/delayBin, delayBins-1)]++
	}
	want := (len(values)*delayShare + 999) / 1000
	for i, n := range bins {
		if want -= int(n); want <= 0 {
			d.spread = int64(i) * delayBin
			return
		}
	}
}
