package sla

import (
	"bytes"
	_ "embed"
	"encoding/json"
	"fmt"
	"slices"
	"strconv"
	"strings"
	"time"

	"hotline/ticketing"
)

//go:embed policy.json
var defaultPolicy []byte

// Convention is how a limit in working days is read.
type Convention string

// The two conventions.
const (
	Minutes Convention = "minutes" // N × the day's working time runs down
	NthDay  Convention = "nth-day" // due at closing time of the Nth working day after the start's
)

// Unit is what a limit is counted in.
type Unit string

// The units of a limit.
const (
	Minute     Unit = "min"
	Hour       Unit = "h"
	Day        Unit = "d" // natural days: holidays count
	WorkingDay Unit = "wd"
)

// Limit is a length such as 30min, 24h, 7d or 5wd.
type Limit struct {
	N    int
	Unit Unit
}

// ParseLimit reads 30min, 24h, 7d or 5wd.
func ParseLimit(s string) (Limit, error) {
	for _, unit := range []Unit{Minute, Hour, WorkingDay, Day} {
		if digits, ok := strings.CutSuffix(s, string(unit)); ok {
			n, err := strconv.Atoi(digits)
			if err != nil || n < 1 || n > 100_000 {
				break
			}
			return Limit{N: n, Unit: unit}, nil
		}
	}
	return Limit{}, fmt.Errorf("%q is not a limit such as 30min, 24h, 7d or 5wd", s)
}

func (l Limit) String() string { return strconv.Itoa(l.N) + string(l.Unit) }

// Duration is the limit as time on a clock whose working day lasts daily.
func (l Limit) Duration(daily time.Duration) time.Duration {
	switch l.Unit {
	case Minute:
		return time.Duration(l.N) * time.Minute
	case Hour:
		return time.Duration(l.N) * time.Hour
	case Day:
		return time.Duration(l.N) * 24 * time.Hour
	default:
		return time.Duration(l.N) * daily
	}
}

// MarshalText writes the limit as ParseLimit reads it.
func (l Limit) MarshalText() ([]byte, error) { return []byte(l.String()), nil }

// UnmarshalText is ParseLimit.
func (l *Limit) UnmarshalText(text []byte) (err error) {
	*l, err = ParseLimit(string(text))
	return err
}

// Rule gives a limit to the tickets that it matches; an empty list matches all.
type Rule struct {
	Clock      ticketing.ClockName    `json:"clock"`
	Types      []ticketing.AppealType `json:"types,omitempty"`
	Urgencies  []ticketing.Urgency    `json:"urgencies,omitempty"`
	Categories []string               `json:"categories,omitempty"` // leaf or any ancestor
	Lines      []string               `json:"lines,omitempty"`
	Levels     []int                  `json:"department_levels,omitempty"` // of the department: 1 city, 2 district, 3 street
	Limit      Limit                  `json:"limit"`
	AnyHour    bool                   `json:"any_hour,omitempty"` // runs on the clock, not on working time
}

// Policy is one version of a city's limits. The first rule that matches counts.
type Policy struct {
	Version    int        `json:"version"`
	Convention Convention `json:"convention"`
	Rules      []Rule     `json:"rules"`
}

// DefaultPolicy has the limits that the field's standards give.
func DefaultPolicy() Policy {
	p, err := ParsePolicy(defaultPolicy)
	if err != nil {
		panic(err) // the document is part of the program, and a test reads it
	}
	return p
}

// DefaultPolicyDocument is the JSON of DefaultPolicy, to start a city from.
func DefaultPolicyDocument() json.RawMessage { return slices.Clone(defaultPolicy) }

// clockNames are the clocks that a policy must give a limit to.
var clockNames = []ticketing.ClockName{
	ticketing.ClockAccept, ticketing.ClockDispatch, ticketing.ClockSign, ticketing.ClockContact, ticketing.ClockReturn, ticketing.ClockResolve,
	ticketing.ClockFollowUp, ticketing.ClockRectify, ticketing.ClockLevel, ticketing.ClockShareSign, ticketing.ClockShare,
}

