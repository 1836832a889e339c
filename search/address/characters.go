package address

import (
	"strings"
	"sync"
	"unicode"

	"golang.org/x/text/unicode/norm"

	"hotline/search/pinyin"
)

// character is one of a text or a name, folded.
type character struct {
	r      rune
	sounds []sound // blurred readings; of what is not Han itself
	start  int     // byte offsets in the text as it was given
	end    int
	weight float64 // of a name's character: how much it tells
}

// sound is the number of a blurred reading; of a character that is not Han, one of its own.
type sound uint32

// notHan is added to the code point of what is not Han.
const notHan = 1 << 16

// readings are the sounds of the Han characters that are common enough to be in a name.
var readings = sync.OnceValue(func() map[rune][]sound {
	numbers := map[string]sound{}
	all := map[rune][]sound{}
	for r := rune(0x4E00); r <= 0x9FFF; r++ {
		for _, reading := range pinyin.Of(r) {
			blurred := pinyin.Blurred(reading)
			n, known := numbers[blurred]
			if !known {
				n = sound(len(numbers)) //nolint:gosec // some four hundred
				numbers[blurred] = n
			}
			all[r] = append(all[r], n)
		}
	}
	return all
})

func soundsOf(r rune) []sound {
	if all := readings()[r]; all != nil {
		return all
	}
	return []sound{notHan + sound(r)} //nolint:gosec // a code point
}

// fold cuts a text into at most limit characters. Width and case are folded, numbers up
// to 99 that count nothing are written as they are spoken, white space and marks are one separator (0).
func fold(text string, limit int) []character {
	out := make([]character, 0, min(limit, len(text)/3+1))
	gap := func(at int) {
		if len(out) > 0 && out[len(out)-1].r != 0 {
			out = append(out, character{start: at, end: at})
		}
	}
	digits := 0 // ASCII digits at the end of out
	for i, r := range text {
		if len(out) >= limit {
			break
		}
		end := i + len(string(r))
		r = foldedRune(r)
		if r < '0' || r > '9' {
			if !strings.ContainsRune(counted, r) {
				out = spoken(out, digits)
			}
			digits = 0
		}
		switch {
		case r == unicode.ReplacementChar:
			gap(i)
		case unicode.IsDigit(r) || unicode.IsLetter(r):
			if r >= '0' && r <= '9' {
				digits++
			}
			out = append(out, character{r: r, sounds: soundsOf(r), start: i, end: end})
		default:
			gap(i)
		}
	}
	return spoken(out, digits)
}

// counted follows the number of a house, a floor or a day, which is in no place's name:
// 13号楼 is not 十三中.
const counted = "号栋幢座单室楼层排弄组户年月日天点时元米个"

var hanDigits = []rune("零一二三四五六七八九")

// spoken writes a number of one or two digits at the end of out in Han.
func spoken(out []character, digits int) []character {
	if digits == 0 || digits > 2 {
		return out
	}
	tail := out[len(out)-digits:]
	number := 0
	for _, c := range tail {
		number = 10*number + int(c.r-'0')
	}
	var word strings.Builder
	switch {
	case number >= 20:
		word.WriteRune(hanDigits[number/10])
		fallthrough
	case number >= 10:
		word.WriteRune('十')
	}
	if number%10 > 0 || number == 0 {
		word.WriteRune(hanDigits[number%10])
	}
	start, end := tail[0].start, tail[len(tail)-1].end
	out = out[:len(out)-digits]
	for _, r := range word.String() {
		out = append(out, character{r: r, sounds: soundsOf(r), start: start, end: end})
	}
	return out
}

// alike reports whether two characters sound alike.
func alike(a, b []sound) bool {
	for _, x := range a {
		for _, y := range b {
			if x == y {
				return true
			}
		}
	}
	return false
}

// foldedRune folds width and case; of a character that falls apart it is the first.
func foldedRune(r rune) rune {
	if r >= 0x4E00 && r <= 0x9FFF {
		return r
	}
	for _, folded := range norm.NFKC.String(string(unicode.ToLower(r))) {
		return folded
	}
	return r
}
