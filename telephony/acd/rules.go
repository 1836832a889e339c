package acd

import (
	"encoding/json"
	"fmt"
	"maps"
	"slices"
	"strconv"
	"strings"
	"time"
)

// Needs are skills with the least level of each.
type Needs map[string]int

// MaxLevel is the highest level of a skill; the lowest is 1.
const MaxLevel = 9

// ValidSkill tells whether a rule can ask for a skill by this name.
func ValidSkill(name string) bool {
	return name != "" && name != "any" && len(name) <= 32 && !strings.ContainsAny(name, "<>=:;,& \t\r\n")
}

// met tells whether somebody with these skills is able.
func (n Needs) met(skills map[string]int) bool {
	for skill, level := range n {
		if skills[skill] < level {
			return false
		}
	}
	return true
}

// Rules say what a seat's person must be able to do for a caller, over the
// caller's waiting time. The first one whose time is not over counts; past the
// last one anybody is able.
type Rules []Rule

// Rule asks for skills while the caller has waited less than Until.
type Rule struct {
	Until time.Duration // 0: for ever
	Needs Needs         // empty: any
}

// MaxRules bounds the rules of a queue.
const MaxRules = 16

// ParseRules reads rules such as "wait<30s: dialect>=2 & english>=1; wait<1m:
// dialect>=1; else any". An empty text asks for nothing.
func ParseRules(text string) (Rules, error) {
	var rules Rules
	parts := strings.Split(text, ";")
	for i, part := range parts {
		part = strings.TrimSpace(part)
		if part == "" && i == len(parts)-1 {
			break
		}
		r, err := parseRule(part)
		if err != nil {
			return nil, fmt.Errorf("rule %d of %q: %w", i+1, text, err)
		}
		if n := len(rules); n > 0 && (rules[n-1].Until == 0 || r.Until != 0 && r.Until <= rules[n-1].Until) {
			return nil, fmt.Errorf("rule %d of %q never counts: give waiting times that grow, and `else` last", i+1, text)
		}
		rules = append(rules, r)
	}
	if len(rules) > MaxRules {
		return nil, fmt.Errorf("%d rules: give at most %d", len(rules), MaxRules)
	}
	return rules, nil
}

func parseRule(text string) (Rule, error) {
	var r Rule
	needs := text
	switch {
	case strings.HasPrefix(text, "else"):
		needs = strings.TrimPrefix(strings.TrimSpace(strings.TrimPrefix(text, "else")), ":")
	case strings.HasPrefix(text, "wait"):
		rest, then, ok := strings.Cut(strings.TrimPrefix(text, "wait"), ":")
		needs, rest = then, strings.TrimSpace(rest)
		until, err := time.ParseDuration(strings.TrimSpace(strings.TrimPrefix(rest, "<")))
		if !ok || !strings.HasPrefix(rest, "<") || err != nil || until <= 0 {
			return r, fmt.Errorf("%q: want `wait<30s: SKILL>=LEVEL`", text)
		}
		r.Until = until
	}
	var err error
	r.Needs, err = ParseNeeds(needs)
	return r, err
}

// ParseNeeds reads skills such as "dialect>=2 & english"; a skill alone asks
// for level 1, "any" and nothing at all for no skill.
func ParseNeeds(text string) (Needs, error) {
	text = strings.TrimSpace(text)
	if text == "" || text == "any" {
		return nil, nil
	}
	needs := Needs{}
	for part := range strings.SplitSeq(text, "&") {
		skill, level, ok := strings.Cut(part, ">=")
		skill = strings.TrimSpace(skill)
		n := 1
		if ok {
			var err error
			if n, err = strconv.Atoi(strings.TrimSpace(level)); err != nil || n < 1 || n > MaxLevel {
				return nil, fmt.Errorf("level %q of skill %q: want 1 to %d", strings.TrimSpace(level), skill, MaxLevel)
			}
		}
		if !ValidSkill(skill) {
			return nil, fmt.Errorf("%q is no skill: want a name, or NAME>=LEVEL, joined by &", strings.TrimSpace(part))
		}
		needs[skill] = max(n, needs[skill])
	}
	return needs, nil
}

// at returns what is asked for after a wait, and when that changes next; 0: never.
func (r Rules) at(wait time.Duration) (Needs, time.Duration) {
	for _, rule := range r {
		if rule.Until == 0 {
			return rule.Needs, 0
		}
		if wait < rule.Until {
			return rule.Needs, rule.Until
		}
	}
	return nil, 0
}

// String is the text that ParseNeeds reads.
func (n Needs) String() string {
	if len(n) == 0 {
		return "any"
	}
	var parts []string
	for _, skill := range slices.Sorted(maps.Keys(n)) {
		parts = append(parts, fmt.Sprintf("%s>=%d", skill, n[skill]))
	}
	return strings.Join(parts, " & ")
}

// String is the text that ParseRules reads.
func (r Rules) String() string {
	var parts []string
	for _, rule := range r {
		if rule.Until == 0 {
			parts = append(parts, "else "+rule.Needs.String())
		} else {
			parts = append(parts, fmt.Sprintf("wait<%s: %s", rule.Until, rule.Needs))
		}
	}
	return strings.Join(parts, "; ")
}

// MarshalJSON writes the text.
func (r Rules) MarshalJSON() ([]byte, error) { return json.Marshal(r.String()) }

// UnmarshalJSON reads the text.
func (r *Rules) UnmarshalJSON(data []byte) error {
	var text string
	if err := json.Unmarshal(data, &text); err != nil {
		return err
	}
	rules, err := ParseRules(text)
	*r = rules
	return err
}
