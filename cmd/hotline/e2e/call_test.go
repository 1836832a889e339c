package e2e

import (
	"bytes"
	"encoding/binary"
	"fmt"
	"net/http"
	"net/netip"
	"net/url"
	"strings"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"hotline/cmd/hotline/testbed"

	"hotline/cmd/hotline/accounts"
	"hotline/cmd/hotline/app"
	"hotline/telephony/media"
	"hotline/ticketing/sla"
)

// The tones of the two sides, by which it is known who is heard where.
const (
	toneCitizen = 1000.0
	toneSeat    = 1500.0
)

// A citizen on sipp and an operator on baresip: from the ringing phone to a
// dispatched, timed ticket that is found by a word of two characters.
func TestForeignPhones(t *testing.T) {
	engineSets(t, func(t *testing.T, e engineSet) {
		n := startNode(t, e, app.Options{})
		s := &scene{t: t, n: n, agent: signIn(t, n.URL(), "agent1"), lead: signIn(t, n.URL(), "lead1")}
		s.call()
		s.clocks()
		s.found()
		s.record()
		s.recording()
	})
}

// scene is one call and its ticket.
type scene struct {
	t           *testing.T
	n           *app.App
	agent, lead *desk
	wire        *wire
	stalls      *stalls
	offered     time.Time
	phone       *testbed.Baresip
	citizen     citizen
	node        netip.AddrPort
	callID      string
	ticket      ticket
}

// call lets the two talk while the ticket is filled in and accepted.
func (s *scene) call() {
	t := s.t
	s.node = s.n.Center.Addr("udp")
	s.phone = sitDown(t, s.node.String(), "8001", accounts.DemoPassword, toneSeat)
	s.registered("8001")
	events := s.agent.listen()
	s.agent.call(http.MethodPut, "/api/v1/agents/me/status", map[string]string{"status": "ready"}, nil)

	port := testbed.FreePort(t)
	s.wire = tap(t, s.node.Port(), uint16(port))
	s.stalls = watchStalls(t)
	s.citizen = citizenCalls(t, s.node.String(), "12345", "+8613812345678", port, toneCitizen)

	offered := awaitLive(t, events, "call.offered") // before the test has anybody answer
	s.offered = offered.At
	rings := s.phone.Await("CALL_INCOMING")
	t.Logf("the live event came %v before baresip told that it rings", rings.Came.Sub(offered.came).Round(100*time.Microsecond))
	s.draft(offered)
	s.phone.Command("accept", "")
	answered := awaitLive(t, events, "call.answered")
	require.Equal(t, s.callID, answered.ID)

	s.accept()
	testbed.Await(t, "the seat's tone at the citizen's port", func() bool {
		return media.Goertzel(s.atCitizen(time.Second), media.SampleRate, toneSeat) > 0.1
	})
	testbed.Await(t, "two seconds of the citizen's voice", func() bool {
		return len(s.wire.all(func(d datagram) bool {
			return d.from == s.citizen.media && len(d.payload) == 12+media.FrameSamples
		})) >= 100
	})
	heard := s.atCitizen(time.Second)
	require.Less(t, media.Goertzel(heard, media.SampleRate, toneCitizen), 0.01, "the citizen does not hear himself")
	s.phone.Command("hangup", "")
	require.NoError(t, testbed.Next(t, "the end of sipp", s.citizen.ended))
	ended := awaitLive(t, events, "call.ended")
	require.Equal(t, s.callID, ended.ID)

	pcm := s.phone.Heard()
	require.InDelta(t, toneCitizen, dominant(pcm), 10, "what baresip heard")
	require.Less(t, media.Goertzel(pcm[len(pcm)-min(len(pcm), media.SampleRate):], media.SampleRate, toneSeat), 0.01, "the seat does not hear itself")
}

