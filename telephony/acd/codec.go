package acd

import (
	"bufio"
	"encoding/json"
	"fmt"
	"io"
	"time"
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
	return encode(line{Type: ev.kind(), Event: data})
}

func encode(l line) ([]byte, error) {
	data, err := json.Marshal(l)
	return append(data, '\n'), err
}

// decoders read events, by kind.
var decoders = map[string]func(data []byte) (Event, error){
	SetPresence{}.kind(): as[SetPresence],
	SetDevice{}.kind():   as[SetDevice],
	SetSkills{}.kind():   as[SetSkills],
	Arrive{}.kind():      as[Arrive],
	Park{}.kind():        as[Park],
	Leave{}.kind():       as[Leave],
	Ringing{}.kind():     as[Ringing],
	Answered{}.kind():    as[Answered],
	Failed{}.kind():      as[Failed],
	Seize{}.kind():       as[Seize],
	EndWrapUp{}.kind():   as[EndWrapUp],
	Tick{}.kind():        as[Tick],
}

// Decode reads an event that [Encode] wrote, and sets its time.
func Decode(data []byte, at time.Time) (Event, error) {
	var l line
	if err := json.Unmarshal(data, &l); err != nil {
		return nil, fmt.Errorf("an event cannot be read: %w", err)
	}
	ev, err := decode(l)
	if err != nil {
		return nil, err
	}
	return ev.on(at), nil
}

func decode(l line) (Event, error) {
	read := decoders[l.Type]
	if read == nil {
		return nil, fmt.Errorf("event of unknown type %q", l.Type)
	}
	return read(l.Event)
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
