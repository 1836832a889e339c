package address

import (
	"strings"
	"unicode"

	"golang.org/x/text/unicode/norm"

	"hotline/search/pinyin"
)

// character is one of a text or a name, folded.
type character struct {
	r      rune
	sounds []string // blurred readings; of what is not Han itself
	start  int      // byte offsets in the text as it was given
	end    int
	weight float64 // of a name's character: how much it tells
}

// sounder reads characters and remembers how each is read. It is not safe for concurrent use.
type sounder map[rune][]string

func (s sounder) of(r rune) []string {
	if all, known := s[r]; known {
		return all
	}
	var all []string
	for _, reading := range pinyin.Of(r) {
		all = append(all, pinyin.Blurred(reading))
	}
	if all == nil {
		all = []string{string(r)}
	}
	s[r] = all
	return all
}

// fold cuts a text into at most limit characters. Width and case are folded, numbers up
// to 99 that count nothing are written as they are spoken, white space and marks are one separator (0).
func (s sounder) fold(text string, limit int) []character {
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
		folded := []rune(norm.NFKC.String(string(unicode.ToLower(r))))
		if len(folded) == 0 {
			continue
		}
		r = folded[0]
		if r < '0' || r > '9' {
			if !strings.ContainsRune(counted, r) {
				out = s.spoken(out, digits)
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
			out = append(out, character{r: r, sounds: s.of(r), start: i, end: end})
		default:
			gap(i)
		}
	}
	return s.spoken(out, digits)
}

// counted follows the number of a house, a floor or a day, which is in no place's name:
// 13号楼 is not 十三中.
const counted = "号栋幢座单室楼层排弄组户年月日天点时元米个"

var hanDigits = []rune("零一二三四五六七八九")

// spoken writes a number of one or two digits at the end of out in Han.
func (s sounder) spoken(out []character, digits int) []character {
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
		out = append(out, character{r: r, sounds: s.of(r), start: start, end: end})
	}
	return out
}

// alike reports whether two characters sound alike.
func alike(a, b []string) bool {
	for _, x := range a {
		for _, y := range b {
			if x == y {
				return true
			}
		}
	}
	return false
}