// draft checks what the operator sees before answering.
func (s *scene) draft(offered live) {
	t := s.t
	var page struct {
		Items []ticket `json:"items"`
	}
	s.agent.call(http.MethodGet, "/api/v1/tickets?state=draft", nil, &page)
	require.Len(t, page.Items, 1)
	s.ticket = page.Items[0]
	require.Contains(t, append([]string{s.ticket.ID}, s.ticket.Calls...), offered.ID)
	require.Equal(t, "phone", s.ticket.Channel)
	require.Equal(t, "12345", s.ticket.Line)
	require.Equal(t, "2", s.ticket.Digit, "pressed on sipp, by RFC 4733")
	require.Equal(t, "complaint", s.ticket.Appeal.Type)
	require.Equal(t, "138****5678", s.ticket.Citizen.Phone)
	require.Empty(t, s.ticket.Number)
	require.Len(t, s.ticket.Calls, 1)
	s.callID = s.ticket.Calls[0]
	var before struct {
		Items []ticket `json:"items"`
	}
	s.agent.call(http.MethodGet, "/api/v1/tickets/"+s.ticket.ID+"/earlier", nil, &before)
	require.Empty(t, before.Items)
}

// accept fills the ticket in, accepts it and waits until a worker dispatched it.
func (s *scene) accept() {
	t := s.t
	path := "/api/v1/tickets/" + s.ticket.ID
	s.agent.call(http.MethodGet, path, nil, &s.ticket) // answering has moved it on
	s.agent.call(http.MethodPatch, path, map[string]any{"version": s.ticket.Version, "appeal": map[string]string{
		"title": "望江里三巷路灯不亮", "description": "市民反映望江里三巷的路灯已经三天不亮,夜间出行不便,请尽快维修。",
		"category": "transport-streetlights", "district": "zhonglan", "address": "望江里三巷",
	}}, &s.ticket)
	s.agent.call(http.MethodPost, path+"/actions", map[string]any{"action": "accept", "version": s.ticket.Version}, &s.ticket)
	require.Regexp(t, `^\d{8}-\d{6}$`, s.ticket.Number)
	number := s.ticket.Number
	testbed.Await(t, "the dispatch", func() bool {
		s.lead.call(http.MethodGet, "/api/v1/tickets/"+number, nil, &s.ticket)
		return s.ticket.State == "dispatched"
	})
	require.Equal(t, "roads", s.ticket.Department, "the catalogue's department for street lights")
	require.Len(t, s.ticket.Assignments, 1)
	require.Equal(t, "system", s.ticket.Assignments[0].DispatchedBy, "a worker did it")
	clerk := signIn(t, s.n.URL(), "clerk-roads")
	var seen ticket
	clerk.call(http.MethodGet, "/api/v1/tickets/"+number, nil, &seen)
	require.Equal(t, s.ticket.ID, seen.ID)
	var told struct {
		Items []struct {
			Number string `json:"number"`
		} `json:"items"`
	}
	testbed.Await(t, "the department's notification", func() bool {
		clerk.call(http.MethodGet, "/api/v1/notifications", nil, &told)
		return len(told.Items) > 0
	})
	require.Equal(t, number, told.Items[0].Number)
}

// atCitizen is the last of what reached the citizen's port.
func (s *scene) atCitizen(d time.Duration) []int16 {
	var pcm []int16
	for _, p := range s.wire.all(func(d datagram) bool {
		return d.to == s.citizen.media && len(d.payload) > 12 && d.payload[1]&0x7f == byte(media.PCMA)
	}) {
		frame := make([]int16, len(p.payload)-12)
		media.PCMA.Decode(frame, p.payload[12:])
		pcm = append(pcm, frame...)
	}
	return pcm[max(0, len(pcm)-int(d.Seconds()*media.SampleRate)):]
}

func dominant(pcm []int16) float64 {
	f, _ := media.Dominant(pcm, media.SampleRate)
	return f
}

