package telephony_test

import (
	"context"
	"errors"
	"testing"
	"testing/fstest"
	"time"

	"github.com/stretchr/testify/require"

	"hotline/telephony"
	"hotline/telephony/media"
	"hotline/telephony/phone"
	"hotline/telephony/prompts"
)

// register is what a city knows of its citizens.
type register struct{}

func (register) Facts(ctx context.Context, number string) ([]string, error) {
	switch number {
	case "13800138000":
		return []string{"elder"}, nil
	case "13900000001":
		return nil, errors.New("the register is down")
	case "13900000002": // it does not answer at all
		<-ctx.Done()
		return nil, ctx.Err()
	}
	return nil, nil
}

func (register) Progress(_ context.Context, number, ticket string) ([]string, error) {
	if ticket == "2026" && number == "13900000001" {
		return []string{prompts.ProgressProcessing}, nil
	}
	return nil, errors.New("no such ticket")
}

const whoCalls = `
- name: people
  lines: [12345]
  start: who
  steps:
    who: {caller: {elder: people, known: choose, else: stranger}}
    choose: {menu: {say: choose, wait: 10s, keys: {"1": number, "2": english, "3": back, "4": mail}, none: people}}
    number: {digits: {say: enter-number, most: 4, then: progress, none: people}}
    progress: {progress: {then: choose, none: people}}
    english: {language: {use: en, then: again}}
    again: {menu: {say: choose, wait: 10s, keys: {"4": mail}, none: people}}
    back: {callback: {else: people}}
    mail: {voicemail: {longest: 3s, callback: true}}
    stranger: {hangup: {say: stranger}}
    people: {queue: {}}
`

// whoCallsRig has sentences known by their tones.
func whoCallsRig(t *testing.T) (*rig, <-chan *phone.Call) {
	t.Helper()
	there, calls := citizen(t)
	r := prepareRig(t, under(telephony.QueueConfig{Name: "q"}), led(whoCalls), func(c *telephony.Config) {
		c.TrunkList = []telephony.Trunk{{Name: "telecom", Gateways: []telephony.Gateway{{Host: there}}}}
		c.Prompts = prompts.Over(fstest.MapFS{
			"choose.wav": spoken(t, toneNext), "en/choose.wav": spoken(t, toneThird), "stranger.wav": spoken(t, toneThird),
			"progress-processing.wav": spoken(t, toneMusic), "callback-noted.wav": spoken(t, toneThird), "voicemail-noted.wav": spoken(t, toneThird),
			"voicemail.wav": spoken(t, toneMusic), "beep.wav": spoken(t, toneWelcome),
		})
	})
	r.callers = register{}
	r.start()
	return r, calls
}

// from has somebody call whose number is another one.
func (r *rig) from(number string) *phone.Call {
	r.t.Helper()
	c, err := r.phone(phone.Options{}).DialWith(r.t.Context(), "12345", phone.DialOptions{From: number})
	require.NoError(r.t, err)
	require.NoError(r.t, c.WaitAnswered(r.ctx()))
	return c
}

// A flow branches on who calls; a register that fails or does not answer keeps nobody waiting.
func TestFlowsBranchOnTheCaller(t *testing.T) {
	r, _ := whoCallsRig(t)
	elder := r.dial(r.phone(phone.Options{}))
	r.await("straight to a person", func() bool { return waiting(r) == 1 })
	elder.Hangup()
	r.endedCall()
	for _, number := range []string{"13900000001", "13900000002"} {
		c := r.from(number)
		require.NoError(t, c.WaitTone(r.ctx(), toneNext))
		c.Hangup()
		r.endedCall()
	}
	nobody := r.from("anonymous")
	require.NoError(t, nobody.WaitTone(r.ctx(), toneThird))
	r.done(nobody)
	r.endedCall()
	r.awaitClean()
}

// A citizen hears how far the own ticket is; whose number leads nowhere is put through to a person.
func TestProgressByTelephone(t *testing.T) {
	r, _ := whoCallsRig(t)
	c := r.from("13900000001")
	require.NoError(t, c.SendDigits(r.ctx(), "12026"))
	require.NoError(t, c.WaitTone(r.ctx(), toneMusic))
	require.NoError(t, c.SendDigits(r.ctx(), "1999#"))
	r.await("a person", func() bool { return waiting(r) == 1 })
	c.Hangup()
	r.endedCall()
	r.awaitClean()
}

