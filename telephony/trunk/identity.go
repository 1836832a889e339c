package trunk

import (
	"net/url"
	"strings"
	"unicode"
)

// Headers are what an INVITE says of its caller: the values as they came.
type Headers struct {
	From        string
	Asserted    []string // P-Asserted-Identity (RFC 3325)
	RemoteParty []string // Remote-Party-ID, its predecessor
	Privacy     []string // RFC 3323
}

// Trust says which headers of a peer are believed.
type Trust struct {
	Asserted    bool // P-Asserted-Identity
	RemoteParty bool // Remote-Party-ID, where there is no P-Asserted-Identity
}

// Caller is who calls.
type Caller struct {
	Number  string // as the network wrote it; "" when nobody told
	Name    string // for display
	Private bool   // wants not to be shown, whether or not the number is known
}

// Identify finds out who calls (RFC 3325 section 8, RFC 3323 section 4.2).
func Identify(h Headers, t Trust) Caller {
	from, named := parse(h.From)
	if anonymous(from) {
		from.user, from.name = "", ""
	}
	c := Caller{Number: from.user, Name: from.name}
	c.Private = named && from.user == "" || wantsPrivacy(h.Privacy)
	vouched, ok := identity{}, false
	if t.Asserted {
		vouched, ok = choose(h.Asserted)
	}
	if !ok && t.RemoteParty {
		vouched, ok = choose(h.RemoteParty)
		if p := vouched.params["privacy"]; ok && p != "" && p != "off" {
			c.Private = true
		}
	}
	if ok {
		c.Number = vouched.user
		if vouched.name != "" {
			c.Name = vouched.name
		}
	}
	return c
}

// choose takes the first identity that has a telephone number, else the first
// with any user: RFC 3325 allows one sip and one tel URI.
func choose(values []string) (identity, bool) {
	var first identity
	found := false
	for i, v := range values {
		if i >= maxValues {
			break
		}
		for _, one := range split(v) {
			id, ok := parse(one)
			if !ok || anonymous(id) {
				continue
			}
			if id.tel || National(id.user) == id.user && len(id.user) >= 3 || strings.HasPrefix(id.user, "+") {
				return id, true
			}
			if !found {
				first, found = id, true
			}
		}
	}
	return first, found
}

const (
	maxValues = 8    // header fields looked at
	maxValue  = 1024 // octets of one looked at
	maxName   = 64   // characters of a display name kept
)

// wantsPrivacy reads Privacy: every value but none and critical asks for some
// (RFC 3323 section 4.2, RFC 3325 section 9.3).
func wantsPrivacy(values []string) bool {
	for i, v := range values {
		if i >= maxValues {
			break
		}
		for word := range strings.FieldsFuncSeq(strings.ToLower(v), func(r rune) bool { return r == ';' || r == ',' || r == ' ' }) {
			switch word {
			case "id", "user", "header", "session":
				return true
			}
		}
	}
	return false
}

// anonymous tells an address that names nobody (RFC 3323 section 4.1.1.3).
func anonymous(id identity) bool {
	return withheld(id.user) || strings.HasSuffix(strings.ToLower(id.host), "anonymous.invalid")
}

// identity is one name-addr or addr-spec (RFC 3261 section 25.1).
type identity struct {
	name, user, host string
	tel              bool
	params           map[string]string // of the header, lower case
}

// split cuts a list at its commas, not at those in quotes or brackets.
func split(v string) []string {
	v = v[:min(len(v), maxValue)]
	var parts []string
	quoted, angle, start := false, false, 0
	for i := 0; i < len(v); i++ {
		switch c := v[i]; {
		case quoted && c == '\\':
			i++
		case c == '"' && !angle:
			quoted = !quoted
		case quoted:
		case c == '<':
			angle = true
		case c == '>':
			angle = false
		case c == ',' && !angle:
			parts = append(parts, v[start:i])
			start = i + 1
		}
	}
	return append(parts, v[start:])
}

// parse reads one address.
func parse(v string) (identity, bool) {
	v = strings.TrimSpace(v[:min(len(v), maxValue)])
	var id identity
	if strings.HasPrefix(v, `"`) {
		end := closingQuote(v)
		if end < 0 {
			return id, false
		}
		id.name, v = unquote(v[1:end]), strings.TrimSpace(v[end+1:])
		if !strings.HasPrefix(v, "<") {
			return id, false
		}
	}
	var uri, params string
	if open := strings.IndexByte(v, '<'); open >= 0 {
		if id.name == "" {
			id.name = strings.TrimSpace(v[:open])
		}
		uri, params, _ = strings.Cut(v[open+1:], ">")
	} else {
		uri, params, _ = strings.Cut(v, ";") // parameters belong to the header (section 20)
	}
	id.name = display(id.name)
	id.params = parameters(params)
	return id, id.address(strings.TrimSpace(uri))
}

// address reads a sip, sips or tel URI.
func (id *identity) address(uri string) bool {
	scheme, rest, ok := strings.Cut(uri, ":")
	if !ok {
		return false
	}
	switch strings.ToLower(scheme) {
	case "tel":
		id.user, _, _ = strings.Cut(rest, ";")
		id.user, id.tel = strings.TrimSpace(id.user), true
	case "sip", "sips":
		user, host, ok := strings.Cut(rest, "@")
		if !ok {
			user, host = "", rest
		}
		user, _, _ = strings.Cut(user, ":") // a password
		user, _, _ = strings.Cut(user, ";") // telephone parameters
		if plain, err := url.PathUnescape(user); err == nil {
			user = plain
		}
		host, _, _ = strings.Cut(host, ";")
		id.user, id.host = user, host
	default:
		return false
	}
	return true
}

func parameters(s string) map[string]string {
	params := map[string]string{}
	for p := range strings.SplitSeq(s, ";") {
		if name, value, _ := strings.Cut(strings.TrimSpace(p), "="); name != "" && len(params) < 16 {
			params[strings.ToLower(strings.TrimSpace(name))] = strings.ToLower(strings.Trim(strings.TrimSpace(value), `"`))
		}
	}
	return params
}

// closingQuote finds the quote that ends the string that v begins with.
func closingQuote(v string) int {
	for i := 1; i < len(v); i++ {
		switch v[i] {
		case '\\':
			i++
		case '"':
			return i
		}
	}
	return -1
}

func unquote(s string) string {
	var b strings.Builder
	for i := 0; i < len(s); i++ {
		if s[i] == '\\' && i+1 < len(s) {
			i++
		}
		b.WriteByte(s[i])
	}
	return b.String()
}

// display makes a name fit for a screen and a record.
func display(s string) string {
	s = strings.ToValidUTF8(strings.Trim(s, `"`), "")
	s = strings.TrimSpace(strings.Map(func(r rune) rune {
		if unicode.IsControl(r) || !unicode.IsPrint(r) && r != ' ' {
			return -1
		}
		return r
	}, s))
	if strings.EqualFold(s, "anonymous") {
		return ""
	}
	if runes := []rune(s); len(runes) > maxName {
		s = string(runes[:maxName])
	}
	return s
}

// UserOf is the user part of one address, such as the value of a To,
// P-Called-Party-ID (RFC 7315) or Diversion (RFC 5806) header; of a list the
// first. It is "" when there is none.
func UserOf(value string) string {
	id, _ := parse(split(value)[0])
	return id.user
}
