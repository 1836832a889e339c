package trunk

import (
	"errors"
	"fmt"
	"regexp"
	"strings"
)

// ErrRule says that a rule cannot be used.
var ErrRule = errors.New("trunk: rule for numbers")

// Rule changes numbers that it fits. Give Prefix or Match, not both.
type Rule struct {
	Prefix  string // the number begins with this; Replace stands in its place
	Match   string // regular expression (RE2) for the whole number
	Replace string // with $1 … for the groups of Match
}

// Rewriter is a list of rules in order. The zero value changes nothing.
type Rewriter struct{ rules []compiled }

type compiled struct {
	prefix, replace string
	match           *regexp.Regexp // nil: by prefix
}

const (
	maxRules   = 200
	maxRewrite = 64 // characters of a number that rules work on and may make
)

// Compile checks the rules.
func Compile(rules []Rule) (Rewriter, error) {
	if len(rules) > maxRules {
		return Rewriter{}, fmt.Errorf("%w: %d of them, at most %d are taken", ErrRule, len(rules), maxRules)
	}
	var w Rewriter
	for i, r := range rules {
		c := compiled{prefix: r.Prefix, replace: r.Replace}
		switch {
		case (r.Prefix == "") == (r.Match == ""):
			return Rewriter{}, fmt.Errorf("%w: rule %d: give either prefix or match", ErrRule, i+1)
		case r.Match != "":
			re, err := regexp.Compile("^(?:" + r.Match + ")$")
			if err != nil {
				return Rewriter{}, fmt.Errorf("%w: rule %d: %w", ErrRule, i+1, err)
			}
			c.match = re
		}
		w.rules = append(w.rules, c)
	}
	return w, nil
}

// Apply changes a number by the first rule that fits it; one that no rule
// fits stays as it is. What comes out holds only characters that a SIP user
// part may have unescaped.
func (w Rewriter) Apply(number string) string {
	if len(number) > maxRewrite {
		return number
	}
	for _, r := range w.rules {
		if r.match == nil {
			if rest, ok := strings.CutPrefix(number, r.prefix); ok {
				return clean(r.replace + rest)
			}
			continue
		}
		if m := r.match.FindStringSubmatchIndex(number); m != nil {
			return clean(string(r.match.ExpandString(nil, r.replace, number, m)))
		}
	}
	return number
}

// clean drops what has no place in a number (RFC 3261 section 25.1, user-unreserved
// and mark, less what would begin parameters or another part of the address).
func clean(s string) string {
	s = strings.Map(func(r rune) rune {
		switch {
		case r >= '0' && r <= '9', r >= 'a' && r <= 'z', r >= 'A' && r <= 'Z', strings.ContainsRune("+*#-_.", r):
			return r
		}
		return -1
	}, s)
	return s[:min(len(s), maxRewrite)]
}