// older are the clocks that every policy has always had to give a limit to;
// where one says nothing about the others, the default limits apply.
var older = []ticketing.ClockName{
	ticketing.ClockDispatch, ticketing.ClockSign, ticketing.ClockContact, ticketing.ClockResolve, ticketing.ClockFollowUp,
}

// ParsePolicy reads a policy from JSON. Every clock needs a last rule that
// matches all tickets, so that none is without a limit.
func ParsePolicy(raw []byte) (Policy, error) {
	var p Policy
	if err := strictJSON(raw, &p); err != nil {
		return Policy{}, fmt.Errorf("policy: %w", err)
	}
	if p.Convention == "" {
		p.Convention = Minutes
	}
	if p.Convention != Minutes && p.Convention != NthDay {
		return Policy{}, fmt.Errorf("policy: convention %q: use minutes or nth-day", p.Convention)
	}
	covered := map[ticketing.ClockName]bool{}
	for i, r := range p.Rules {
		if err := r.check(); err != nil {
			return Policy{}, fmt.Errorf("policy: rule %d: %w", i+1, err)
		}
		if len(r.Types)+len(r.Urgencies)+len(r.Categories)+len(r.Lines)+len(r.Levels) == 0 {
			covered[r.Clock] = true
		}
	}
	for _, name := range older {
		if !covered[name] {
			return Policy{}, fmt.Errorf("policy: the %s clock has no rule for all tickets; add one without types, urgencies, categories, lines and department_levels", name)
		}
	}
	return p.completed(covered), nil
}

// completed adds the default rules of the clocks that a policy says nothing about.
func (p Policy) completed(covered map[ticketing.ClockName]bool) Policy {
	for _, name := range clockNames {
		if covered[name] || slices.Contains(older, name) {
			continue
		}
		p.Rules = append(p.Rules, defaultRules(name)...)
	}
	return p
}

func defaultRules(name ticketing.ClockName) []Rule {
	var p Policy
	if err := json.Unmarshal(defaultPolicy, &p); err != nil {
		panic(err) // the document is part of the program, and a test reads it
	}
	return slices.DeleteFunc(p.Rules, func(r Rule) bool { return r.Clock != name })
}

func (r Rule) check() error {
	if !slices.Contains(clockNames, r.Clock) {
		return fmt.Errorf("unknown clock %q", r.Clock)
	}
	if r.Limit.N == 0 {
		return fmt.Errorf("needs a limit such as 5wd")
	}
	for _, l := range r.Levels {
		if l < 1 || l > 9 {
			return fmt.Errorf("department_levels has %d; use 1 for the city, 2 for districts, 3 for streets", l)
		}
	}
	if r.AnyHour && r.Limit.Unit == WorkingDay {
		return fmt.Errorf("a limit in working days cannot run at any hour; give it in hours")
	}
	for _, t := range r.Types {
		if !t.Valid() {
			return fmt.Errorf("unknown type %q", t)
		}
	}
	for _, u := range r.Urgencies {
		if !u.Valid() {
			return fmt.Errorf("unknown urgency %q", u)
		}
	}
	return nil
}

// rule finds the first rule of a clock that matches; its number counts from 1.
func (p Policy) rule(name ticketing.ClockName, f ticketing.Facts, level int) (Rule, int) {
	for i, r := range p.Rules {
		if r.Clock == name && r.matches(f, level) {
			return r, i + 1
		}
	}
	return Rule{}, 0
}

func (r Rule) matches(f ticketing.Facts, level int) bool {
	return (len(r.Levels) == 0 || slices.Contains(r.Levels, level)) &&
		(len(r.Types) == 0 || slices.Contains(r.Types, f.Type)) &&
		(len(r.Urgencies) == 0 || slices.Contains(r.Urgencies, f.Urgency)) &&
		(len(r.Lines) == 0 || slices.Contains(r.Lines, f.Line)) &&
		(len(r.Categories) == 0 || slices.ContainsFunc(f.Category, func(c string) bool { return slices.Contains(r.Categories, c) }))
}

func strictJSON(raw []byte, into any) error {
	d := json.NewDecoder(bytes.NewReader(raw))
	d.DisallowUnknownFields()
	return d.Decode(into)
}
