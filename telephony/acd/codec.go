package acd

import (
	"bufio"
	"encoding/json"
	"fmt"
	"io"
)

// line is one line of a recorded day: the queues first, then events.
type line struct {
	Queues []Queue         `json:"queues,omitempty"`
	Type   string          `json:"type,omitempty"`
	Event  json.RawMessage `json:"event,omitempty"`
}

// EncodeQueues writes the first line of a record: what the machine was made of.
func EncodeQueues(queues []Queue) ([]byte, error) { return encode(line{Queues: queues}) }

// Encode writes an event as a line of JSON.
func Encode(ev Event) ([]byte, error) {
	data, err := json.Marshal(ev)
	if err != nil {
		return nil, err
	}
	return encode(line{Type: typeOf(ev), Event: data})
}

func encode(l line) ([]byte, error) {
	data, err := json.Marshal(l)
	return append(data, '\n'), err
}

func typeOf(ev Event) string {
	switch ev.(type) {
	case SetPresence:
		return "set_presence"
	case SetDevice:
		return "set_device"
	case SetSkills:
		return "set_skills"
	case Arrive:
		return "arrive"
	case Park:
		return "park"
	case Leave:
		return "leave"
	case Ringing:
		return "ringing"
	case Answered:
		return "answered"
	case Failed:
		return "failed"
	case Seize:
		return "seize"
	case EndWrapUp:
		return "end_wrap_up"
	}
	return "tick"
}

func decode(l line) (Event, error) {
	switch l.Type {
	case "set_presence":
		return as[SetPresence](l.Event)
	case "set_device":
		return as[SetDevice](l.Event)
	case "set_skills":
		return as[SetSkills](l.Event)
	case "arrive":
		return as[Arrive](l.Event)
	case "park":
		return as[Park](l.Event)
	case "leave":
		return as[Leave](l.Event)
	case "ringing":
		return as[Ringing](l.Event)
	case "answered":
		return as[Answered](l.Event)
	case "failed":
		return as[Failed](l.Event)
	case "seize":
		return as[Seize](l.Event)
	case "end_wrap_up":
		return as[EndWrapUp](l.Event)
	case "tick":
		return as[Tick](l.Event)
	}
	return nil, fmt.Errorf("event of unknown type %q", l.Type)
}

func as[E Event](data []byte) (Event, error) {
	var e E
	err := json.Unmarshal(data, &e)
	return e, err
}

// maxLine bounds a line of a record.
const maxLine = 1 << 20

// Replay makes the machine of a record and applies its events; each is told
// with what was decided. A record that was cut off in the middle of its last
// line, by a crash, is replayed up to there.
func Replay(r io.Reader, each func(Event, []Decision)) (*Machine, error) {
	in := bufio.NewScanner(r)
	in.Buffer(make([]byte, 0, 64<<10), maxLine)
	var m *Machine
	var broken error
	for n := 1; in.Scan(); n++ {
		if broken != nil {
			return m, broken
		}
		var l line
		err := json.Unmarshal(in.Bytes(), &l)
		switch {
		case err == nil && m == nil:
			m = New(l.Queues)
			continue
		case err == nil:
			var ev Event
			if ev, err = decode(l); err == nil {
				ds := m.Apply(ev)
				if each != nil {
					each(ev, ds)
				}
				continue
			}
		}
		broken = fmt.Errorf("line %d of the record cannot be read: %w", n, err)
	}
	if err := in.Err(); err != nil {
		return m, fmt.Errorf("read the record: %w", err)
	}
	if m == nil {
		return nil, fmt.Errorf("the record is empty: %w", io.ErrUnexpectedEOF)
	}
	return m, nil
}
