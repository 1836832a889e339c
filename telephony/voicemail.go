package telephony

import (
	"time"

	"hotline/telephony/ivr"
	"hotline/telephony/media"
	"hotline/telephony/prompts"
)

// CallVoicemail is the state of a call whose citizen leaves a message.
const CallVoicemail = "voicemail"

// CauseVoicemail ends a call whose citizen left a message, which is its recording.
const CauseVoicemail = "voicemail"

// Events of a message.
const (
	EvMessage      = "message"       // the citizen may speak
	EvMessageEnded = "message_ended" // # was pressed, or the time was over
)

// shortMessage is what is no message: the caller hung up at the tone.
const shortMessage = time.Second

// takeMessage records what the caller says; the call ends with it.
func (k *call) takeMessage(v *ivr.Voicemail) {
	host := &caller{k: k}
	if _, err := host.Say([]string{prompts.Beep}, false); err != nil {
		return
	}
	err := k.openRecorder()
	if err != nil {
		k.sayBye(CauseFailed)
		return
	}
	k.caller.leg.Record(k.recorder, 0)
	k.record(EvMessage, "", "", EventData{})
	k.setState(CallVoicemail)
	if v.Callback {
		defer k.callBackLater()
	}
	quiet := k.caller.leg.Play(media.Silence(0), false) // some networks end a call in which nothing comes
	defer quiet.Stop()
	over := time.Now().Add(v.Longest)
	for key := rune(0); err == nil && key != '#'; {
		left := time.Until(over)
		if left <= 0 {
			break
		}
		key, err = host.Key(left)
	}
	k.caller.leg.Record(nil, 0)
	if err != nil { // the caller hung up, as callers do
		return
	}
	k.record(EvMessageEnded, "", "", EventData{})
	if k.say(prompts.VoicemailNoted) {
		k.stop(PartySystem, "", CauseVoicemail, 0)
	}
}

// sayBye ends a call with a word.
func (k *call) sayBye(cause string) {
	if k.say(prompts.Goodbye) {
		k.stop(PartySystem, "", cause, 0)
	}
}

// callBackLater puts the citizen of a message into the line's queue.
func (k *call) callBackLater() {
	cdr, _ := k.snapshot()
	if !k.c.callable(cdr.Caller) || k.messageTook() < shortMessage {
		return
	}
	k.c.callbacks.owe(Callback{
		Number: cdr.Caller, CallID: k.id, Line: cdr.Line, Queue: k.c.queueOf(cdr.Line, ""), Since: k.now(), By: CallbackMissed,
	})
}

// messageTook is how long the message is so far.
func (k *call) messageTook() time.Duration {
	k.mu.Lock()
	defer k.mu.Unlock()
	m := k.cdr.Message
	switch {
	case m == nil:
		return 0
	case !m.To.IsZero():
		return span(m.From, m.To)
	case k.stopped:
		return span(m.From, k.end.at.Truncate(time.Millisecond))
	}
	return span(m.From, k.now())
}

// applyMessage brings the record's message up to date.
func (c *CDR) applyMessage(e Event) {
	if e.Type == EvMessage {
		c.Message = &Span{From: e.At}
		return
	}
	c.endMessage(e.At)
}

func (c *CDR) endMessage(at time.Time) {
	if c.Message != nil && c.Message.To.IsZero() {
		c.Message = &Span{From: c.Message.From, To: at}
	}
}