// clocks compares the ticket's clocks with a walk over the calendar, minute by
// minute, that knows nothing of how the product counts.
func (s *scene) clocks() {
	t := s.t
	accepted, dispatched := s.ticket.AcceptedAt, s.ticket.Assignments[0].DispatchedAt
	c := s.ticket.clock(t, "dispatch") // 30 minutes, at any hour
	require.WithinDuration(t, accepted, c.StartedAt, 0)
	require.WithinDuration(t, accepted.Add(15*time.Minute), c.YellowAt, 0)
	require.WithinDuration(t, accepted.Add(24*time.Minute), c.RedAt, 0)
	require.WithinDuration(t, accepted.Add(30*time.Minute), c.DueAt, 0)
	require.WithinDuration(t, dispatched, c.StoppedAt, 0)
	require.Equal(t, "met", c.State)

	c = s.ticket.clock(t, "sign") // one working day
	require.WithinDuration(t, dispatched, c.StartedAt, 0)
	require.WithinDuration(t, walk(dispatched, 7*time.Hour), c.DueAt, 0)
	require.True(t, c.Running)

	c = s.ticket.clock(t, "resolve") // five working days of a complaint
	require.WithinDuration(t, walk(c.StartedAt, 35*time.Hour/2), c.YellowAt, 0)
	require.WithinDuration(t, walk(c.StartedAt, 28*time.Hour), c.RedAt, 0)
	require.WithinDuration(t, walk(c.StartedAt, 35*time.Hour), c.DueAt, 0)
	require.Contains(t, []time.Time{accepted, dispatched}, c.StartedAt)
}

// walk is the moment at which d of working time (09:00-12:00, 13:30-17:30) is used up.
func walk(from time.Time, d time.Duration) time.Time {
	calendar := sla.DefaultCalendar()
	at := from.In(sla.Zone)
	for {
		minute := at.Hour()*60 + at.Minute()
		working := calendar.Workday(at) && (minute >= 9*60 && minute < 12*60 || minute >= 13*60+30 && minute < 17*60+30)
		end := at.Truncate(time.Minute).Add(time.Minute)
		if working {
			if step := end.Sub(at); d > step {
				d -= step
			} else {
				return at.Add(d)
			}
		}
		at = end
	}
}

// found looks the ticket up by a word of two characters.
func (s *scene) found() {
	t := s.t
	var hits struct {
		Items []struct {
			Number string `json:"number"`
			Title  []struct {
				Text string `json:"text"`
				Hit  bool   `json:"hit"`
			} `json:"title"`
		} `json:"items"`
		Total  int `json:"total"`
		Facets map[string][]struct {
			Key   string `json:"key"`
			Count int    `json:"count"`
		} `json:"facets"`
	}
	testbed.Await(t, "the ticket in the index", func() bool {
		s.lead.call(http.MethodGet, "/api/v1/search?facets=category,department&q="+url.QueryEscape("路灯"), nil, &hits)
		return len(hits.Items) > 0 && len(hits.Facets["department"]) > 0
	})
	require.Equal(t, 1, hits.Total)
	require.Equal(t, s.ticket.Number, hits.Items[0].Number)
	marked := ""
	for _, part := range hits.Items[0].Title {
		if part.Hit {
			marked += part.Text
		}
	}
	require.Equal(t, "路灯", marked)
	s.lead.call(http.MethodGet, "/api/v1/search?q="+url.QueryEscape("井盖"), nil, &hits)
	require.Zero(t, hits.Total)
}

