package survey

// Bounds of pacing.
const (
	// AbandonCap is the share of citizens who picked up that may find nobody.
	AbandonCap = 0.03
	// paced is how many answered calls are looked back upon.
	paced = 200
	// maxRatio is the most calls let out for each free seat.
	maxRatio = 3.0
	// careful is the share of the cap from which on nothing more is dared.
	careful = 0.6
)

// Pacer says how many calls to let out for so many free seats. It dares more than one a seat while nearly everybody who picks up finds somebody, and takes
// it back at once. The zero value begins with one a seat.
type Pacer struct {
	ratio     float64
	answered  []bool // the newest: whether somebody was found
	next      int
	abandoned int
	sinceMore int // answered since more was dared
}

// Answered notes that a citizen picked up, and whether an operator was there.
func (p *Pacer) Answered(found bool) {
	if len(p.answered) < paced {
		p.answered = append(p.answered, found)
	} else {
		if !p.answered[p.next] {
			p.abandoned--
		}
		p.answered[p.next] = found
		p.next = (p.next + 1) % paced
	}
	if !found {
		p.abandoned++
		p.ratio, p.sinceMore = 1, 0
		return
	}
	// One more that is not found must still be within the cap, or nothing is dared.
	if p.sinceMore++; p.sinceMore >= 20 && float64(p.abandoned+1) <= careful*AbandonCap*float64(max(len(p.answered), 1)) {
		p.ratio, p.sinceMore = min(max(p.ratio, 1)+0.1, maxRatio), 0
	}
}

// Rate is the share of those who picked up lately that found nobody.
func (p *Pacer) Rate() float64 {
	if len(p.answered) == 0 {
		return 0
	}
	return float64(p.abandoned) / float64(len(p.answered))
}

// More is how many calls to let out now, with so many seats free and so many calls on their way. Where one more citizen who finds nobody would
// break the cap it is one for each free seat, and over the cap for every other one.
func (p *Pacer) More(free, onTheWay int) int {
	ratio := max(p.ratio, 1)
	if float64(p.abandoned+1) > AbandonCap*float64(len(p.answered)+1) {
		ratio = 1
	}
	most := int(ratio * float64(free))
	if p.Rate() > AbandonCap && p.abandoned > 1 {
		most = (free + 1) / 2
	}
	return max(0, most-onTheWay)
}
