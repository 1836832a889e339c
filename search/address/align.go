package address

// What it costs when a name and a text differ. The text's own characters around the name cost nothing.
const (
	soundsAlike = 0.3 // of the character's weight: another character that sounds the same
	otherOne    = 0.1 // more than its weight: another character
	between     = 0.3 // a character of the text between two of the name
	shortName   = 3   // characters of a name that nothing may stand between
	forbidden   = 1e6
)

// match is where a name was found.
type match struct {
	from, to int // characters of the text
	cost     float64
}

// align finds where in text the name is with the least cost (approximate matching
// after Sellers 1980: an edit distance in which the text may begin and end anywhere).
func align(n []character, text []character) match {
	type cell struct {
		cost  float64
		start int
	}
	row := make([]cell, len(text)+1) // the name's first i characters end at the text's j-th
	for j := range row {
		row[j] = cell{0, j}
	}
	insert := between
	if len(n) <= shortName {
		insert = forbidden
	}
	for i, c := range n {
		diagonal := row[0]
		row[0].cost += c.weight
		for j, t := range text {
			best := cell{diagonal.cost + differ(c, t), diagonal.start}
			if left := row[j+1].cost + c.weight; left < best.cost { // the character is missing
				best = cell{left, row[j+1].start}
			}
			if i < len(n)-1 && row[j].cost+insert < best.cost {
				best = cell{row[j].cost + insert, row[j].start}
			}
			diagonal, row[j+1] = row[j+1], best
		}
	}
	best := match{cost: forbidden}
	for j, c := range row {
		if c.cost < best.cost {
			best = match{c.start, j, c.cost}
		}
	}
	return best
}

// differ is the cost of one character of the text in the place of one of the name.
func differ(n, t character) float64 {
	switch {
	case n.r == t.r:
		return 0
	case t.r != 0 && n.r != 0 && alike(n.sounds, t.sounds):
		return soundsAlike * n.weight
	default:
		return n.weight + otherOne
	}
}
