package ticketing

import (
	"strings"
	"unicode"
	"unicode/utf8"
)

// MaskName keeps the first character of a name: 王建国 → 王**.
func MaskName(name string) string {
	name = strings.TrimSpace(name)
	if name == "" {
		return ""
	}
	r, _ := utf8.DecodeRuneInString(name)
	return string(r) + "**"
}

// MaskPhone keeps the ends of a number: 13812345678 → 138****5678. A number too
// short to keep both ends keeps fewer digits, down to none.
func MaskPhone(phone string) string {
	n := len(phone)
	switch {
	case n == 0:
		return ""
	case n >= 10:
		return phone[:3] + strings.Repeat("*", n-7) + phone[n-4:]
	case n >= 7:
		return phone[:2] + strings.Repeat("*", n-4) + phone[n-2:]
	default:
		return strings.Repeat("*", n)
	}
}

// NormalizePhone brings a telephone number to the national form without +86:
// spaces, dots, dashes and brackets go, full-width digits become plain, and +86
// or 0086 is taken off. Numbers of other countries keep their +. An empty
// number stays empty.
func NormalizePhone(phone string) (string, error) {
	bad := invalid("citizen.phone", "is not a telephone number; give digits such as 13812345678 or 0519-86601234", "电话号码不正确，请填写如 13812345678 或 0519-86601234")
	if len(phone) > 64 {
		return "", bad
	}
	var b strings.Builder
	for i, r := range strings.TrimSpace(phone) {
		switch {
		case r >= '0' && r <= '9':
			b.WriteRune(r)
		case r >= '０' && r <= '９':
			b.WriteRune(r - '０' + '0')
		case (r == '+' || r == '＋') && i == 0:
			b.WriteByte('+')
		case r == '-' || r == '－' || r == '.' || r == '(' || r == ')' || r == '（' || r == '）' || unicode.IsSpace(r):
		default:
			return "", bad
		}
	}
	s := b.String()
	if s == "" {
		if strings.TrimSpace(phone) != "" {
			return "", bad
		}
		return "", nil
	}
	switch {
	case strings.HasPrefix(s, "+86"):
		s = national(s[3:])
	case strings.HasPrefix(s, "0086"):
		s = national(s[4:])
	case len(s) == 13 && strings.HasPrefix(s, "861"):
		s = s[2:]
	}
	digits := strings.TrimPrefix(s, "+")
	if len(digits) < 3 || len(digits) > 17 {
		return "", bad
	}
	return s, nil
}

// national puts the 0 of an area code back that +86 left out.
func national(s string) string {
	if len(s) == 10 && strings.HasPrefix(s, "10") { // Beijing; mobile numbers have eleven digits
		return "0" + s
	}
	if len(s) >= 9 && len(s) <= 11 && s[0] != '1' && s[0] != '0' && s[0] != '4' && s[0] != '8' {
		return "0" + s
	}
	return s
}

// hidePerson takes a citizen's own name and number out of a text.
func hidePerson(text string, c Citizen) string {
	if len(c.Phone) >= 5 {
		text = hideNumber(text, c.Phone)
	}
	if utf8.RuneCountInString(c.Name) >= 2 {
		text = strings.ReplaceAll(text, c.Name, "***")
	}
	return text
}

// hideNumber takes a number out of a text, also when it is written in groups
// (138-1234-5678) or in full-width digits.
func hideNumber(text, number string) string {
	var b strings.Builder
	runes := []rune(text)
	for i := 0; i < len(runes); {
		if n := spelled(runes[i:], number); n > 0 {
			b.WriteString("***")
			i += n
			continue
		}
		b.WriteRune(runes[i])
		i++
	}
	return b.String()
}

// spelled tells how many runes at the beginning of a text spell the number; 0
// when they do not.
func spelled(text []rune, number string) int {
	const most = 2 // separators between two digits
	at, between := 0, 0
	for i := 0; i < len(number); {
		if at == len(text) {
			return 0
		}
		r := text[at]
		if r >= '０' && r <= '９' {
			r += '0' - '０'
		}
		switch {
		case r == rune(number[i]):
			i, between = i+1, 0
		case at > 0 && between < most && (r == ' ' || r == '-' || r == '－' || r == '.' || r == '\u00a0' || r == '\u3000'):
			between++
		default:
			return 0
		}
		at++
	}
	return at
}
