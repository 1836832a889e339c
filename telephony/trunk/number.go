package trunk

import "strings"

// maxNumber bounds what is kept of a number: E.164 has 15 digits, extensions
// and service codes are short.
const maxNumber = 32

// National brings a number into the form that call records have: digits, +
// only before foreign ones, no +86, no trunk zero before a mobile number, the
// area code's zero before a fixed line. Parameters (";ext=12", RFC 3966) and
// separators fall away. A withheld number is "".
func National(user string) string {
	n := bare(user)
	// A number may have been prefixed twice on its way, as +86 0 138….
	for range 4 {
		next := national(n)
		if next == n {
			break
		}
		n = next
	}
	return n[:min(len(n), maxNumber)]
}

func national(n string) string {
	for _, prefix := range []string{"+86", "0086"} {
		if rest, ok := strings.CutPrefix(n, prefix); ok {
			if rest != "" && rest[0] >= '1' && rest[0] <= '9' && !mobile(rest) && len(rest) >= 9 {
				return "0" + rest // a fixed line loses its area code's zero abroad
			}
			return rest
		}
	}
	if rest, ok := strings.CutPrefix(n, "86"); ok && mobile(rest) {
		return rest
	}
	if rest, ok := strings.CutPrefix(n, "0"); ok && mobile(rest) {
		return rest
	}
	if rest, ok := strings.CutPrefix(n, "00"); ok && len(rest) >= 8 && rest[0] >= '1' && rest[0] <= '9' {
		return "+" + rest // as dialled from here
	}
	return n
}

// bare keeps the characters that a number is made of.
func bare(user string) string {
	if withheld(user) {
		return ""
	}
	user, _, _ = strings.Cut(user, ";")
	var b strings.Builder
	for _, r := range user {
		switch {
		case r >= '0' && r <= '9', r == '*', r == '#', r == '+' && b.Len() == 0:
			b.WriteRune(r)
		}
		if b.Len() >= 2*maxNumber {
			break
		}
	}
	if b.String() == "+" {
		return ""
	}
	return b.String()
}

// E164 is the number with + and country code (ITU-T E.164). What has no such
// form, a service number or an extension, stays as it is.
func E164(number string) string {
	n := National(number)
	switch {
	case mobile(n):
		return "+86" + n
	case fixed(n):
		return "+86" + n[1:]
	}
	return n
}

// mobile tells a mobile number: eleven digits, 13…19.
func mobile(n string) bool {
	return len(n) == 11 && n[0] == '1' && n[1] >= '3' && n[1] <= '9' && digits(n)
}

// fixed tells a fixed line with its area code: 010, 02x or a longer code.
func fixed(n string) bool {
	return len(n) >= 10 && len(n) <= 12 && n[0] == '0' && n[1] >= '1' && n[1] <= '9' && !mobile(n[1:]) && digits(n)
}

func digits(n string) bool {
	return strings.IndexFunc(n, func(r rune) bool { return r < '0' || r > '9' }) < 0
}

// withheld tells the words that networks send in place of a number.
func withheld(user string) bool {
	switch strings.ToLower(user) {
	case "", "anonymous", "unknown", "unavailable", "restricted", "private", "withheld":
		return true
	}
	return false
}
