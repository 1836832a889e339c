package telephony_test

import (
	"bytes"
	"encoding/json"
	"sync/atomic"
	"testing"
	"testing/fstest"
	"time"

	"github.com/stretchr/testify/require"
	"go.yaml.in/yaml/v3"

	"hotline/telephony"
	"hotline/telephony/acd"
	"hotline/telephony/ivr"
	"hotline/telephony/media"
	"hotline/telephony/phone"
	"hotline/telephony/prompts"
)

// led has the centre lead its callers through a flow, written as a city writes it.
func led(flow string) rigOption {
	return func(c *telephony.Config) {
		var doc yaml.Node
		if err := yaml.Unmarshal([]byte(flow), &doc); err != nil {
			panic(err)
		}
		flows, err := ivr.Parse(doc.Content[0])
		if err != nil {
			panic(err)
		}
		c.Flows = flows
	}
}

// spoken is a prompt of one tone.
func spoken(t *testing.T, tone float64) *fstest.MapFile {
	t.Helper()
	pcm := make([]int16, media.SampleRate)
	media.Tone(tone, -10, 0).Fill(pcm, 0)
	var b bytes.Buffer
	require.NoError(t, media.WriteWAV(&b, pcm))
	return &fstest.MapFile{Data: b.Bytes()}
}

const choice = `
- name: city
  lines: [12345]
  start: hours
  steps:
    hours: {hours: {open: [workday 08:00-18:00], then: choose, else: closed}}
    closed: {hangup: {say: closed}}
    choose: {menu: {say: choose, wait: 10s, keys: {"8": english, "9": district, "0": general}, none: general}}
    english: {queue: {name: english, needs: "english>=2"}}
    district: {transfer: {number: "02512345"}}
    general: {queue: {same-agent: 72h}}
`

func TestAFlowLeadsTheCaller(t *testing.T) {
	outside, diverted := outsidePhone(t, phone.Options{User: "02512345"})
	var closed atomic.Bool
	r := newRig(t, under(telephony.QueueConfig{Name: "q"}, telephony.QueueConfig{Name: "english"}), led(choice), func(c *telephony.Config) {
		c.Gateway = outside.Addr().String()
		c.Prompts = prompts.Over(fstest.MapFS{"choose.wav": spoken(t, toneNext), "closed.wav": spoken(t, toneThird)})
		c.Workday = func(time.Time) bool { return !closed.Load() }
		c.Zone = time.FixedZone("noon", (12-time.Now().UTC().Hour())*3600)
	})
	require.NoError(t, r.center.SetSkills(r.ctx(), "agent2", telephony.Skills{"english": 2}, "lead1"))
	_, first := r.seat("8001")
	_, second := r.seat("8002")

	t.Run("a key leads to a queue and to who is able", func(t *testing.T) {
		citizen := r.dial(r.phone(phone.Options{}))
		require.NoError(t, citizen.WaitTone(r.ctx(), toneNext), "its own prompt")
		require.NoError(t, citizen.SendDigits(r.ctx(), "8"))
		operator := r.next(second)
		require.NoError(t, operator.Answer())
		r.awaitTalking()
		citizen.Hangup()
		cdr := r.endedCall()
		require.Equal(t, "english", cdr.Queue)
		require.Equal(t, "8", cdr.Digit)
		events, err := r.center.CallEvents(t.Context(), cdr.ID)
		require.NoError(t, err)
		var steps []string
		for _, e := range events {
			if e.Type == telephony.EvStep {
				var d telephony.EventData
				require.NoError(t, json.Unmarshal(e.Data, &d))
				steps = append(steps, d.Step)
			}
		}
		require.Equal(t, []string{"hours", "choose", "english"}, steps)
		r.seatState("8002", "ready")
	})
	t.Run("who talked with the caller last is asked first", func(t *testing.T) {
		citizen := r.dial(r.phone(phone.Options{}))
		require.NoError(t, citizen.SendDigits(r.ctx(), "0"))
		require.NoError(t, r.next(second).Answer(), "8001 has rested longer")
		r.awaitTalking()
		citizen.Hangup()
		cdr := r.endedCall()
		require.Equal(t, acd.ReasonPreferred, cdr.Offers[0].Reason)
		r.seatState("8002", "ready")
	})
	t.Run("a stranger goes to whoever is free", func(t *testing.T) {
		citizen, err := r.phone(phone.Options{}).DialWith(t.Context(), "12345", phone.DialOptions{From: "13900002222"})
		require.NoError(t, err)
		require.NoError(t, citizen.WaitAnswered(r.ctx()))
		require.NoError(t, citizen.SendDigits(r.ctx(), "0"))
		require.NoError(t, r.next(first).Answer())
		r.awaitTalking()
		citizen.Hangup()
		require.Equal(t, string(acd.LongestIdle), r.endedCall().Offers[0].Reason)
		r.seatState("8001", "ready")
	})
	t.Run("a key leads outside", func(t *testing.T) {
		citizen := r.dial(r.phone(phone.Options{}))
		require.NoError(t, citizen.SendDigits(r.ctx(), "9"))
		district := r.next(diverted)
		require.NoError(t, district.Answer())
		r.hearEachOther(citizen, district)
		citizen.Hangup()
		r.done(district)
		cdr := r.endedCall()
		require.False(t, cdr.Missed)
	})
	t.Run("outside the hours it is said so", func(t *testing.T) {
		closed.Store(true)
		citizen := r.dial(r.phone(phone.Options{}))
		require.NoError(t, citizen.WaitTone(r.ctx(), toneThird))
		r.done(citizen)
		cdr := r.endedCall()
		require.Equal(t, telephony.CauseFlow, cdr.Cause)
		require.True(t, cdr.Missed)
	})
	r.awaitClean()
}

func TestBadFlowsAreRefused(t *testing.T) {
	good := func() telephony.Config {
		return telephony.Config{SpoolDir: t.TempDir(), Lines: []telephony.Line{{Number: "12345"}}}
	}
	for text, want := range map[string]string{
		"- {name: f, lines: [12345], start: a, steps: {a: {queue: {name: none}}}}":                                                       `there is no queue "none"`,
		"- {name: f, lines: [999], start: a, steps: {a: {queue: {}}}}":                                                                   "line 999, which is not answered",
		"- {name: f, lines: [12345], start: a, steps: {a: {queue: {}}}}\n- {name: g, lines: [12345], start: a, steps: {a: {queue: {}}}}": "name it once",
	} {
		c := good()
		led(text)(&c)
		_, err := telephony.New(c, nil, nil, nil, telephony.Options{})
		require.ErrorIs(t, err, telephony.ErrInvalid)
		require.ErrorContains(t, err, want)
	}
}
