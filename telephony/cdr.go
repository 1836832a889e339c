package telephony

import "time"

// Direction says who started a call.
type Direction string

// The directions of a call.
const (
	Inbound  Direction = "inbound"  // a citizen through a trunk
	Outbound Direction = "outbound" // a seat through a trunk
	Internal Direction = "internal" // seat to seat
)

// Party is one side of a call.
type Party string

// The parties that can end a call.
const (
	PartyCaller     Party = "caller"
	PartySeat       Party = "seat"
	PartySystem     Party = "system"
	PartySupervisor Party = "supervisor"
	PartyThird      Party = "third" // added to a call of two
)

// Causes of the end of a call, beside the ones that a SIP status gives.
const (
	CauseHangup       = "hangup"        // one side hung up normally
	CauseAbandoned    = "abandoned"     // the caller left before a seat answered
	CauseQueueFull    = "queue_full"    // the queue has reached its length
	CauseQueueTimeout = "queue_timeout" // waited longer than the queue allows
	CauseNoAgent      = "no_agent"      // nobody is at work in the queue
	CauseFlow         = "flow"          // the line's flow said goodbye, as outside its hours
	CauseNoAnswer     = "no_answer"     // the dialled party did not answer
	CauseRejected     = "rejected"      // the dialled party refused
	CauseMedia        = "media"         // sound could not be set up or died
	CauseShutdown     = "shutdown"      // the centre stopped
	CauseCrash        = "crash"         // the process died during the call
	CauseFailed       = "failed"        // anything else; see Code
)

// CDR is the record of one call, with every time to the millisecond. Zero
// times mean that it never came to that.
type CDR struct {
	ID          string     `json:"id"`
	Node        string     `json:"node,omitempty"` // that had the call; empty where there is one
	Direction   Direction  `json:"direction"`
	Campaign    string     `json:"campaign,omitempty"` // that it is of
	Contact     string     `json:"contact,omitempty"`  // of the campaign, that was called
	SIPCallID   string     `json:"sip_call_id"`
	Source      string     `json:"source"` // address the INVITE came from
	Caller      string     `json:"caller"` // national number, a seat, or Anonymous
	CallerName  string     `json:"caller_name,omitempty"`
	Private     bool       `json:"private,omitempty"` // the caller asked not to be shown
	Trunk       string     `json:"trunk,omitempty"`
	Gateway     string     `json:"gateway,omitempty"` // that an outbound call went through
	Tried       []Tried    `json:"tried,omitempty"`   // each gateway that an outbound call was tried through
	Called      string     `json:"called"`
	Line        string     `json:"line"`
	Queue       string     `json:"queue"`
	Digit       string     `json:"digit"`
	Seat        string     `json:"seat"` // seat that talked
	User        string     `json:"user"`
	StartedAt   time.Time  `json:"started_at"`             // INVITE received or sent
	AnsweredAt  time.Time  `json:"answered_at,omitzero"`   // the centre's 200 to the caller
	PromptAt    time.Time  `json:"prompt_at,omitzero"`     // welcome began
	DigitAt     time.Time  `json:"digit_at,omitzero"`      // first valid digit
	QueuedAt    time.Time  `json:"queued_at,omitzero"`     // entered the queue
	RingingAt   time.Time  `json:"ringing_at,omitzero"`    // the answering seat's phone rang
	SeatAt      time.Time  `json:"seat_at,omitzero"`       // a seat answered
	BridgedAt   time.Time  `json:"bridged_at,omitzero"`    // both sides could talk
	TalkEndedAt time.Time  `json:"talk_ended_at,omitzero"` // the seat went and the citizen was asked for a rating; else EndedAt
	Rating      int        `json:"rating,omitempty"`       // the citizen's, of the call: 5 very satisfied … 1 very dissatisfied; 0 none
	EndedAt     time.Time  `json:"ended_at,omitzero"`      // over
	Offers      []Offered  `json:"offers"`                 // each offer to a seat
	EndedBy     Party      `json:"ended_by,omitempty"`     // who hung up
	EndedUser   string     `json:"ended_user,omitempty"`   // user who hung it up through the API
	Cause       string     `json:"cause,omitempty"`        // why it ended
	Code        int        `json:"code,omitempty"`         // SIP status, where one was the reason
	Legs        []LegInfo  `json:"legs"`                   // sound, a line per leg
	Recording   Recording  `json:"recording"`              // zero when nothing was recorded
	Holds       []Span     `json:"holds,omitempty"`        // while the caller heard music
	Pauses      []Pause    `json:"pauses,omitempty"`       // kept out of the recording
	Parties     []Added    `json:"parties,omitempty"`      // who was added to the two
	Transfers   []Transfer `json:"transfers,omitempty"`    // by REFER of a seat's phone
	Callback    string     `json:"callback,omitempty"`     // that the call is a try of
	Mutes       []Span     `json:"mutes,omitempty"`        // while the seat was not heard
	Message     *Span      `json:"message,omitempty"`      // that the citizen left; the recording has it
	Losses      []Loss     `json:"losses,omitempty"`       // times without its seat, whose phone failed
	Missed      bool       `json:"missed"`                 // ended before a seat answered
}