// record compares the call's record with the wire.
func (s *scene) record() {
	t := s.t
	var c call
	testbed.Await(t, "the call's record", func() bool {
		s.lead.call(http.MethodGet, "/api/v1/calls/"+s.callID, nil, &c)
		return !c.EndedAt.IsZero() && c.Recording.State == "stored"
	})
	require.Equal(t, "138****5678", c.Caller)
	require.Equal(t, []string{"12345", "2", "8001", s.agent.user, "seat", "hangup"}, []string{c.Line, c.Digit, c.Seat, c.User, c.EndedBy, c.Cause})
	require.Len(t, c.Legs, 2)
	require.Equal(t, "PCMA", c.Legs[0].Codec)
	require.Equal(t, "PCMU", c.Legs[1].Codec, "the bridge transcodes")
	for _, leg := range c.Legs {
		require.Zero(t, leg.Lost, leg.Party)
		require.Positive(t, leg.Received)
		require.Positive(t, leg.Sent)
	}
	require.False(t, s.offered.After(c.RingingAt), "the event was committed before the seat's phone rang")
	node := s.node.Port()
	sip := func(d datagram, start, cseq string) bool {
		text := string(d.payload)
		return strings.HasPrefix(text, start) && strings.Contains(text, cseq)
	}
	invite := s.wire.first(t, "the INVITE", func(d datagram) bool { return d.to == node && sip(d, "INVITE ", "INVITE") })
	moments := []struct {
		name string
		got  time.Time
		fits func(datagram) bool
	}{
		{"started", c.StartedAt, func(d datagram) bool { return d.to == node && sip(d, "INVITE ", " INVITE\r\n") }},
		{"answered", c.AnsweredAt, func(d datagram) bool { return d.to == invite.from && sip(d, "SIP/2.0 200", " INVITE\r\n") }},
		{"digit, queued", c.QueuedAt, func(d datagram) bool {
			return d.from == s.citizen.media && len(d.payload) == 16 && d.payload[1]&0x7f == 101
		}},
		{"ringing", c.RingingAt, func(d datagram) bool { return d.to == node && sip(d, "SIP/2.0 180", " INVITE\r\n") }},
		{"seat", c.SeatAt, func(d datagram) bool { return d.to == node && sip(d, "SIP/2.0 200", " INVITE\r\n") }},
		{"bridged", c.BridgedAt, func(d datagram) bool { return d.to == node && sip(d, "SIP/2.0 200", " INVITE\r\n") }},
		{"ended", c.EndedAt, func(d datagram) bool { return d.to == node && sip(d, "BYE ", " BYE\r\n") }},
	}
	for _, m := range moments {
		at := s.wire.first(t, m.name, m.fits).at
		off := m.got.Sub(at)
		t.Logf("%-14s %+6.1f ms from the wire", m.name, float64(off.Microseconds())/1000)
		idle := s.stalls.around(at)
		require.LessOrEqual(t, off.Abs(), 50*time.Millisecond+idle, "%s; the process stood still for %v then", m.name, idle)
	}
	require.Equal(t, c.EndedAt.Sub(c.BridgedAt).Milliseconds(), c.TalkMS)
}

// registered waits until the seat's phone can be reached.
func (s *scene) registered(seat string) {
	var page struct {
		Items []struct {
			Seat       string `json:"seat"`
			Registered bool   `json:"registered"`
		} `json:"items"`
	}
	testbed.Await(s.t, "the seat's registration", func() bool {
		s.lead.call(http.MethodGet, "/api/v1/agents", nil, &page)
		for _, a := range page.Items {
			if a.Seat == seat && a.Registered {
				return true
			}
		}
		return false
	})
}

// recording has each side in a channel of its own.
func (s *scene) recording() {
	t := s.t
	status, header, raw := s.lead.send(http.MethodGet, fmt.Sprintf("/api/v1/calls/%s/recording?reason=%s", s.callID, url.QueryEscape("质检抽查")), nil)
	require.Equal(t, http.StatusOK, status, "%s", raw)
	require.Contains(t, header.Get("Content-Type"), "audio/")
	wav, err := media.ReadWAV(bytes.NewReader(raw))
	require.NoError(t, err)
	require.Len(t, wav.Channels, 2)
	for channel, want := range []struct{ own, other float64 }{{toneCitizen, toneSeat}, {toneSeat, toneCitizen}} {
		pcm := wav.Channels[channel]
		require.Greater(t, len(pcm), media.SampleRate/2)
		require.InDelta(t, want.own, dominant(pcm), 10, "channel %d", channel)
		half := pcm[len(pcm)/4 : len(pcm)*3/4]
		require.Greater(t, media.Goertzel(half, wav.Rate, want.own), 0.1, "channel %d", channel)
		require.Less(t, media.Goertzel(half, wav.Rate, want.other), 0.01, "channel %d", channel)
	}
	require.EqualValues(t, "RIFF", raw[:4])
	require.EqualValues(t, len(raw)-8, binary.LittleEndian.Uint32(raw[4:]), "the header is right")
}
