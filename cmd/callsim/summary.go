package main

import (
	"math"
	"slices"
	"sync"
	"time"

	"hotline/telephony/phone"
)

// Summary is what callsim prints. Times are in milliseconds unless the name says otherwise.
type Summary struct {
	Command        string        `json:"command"`
	Target         string        `json:"target"`
	Seed           uint64        `json:"seed"`
	OK             bool          `json:"ok"`
	ElapsedSeconds float64       `json:"elapsed_s"`
	Calls          *CallCounts   `json:"calls,omitempty"`
	Setup          *Distribution `json:"setup_ms,omitempty"`
	Answer         *Distribution `json:"answer_ms,omitempty"`
	Connect        *Distribution `json:"connect_ms,omitempty"`
	FirstSound     *Distribution `json:"first_sound_ms,omitempty"`
	RTP            *RTP          `json:"rtp,omitempty"`
	Audio          *Audio        `json:"audio,omitempty"`
	Seats          *SeatCounts   `json:"seats,omitempty"`
	Details        []CallDetail  `json:"details,omitempty"`
}

// CallCounts of the callers. Answered calls are those with a 200, connected ones heard what they were to hear.
type CallCounts struct {
	Started   int            `json:"started"`
	Answered  int            `json:"answered"`
	Connected int            `json:"connected"`
	Abandoned int            `json:"abandoned"`
	Failed    int            `json:"failed"`
	Peak      int            `json:"peak"`
	Failures  map[string]int `json:"failures,omitempty"`
}

// Distribution of a measurement.
type Distribution struct {
	N    int     `json:"n"`
	Min  float64 `json:"min"`
	Mean float64 `json:"mean"`
	P50  float64 `json:"p50"`
	P95  float64 `json:"p95"`
	P99  float64 `json:"p99"`
	Max  float64 `json:"max"`
}

// RTP adds up the audio of all callers.
type RTP struct {
	Sent        uint64        `json:"sent"`
	Received    uint64        `json:"received"`
	Expected    uint64        `json:"expected"`
	Lost        uint64        `json:"lost"`
	LossPercent float64       `json:"loss_percent"`
	Jitter      *Distribution `json:"jitter_ms,omitempty"`
}

// Audio counts calls by where sound was heard; both only where seats run in the same process.
type Audio struct {
	CallerHeard int `json:"caller_heard"`
	SeatHeard   int `json:"seat_heard"`
}

// SeatCounts of the seats. Heard counts calls in which the seat heard the caller's tone.
type SeatCounts struct {
	Registered int            `json:"registered"`
	Offered    int            `json:"offered"`
	Answered   int            `json:"answered"`
	Rejected   int            `json:"rejected"`
	Lost       int            `json:"lost"`
	Heard      int            `json:"heard"`
	Failures   map[string]int `json:"failures,omitempty"`
	RTP        *RTP           `json:"rtp,omitempty"`
	Ring       *Distribution  `json:"ring_ms,omitempty"`
	Talk       *Distribution  `json:"talk_ms,omitempty"`
}

// CallDetail is one caller's call.
type CallDetail struct {
	From      string  `json:"from"`
	CallID    string  `json:"call_id"`
	Failure   string  `json:"failure,omitempty"`
	Abandoned bool    `json:"abandoned,omitempty"`
	Code      int     `json:"code"`
	EndedBy   string  `json:"ended_by"`
	Setup     float64 `json:"setup_ms"`
	Answer    float64 `json:"answer_ms"`
	Connect   float64 `json:"connect_ms"`
	Talk      float64 `json:"talk_ms"`
	Sent      uint64  `json:"sent"`
	Received  uint64  `json:"received"`
	Lost      uint64  `json:"lost"`
	Jitter    float64 `json:"jitter_ms"`
	Heard     bool    `json:"heard"`
}

func round(v float64) float64 { return math.Round(v*1000) / 1000 }

func millis(d time.Duration) float64 { return round(float64(d) / float64(time.Millisecond)) }

// distribution of values; nil without any.
func distribution(values []float64) *Distribution {
	if len(values) == 0 {
		return nil
	}
	slices.Sort(values)
	sum := 0.0
	for _, v := range values {
		sum += v
	}
	// The nearest rank: the smallest value that the share of all does not exceed.
	at := func(share float64) float64 {
		return values[max(0, int(math.Ceil(share*float64(len(values))))-1)]
	}
	return &Distribution{
		N: len(values), Min: values[0], Mean: round(sum / float64(len(values))),
		P50: at(0.5), P95: at(0.95), P99: at(0.99), Max: values[len(values)-1],
	}
}

// audioSum adds up the RTP of calls.
type audioSum struct {
	rtp    RTP
	jitter []float64
}

func (a *audioSum) add(s phone.Stats) {
	a.rtp.Sent += s.Media.Sent
	a.rtp.Received += s.Media.Received
	a.rtp.Expected += s.Media.Expected
	a.rtp.Lost += s.Media.Lost
	if s.Media.Received > 0 {
		a.jitter = append(a.jitter, millis(s.Media.Jitter))
	}
}

func (a *audioSum) result() *RTP {
	rtp := a.rtp
	if rtp.Expected > 0 {
		rtp.LossPercent = round(100 * float64(rtp.Lost) / float64(rtp.Expected))
	}
	rtp.Jitter = distribution(a.jitter)
	return &rtp
}

// callTally collects the callers' results.
type callTally struct {
	mu                                 sync.Mutex
	counts                             CallCounts
	running                            int
	details                            bool
	list                               []CallDetail
	setup, answer, connect, firstSound []float64
	audio                              audioSum
	heard                              int
}

func (t *callTally) begin() {
	t.mu.Lock()
	defer t.mu.Unlock()
	t.counts.Started++
	t.running++
	t.counts.Peak = max(t.counts.Peak, t.running)
}

func (t *callTally) end(d CallDetail, s phone.Stats) {
	t.mu.Lock()
	defer t.mu.Unlock()
	t.running--
	if s.Setup > 0 {
		t.setup = append(t.setup, millis(s.Setup))
	}
	if s.Answer > 0 {
		t.counts.Answered++
		t.answer = append(t.answer, millis(s.Answer))
	}
	if d.Connect > 0 {
		t.counts.Connected++
		t.connect = append(t.connect, d.Connect)
	}
	if s.FirstSound > 0 {
		t.firstSound = append(t.firstSound, millis(s.FirstSound))
	}
	if d.Heard {
		t.heard++
	}
	t.audio.add(s)
	switch {
	case d.Failure != "":
		t.counts.Failed++
		t.counts.Failures = count(t.counts.Failures, d.Failure)
	case d.Abandoned:
		t.counts.Abandoned++
	}
	if t.details && len(t.list) < 10_000 {
		t.list = append(t.list, d)
	}
}

func count(m map[string]int, key string) map[string]int {
	if m == nil {
		m = make(map[string]int)
	}
	m[key]++
	return m
}

func (t *callTally) summary() *Summary {
	t.mu.Lock()
	defer t.mu.Unlock()
	counts := t.counts
	return &Summary{
		OK: counts.Failed == 0 && counts.Started > 0, Calls: &counts,
		Setup: distribution(t.setup), Answer: distribution(t.answer), Connect: distribution(t.connect),
		FirstSound: distribution(t.firstSound), RTP: t.audio.result(), Audio: &Audio{CallerHeard: t.heard}, Details: t.list,
	}
}