// Offered is one offer of a call to a seat.
type Offered struct {
	Seat       string    `json:"seat"`
	User       string    `json:"user"`
	Attempt    int       `json:"attempt"` // from 1
	Reason     string    `json:"reason"`  // why this seat
	OfferedAt  time.Time `json:"offered_at"`
	RingingAt  time.Time `json:"ringing_at,omitzero"`
	AnsweredAt time.Time `json:"answered_at,omitzero"`
	EndedAt    time.Time `json:"ended_at,omitzero"`
	Outcome    string    `json:"outcome,omitempty"` // answered, no_answer, rejected, unreachable, withdrawn
}

// Added is a party that was added to a call of two (三方通话).
type Added struct {
	ID        string    `json:"id"`     // within the call
	Number    string    `json:"number"` // as it was dialled, or a seat
	Seat      string    `json:"seat,omitempty"`
	User      string    `json:"user"` // who asked for it
	CalledAt  time.Time `json:"called_at"`
	RingingAt time.Time `json:"ringing_at,omitzero"`
	JoinedAt  time.Time `json:"joined_at,omitzero"` // zero: never talked
	LeftAt    time.Time `json:"left_at,omitzero"`
	DroppedBy string    `json:"dropped_by,omitempty"` // user who took it out
	// Supervision is how a supervisor takes part, or did last; empty for others.
	Supervision Supervision `json:"supervision,omitempty"`
	Cause       string      `json:"cause,omitempty"`
	Code        int         `json:"code,omitempty"` // SIP status, where one was the reason
}

// Span is a stretch of time. A zero To means that it has not ended.
type Span struct {
	From time.Time `json:"from"`
	To   time.Time `json:"to,omitzero"`
}

// LegInfo is what one leg's sound was like.
type LegInfo struct {
	Party    Party  `json:"party"`
	Seat     string `json:"seat,omitempty"`
	Codec    string `json:"codec"`
	Received uint64 `json:"received"` // RTP packets
	Sent     uint64 `json:"sent"`
	Lost     uint64 `json:"lost"`
	// LostPercent is Lost as a share of what was to come, from 0 to 100.
	LostPercent float64 `json:"lost_percent,omitempty"`
	JitterMS    float64 `json:"jitter_ms"`
	// Strange counts packets of strangers, which were not taken.
	Strange uint64 `json:"strange,omitempty"`
	// What the party's RTCP said about how it heard the centre, and the round trip; zero when it said nothing.
	RemoteLost     int64   `json:"remote_lost,omitempty"`
	RemoteJitterMS float64 `json:"remote_jitter_ms,omitempty"`
	RoundTripMS    float64 `json:"round_trip_ms,omitempty"`
	// Estimated opinion of a listener here, and there, from 1 to 4.5 (ITU-T G.107); zero when nothing is known.
	MOS       float64 `json:"mos,omitempty"`
	RemoteMOS float64 `json:"remote_mos,omitempty"`
}

// RecordingState says where a recording is.
type RecordingState string

// The states of a recording.
const (
	RecordingNone    RecordingState = ""
	RecordingSpooled RecordingState = "spooled" // on disk under SpoolDir
	RecordingStored  RecordingState = "stored"  // in the blob store
	RecordingLost    RecordingState = "lost"    // neither; Error tells why
	RecordingDropped RecordingState = "dropped" // deleted after its time
)

// Recording describes the stereo WAV of a call: left the caller, right the seat.
type Recording struct {
	State      RecordingState `json:"state,omitempty"`
	Name       string         `json:"name,omitempty"` // blob name
	Key        string         `json:"key,omitempty"`  // fingerprint of the key that it is encrypted with
	Size       int64          `json:"size,omitempty"` // bytes, of the WAV as it is heard
	SHA256     string         `json:"sha256,omitempty"`
	DurationMS int64          `json:"duration_ms,omitempty"`
	Error      string         `json:"error,omitempty"`
}

// Talk is how long the two sides talked.
func (c CDR) Talk() time.Duration {
	if !c.TalkEndedAt.IsZero() {
		return span(c.BridgedAt, c.TalkEndedAt)
	}
	return span(c.BridgedAt, c.EndedAt)
}

// Wait is how long the caller waited in the queue until a seat answered or
// the call ended.
func (c CDR) Wait() time.Duration {
	if !c.SeatAt.IsZero() {
		return span(c.QueuedAt, c.SeatAt)
	}
	return span(c.QueuedAt, c.EndedAt)
}

func span(from, to time.Time) time.Duration {
	if from.IsZero() || to.IsZero() || to.Before(from) {
		return 0
	}
	return to.Sub(from)
}

// MissedCall is a call that ended before a seat answered.
type MissedCall struct {
	CallID    string        `json:"call_id"`
	Caller    string        `json:"caller"`
	Line      string        `json:"line"`
	Queue     string        `json:"queue"`
	Digit     string        `json:"digit"`
	StartedAt time.Time     `json:"started_at"`
	EndedAt   time.Time     `json:"ended_at"`
	Waited    time.Duration `json:"waited"` // in the queue; 0 when it never got there
	Offers    int           `json:"offers"` // seats that were tried
	Cause     string        `json:"cause"`
	HandledAt time.Time     `json:"handled_at,omitzero"` // called back
	HandledBy string        `json:"handled_by,omitempty"`
}
