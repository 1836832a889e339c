package pinyin

import (
	"slices"
	"strings"
	"unicode"

	library "github.com/mozillazg/go-pinyin"
)

// Of returns the readings of a character, the commonest first; none for what is not Han.
func Of(r rune) []string {
	if !unicode.Is(unicode.Han, r) {
		return nil
	}
	args := library.NewArgs()
	args.Heteronym = true
	var all []string
	for _, reading := range library.SinglePinyin(r, args) {
		if reading != "" && !slices.Contains(all, reading) {
			all = append(all, reading)
		}
	}
	return all
}

// Blurred is a reading as speakers of many dialects hear it: zh, ch and sh as z, c and s,
// a final ng as n, and l as n.
func Blurred(reading string) string {
	if len(reading) > 1 && reading[1] == 'h' {
		reading = reading[:1] + reading[2:]
	}
	if strings.HasSuffix(reading, "ng") {
		reading = reading[:len(reading)-1]
	}
	if strings.HasPrefix(reading, "l") {
		reading = "n" + reading[1:]
	}
	return reading
}

// Initials are what the first letter of a text can be that a name begins with by sound.
func Initials(name string) []byte {
	runes := spoken([]rune(strings.ToLower(name)))
	if len(runes) == 0 {
		return nil
	}
	if runes[0] < unicode.MaxASCII {
		return []byte{byte(runes[0])}
	}
	var all []byte
	for _, reading := range Of(runes[0]) {
		if !slices.Contains(all, reading[0]) {
			all = append(all, reading[0])
		}
	}
	return all
}

// spoken is a name from its first letter or digit on.
func spoken(name []rune) []rune {
	for len(name) > 0 && !unicode.IsLetter(name[0]) && !unicode.IsDigit(name[0]) {
		name = name[1:]
	}
	return name
}

// Begins reports whether typed, in a to z and digits, can be how a name begins by sound:
// each of its characters by the first letter of a reading or by the whole of it.
// Letters and digits of the name stand for themselves; what else is in it counts as not there.
func Begins(name, typed string) bool {
	return begins([]rune(strings.ToLower(name)), typed)
}

func begins(name []rune, typed string) bool {
	if typed == "" {
		return true
	}
	if name = spoken(name); len(name) == 0 {
		return false
	}
	if name[0] < unicode.MaxASCII {
		return rune(typed[0]) == name[0] && begins(name[1:], typed[1:])
	}
	for _, reading := range Of(name[0]) {
		switch {
		case strings.HasPrefix(typed, reading) && begins(name[1:], typed[len(reading):]):
			return true
		case typed[0] == reading[0] && begins(name[1:], typed[1:]):
			return true
		case strings.HasPrefix(reading, typed): // it is still being typed
			return true
		}
	}
	return false
}