// Who chooses another language hears it from then on, as far as there are such sentences.
func TestAnotherLanguage(t *testing.T) {
	r, _ := whoCallsRig(t)
	c := r.from("13900000001")
	require.NoError(t, c.SendDigits(r.ctx(), "2"))
	require.NoError(t, c.WaitTone(r.ctx(), toneThird))
	c.Hangup()
	r.endedCall()
	r.awaitClean()
}

// A flow lets a citizen be called back without having waited.
func TestAFlowCallsBack(t *testing.T) {
	r, calls := whoCallsRig(t)
	c := r.from("13900000001")
	require.NoError(t, c.SendDigits(r.ctx(), "3"))
	require.NoError(t, c.WaitTone(r.ctx(), toneThird))
	r.done(c)
	require.Equal(t, telephony.CauseCallback, r.endedCall().Cause)
	_, rings := r.seat("8001")
	seat := r.next(rings)
	require.NoError(t, seat.Answer())
	r.hearEachOther(r.next(calls), seat)
	seat.Hangup()
	r.endedCall()
	require.Equal(t, "13900000001", oneCallback(r, telephony.CallbackReached).Number)
	r.awaitClean()
}

// A message is recorded as it was said, ends with #, the caller's hanging up or its time, and has the citizen called back.
func TestVoicemail(t *testing.T) {
	for name, ends := range map[string]func(r *rig, c *phone.Call){
		"hash": func(r *rig, c *phone.Call) {
			require.NoError(r.t, c.SendDigits(r.ctx(), "5#"))
			require.NoError(r.t, c.WaitTone(r.ctx(), toneThird))
			r.done(c)
		},
		"hung up": func(_ *rig, c *phone.Call) { c.Hangup() },
		"too long": func(r *rig, c *phone.Call) {
			require.NoError(r.t, c.WaitTone(r.ctx(), toneThird))
			r.done(c)
		},
	} {
		t.Run(name, func(t *testing.T) {
			r, _ := whoCallsRig(t)
			c := r.from("13900000001")
			require.NoError(t, c.SendDigits(r.ctx(), "4"))
			require.NoError(t, c.WaitTone(r.ctx(), toneMusic))
			r.await("the tone is over", func() bool { return len(r.center.Live()) == 1 && r.center.Live()[0].State == telephony.CallVoicemail })
			began := time.Now()
			c.Play(media.Tone(toneCaller, -10, 0), false)
			r.await("a sentence", func() bool { return time.Since(began) > 1300*time.Millisecond })
			ends(r, c)
			cdr := r.endedCall()
			require.Equal(t, telephony.CauseVoicemail, cdr.Cause)
			require.True(t, cdr.Missed)
			require.NotNil(t, cdr.Message)
			took := cdr.Message.To.Sub(cdr.Message.From)
			require.Greater(t, took, 1200*time.Millisecond)
			require.Equal(t, cdr.ID, oneCallback(r, telephony.CallbackWaiting).CallID)
			r.await("the recording is stored", func() bool {
				stored, err := r.center.Call(t.Context(), cdr.ID)
				return err == nil && stored.Recording.State == telephony.RecordingStored
			})
			body, info, err := r.center.Recording(t.Context(), cdr.ID)
			require.NoError(t, err)
			defer func() { require.NoError(t, body.Close()) }()
			require.InDelta(t, took.Milliseconds(), info.DurationMS, 60)
			wav, err := media.ReadWAV(body)
			require.NoError(t, err)
			require.Greater(t, loudest(wav.Channels[0], toneCaller), 0.05, "the citizen is on the left")
			require.Less(t, loudest(wav.Channels[1], toneWelcome), 0.01, "the tone before it is not in it")
		})
	}
	t.Run("nothing said", func(t *testing.T) {
		r, _ := whoCallsRig(t)
		c := r.from("13900000001")
		require.NoError(t, c.SendDigits(r.ctx(), "4"))
		r.await("the tone is over", func() bool { return len(r.center.Live()) == 1 && r.center.Live()[0].State == telephony.CallVoicemail })
		c.Hangup()
		require.Equal(t, telephony.CauseAbandoned, r.endedCall().Cause)
		page, err := r.center.Callbacks(t.Context(), telephony.CallbackFilter{})
		require.NoError(t, err)
		require.Empty(t, page.Items)
		r.awaitClean()
	})
}
