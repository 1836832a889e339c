package telephony

import (
	"strings"
	"time"

	"hotline/telephony/invite"
)

// digitSource says how a key press came.
type digitSource uint8

const (
	byEvent digitSource = iota // RFC 4733, in the sound
	byInfo                     // an INFO request
)

// keypad gives each key press once, when a phone sends it both as telephone
// event and by INFO. The two arrive apart, in either order.
type keypad struct {
	seen [2][]press // of each source, not matched by the other yet
}

type press struct {
	key rune
	at  time.Time
}

// twin is how far apart the two forms of one key press may come.
const twin = 2 * time.Second

// fresh tells whether a key press is a new one.
func (p *keypad) fresh(from digitSource, key rune, at time.Time) bool {
	other := &p.seen[1-from]
	for len(*other) > 0 && at.Sub((*other)[0].at) > twin {
		*other = (*other)[1:]
	}
	if len(*other) > 0 && (*other)[0].key == key {
		*other = (*other)[1:]
		return false
	}
	const most = 64
	mine := &p.seen[from]
	if len(*mine) >= most {
		*mine = (*mine)[1:]
	}
	*mine = append(*mine, press{key, at})
	return true
}

// maxPressed bounds the digits by INFO that wait for their call.
const maxPressed = 32

// pressed takes a digit that a phone sends in an INFO request.
func (k *call) pressed(p *party, e invite.Info) {
	key, ok := infoDigit(e.ContentType, e.Body)
	if !ok || p.pressed == nil {
		return
	}
	select {
	case p.pressed <- key:
	default:
		k.log.Debug("digit dropped, nobody takes it")
	}
}

// infoDigit reads application/dtmf-relay ("Signal=5") and application/dtmf
// ("5"), as widespread phones and gateways send them.
func infoDigit(contentType string, body []byte) (rune, bool) {
	kind, _, _ := strings.Cut(contentType, ";")
	value := ""
	switch strings.ToLower(strings.TrimSpace(kind)) {
	case "application/dtmf":
		value = string(body[:min(len(body), 32)])
	case "application/dtmf-relay":
		for line := range strings.Lines(string(body[:min(len(body), 256)])) {
			if name, v, ok := strings.Cut(line, "="); ok && strings.EqualFold(strings.TrimSpace(name), "signal") {
				value = v
			}
		}
	}
	value = strings.ToUpper(strings.TrimSpace(value))
	switch value {
	case "10":
		value = "*"
	case "11":
		value = "#"
	}
	if len(value) != 1 || !strings.Contains("0123456789*#ABCD", value) {
		return 0, false
	}
	return rune(value[0]), true
}
