package prompts

import (
	"embed"
	"errors"
	"io/fs"
	"strconv"
	"strings"
	"time"
)

//go:embed *.wav en/*.wav yue/*.wav
var shipped embed.FS

// FS is the shipped set.
func FS() fs.FS { return shipped }

// Over is the shipped set with files of another folder in place of those of the same names, and beside them.
func Over(folder fs.FS) fs.FS { return layered{folder} }

type layered struct{ top fs.FS }

// Open implements fs.FS. A file that is there but cannot be read is an error: the shipped one is not what the city meant.
func (l layered) Open(name string) (fs.File, error) {
	f, err := l.top.Open(name)
	if errors.Is(err, fs.ErrNotExist) {
		return shipped.Open(name)
	}
	return f, err
}

// The names of the sentences, without ".wav".
const (
	Welcome            = "welcome"      // greeting, notice of recording, menu
	Invalid            = "invalid"      // that digit means nothing
	Connecting         = "connecting"   // a seat is being called
	Busy               = "busy"         // all seats are in calls
	NoAgent            = "no-agent"     // nobody is at work
	AheadBefore        = "ahead-before" // 您前面还有 …
	AheadAfter         = "ahead-after"  // … 位来电人
	Next               = "next"         // you are the next one
	Goodbye            = "goodbye"
	QueueFull          = "queue-full"
	Rate               = "rate"                // how was the service, keys 5 to 1
	Rated              = "rated"               // thanks for the rating, goodbye
	SeatLost           = "seat-lost"           // the operator's phone failed, we call you back
	CallbackOffer      = "callback-offer"      // press 1 to be called back in your place
	CallbackNoted      = "callback-noted"      // we will, you may hang up
	Voicemail          = "voicemail"           // speak after the tone, # or hanging up ends it
	VoicemailNoted     = "voicemail-noted"     // we have it, goodbye
	Beep               = "beep"                // the tone
	EnterNumber        = "enter-number"        // key in your ticket's number, then #
	ProgressAccepted   = "progress-accepted"   // your ticket was accepted
	ProgressProcessing = "progress-processing" // it is being worked on
	ProgressAnswered   = "progress-answered"   // it was answered
	Holiday            = "holiday"             // an announcement: service is reduced
	Emergency          = "emergency"           // an announcement: many call for the same reason
	WaitBefore         = "wait-before"         // 预计等候 …
	WaitAfter          = "wait-after"          // … 分钟
	Music              = "music"               // on hold, to be looped
	Ten                = "ten"
	Hundred            = "hundred"
)

// Names lists all sentences that the call centre may play.
func Names() []string {
	names := []string{Welcome, Invalid, Connecting, Busy, NoAgent, AheadBefore, AheadAfter, Next, Goodbye, QueueFull, Rate, Rated, SeatLost, CallbackOffer, CallbackNoted, Voicemail, VoicemailNoted, Beep, EnterNumber,
		ProgressAccepted, ProgressProcessing, ProgressAnswered, Holiday, Emergency, WaitBefore, WaitAfter, Music, Ten, Hundred}
	for d := range 10 {
		names = append(names, Digit(d))
	}
	return names
}

// Languages are those that the shipped set has beside Mandarin: English, and Cantonese as a dialect.
func Languages() []string { return []string{"en", "yue"} }

// Foreign tells whether a name is a sentence of another language, such as en/welcome.
func Foreign(name string) (language, sentence string, ok bool) {
	language, sentence, ok = strings.Cut(name, "/")
	return language, sentence, ok && language != ""
}

// Digit names the spoken digit d, 0…9.
func Digit(d int) string { return "digit-" + strconv.Itoa(d) }

// Ahead lists the parts of "n callers are before you" (您前面还有 n 位) in a language.
func Ahead(language string, n int) []string {
	if n <= 0 {
		return []string{Next}
	}
	return append(append([]string{AheadBefore}, counted(language, n)...), AheadAfter)
}

// counted is a number as a language has it: where that is not built as in Chinese, digit by digit.
func counted(language string, n int) (parts []string) {
	if language != "en" {
		return Number(n)
	}
	for _, d := range strconv.Itoa(min(max(n, 0), 999)) {
		parts = append(parts, Digit(int(d-'0')))
	}
	return parts
}

// Number lists the parts of a spoken number, 0…999: 105 is 一百零五, 12 is 十二.
// Larger numbers are spoken as 999.
func Number(n int) []string {
	n = min(max(n, 0), 999)
	if n < 10 {
		return []string{Digit(n)}
	}
	var parts []string
	hundreds, tens, ones := n/100, n/10%10, n%10
	if hundreds > 0 {
		parts = append(parts, Digit(hundreds), Hundred)
	}
	switch {
	case tens > 1 || tens == 1 && hundreds > 0: // 一百一十, but 十二
		parts = append(parts, Digit(tens), Ten)
	case tens == 1:
		parts = append(parts, Ten)
	case hundreds > 0 && ones > 0:
		parts = append(parts, Digit(0))
	}
	if ones > 0 {
		parts = append(parts, Digit(ones))
	}
	return parts
}

// Wait lists the parts of "about n minutes to wait" (预计等候 n 分钟) in a language, rounded up; nothing where the wait cannot be said.
func Wait(language string, d time.Duration) []string {
	if d <= 0 {
		return nil
	}
	minutes := int((d + time.Minute - 1) / time.Minute)
	return append(append([]string{WaitBefore}, counted(language, minutes)...), WaitAfter)
}
