package media

const (
	// alignWindow is how much of a stream is looked at before it is moved: 5 s of audio in packets of 20 ms.
	alignWindow = 250
	// alignLeast is the smallest move, in samples: 8 ms. What is less is not worth a seam.
	alignLeast = 64
)

// alignment keeps a stream together with the server's clock. A packet cannot arrive before it was spoken, so the earliest packets of a
// window tell where the stream lies, whatever the network did to the others: the stream is moved so that they lie where they arrived. A
// clock that runs 100 ppm too fast asks for 8 ms every 80 s.
type alignment struct {
	settled bool // the first window is over: until then the stream follows each packet that is earlier than all before
	count   int
	least   int64 // of this window: how long after its place a packet arrived, in samples; negative when before
}

// shift takes one packet's delay and tells by how much the stream has to be moved now, mostly 0.
func (a *alignment) shift(delay int64) int64 {
	if a.count == 0 || delay < a.least {
		a.least = delay
	}
	if a.count++; a.count < alignWindow {
		if !a.settled && delay <= -alignLeast {
			a.least = 0
			return delay
		}
		return 0
	}
	a.settled, a.count = true, 0
	if a.least > -alignLeast && a.least < alignLeast {
		return 0
	}
	return a.least
}
