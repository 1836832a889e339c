package web

import "regexp"

var (
	longDigits = regexp.MustCompile(`[0-9]{7,}[0-9Xx]?`)
	secrets    = regexp.MustCompile(`(?i)((?:password|secret|token)=)[^&\s"]+`)
	inURL      = regexp.MustCompile(`(://[^:/@\s]*:)[^@\s]+@`)
)

// mask hides phone numbers, identity cards and passwords in URLs in a text that
// goes to a log. Ticket numbers (YYYYMMDD-NNNNNN) keep their last part.
func mask(s string) string {
	s = inURL.ReplaceAllString(secrets.ReplaceAllString(s, "$1***"), "$1***@")
	return longDigits.ReplaceAllStringFunc(s, func(d string) string {
		if len(d) < 11 {
			return d[:2] + "****" + d[len(d)-2:]
		}
		return d[:3] + "****" + d[len(d)-4:]
	})
}

// maskPhone is the form in which lists show a number: 138****5678.
func maskPhone(s string) string {
	switch r := []rune(s); {
	case len(r) >= 11:
		return string(r[:3]) + "****" + string(r[len(r)-4:])
	case len(r) >= 7:
		return string(r[:2]) + "****" + string(r[len(r)-2:])
	case len(r) > 0:
		return "****"
	}
	return ""
}
