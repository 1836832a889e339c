package search

import (
	"regexp"
	"slices"
	"strings"
	"time"
)

// Understood is a part of a query that names a field or days, or that stands for more
// than its own words.
type Understood struct {
	Text   string    // as it was typed
	Field  string    // of the Field constants, "title" or "date"; empty: words
	Not    bool      // what has the values is left out
	Values []string  // codes
	Words  []string  // in which it is looked for
	From   time.Time // of days
	To     time.Time
}

// joined puts a field and the quoted value that follows it together.
func joined(all []term) []term {
	var out []term
	for _, t := range all {
		if n := len(out); t.quoted && t.touch && n > 0 && !out[n-1].quoted && strings.HasSuffix(out[n-1].text, ":") {
			out[n-1].text += t.text
			continue
		}
		t.text = colon.Replace(t.text)
		out = append(out, t)
	}
	return out
}

var colon = strings.NewReplacer("：", ":")

// field takes a term that names a field or days; done is false for words.
func (a *asked) field(t term, v *Vocabulary, now time.Time) (done bool, err error) {
	if p, ok := readPeriod(t.text, now); ok && !t.minus {
		a.days(t.text, p)
		return true, nil
	}
	name, value, ok := strings.Cut(t.text, ":")
	field := fieldNames[strings.ToLower(name)]
	if !ok || field == "" || value == "" {
		return false, nil
	}
	switch field {
	case FieldPhone:
		return true, a.tail(t, value)
	case fieldDate:
		p, ok := readPeriod(value, now)
		if !ok || t.minus {
			return false, refuse("text", "%s: use days such as 今天, 上周, 最近三天, 2026-11, 11月1日至11月9日", t.text)
		}
		a.days(t.text, p)
		return true, nil
	case fieldTitle:
		clauses := clausesOf(v.dictionary.meanings(value))
		if len(clauses) == 0 || t.minus {
			return false, refuse("text", "%s: use words of a title, without a minus", t.text)
		}
		a.titles = append(a.titles, clauses)
		a.understood = append(a.understood, Understood{Text: t.text, Field: fieldTitle, Words: spellings(clauses)})
		return true, nil
	}
	codes := v.codes(field, value)
	if len(codes) == 0 {
		return false, refuse("text", "%s: there is no %s of this name or code; put it in quotation marks to look for the words", t.text, field)
	}
	if t.minus {
		a.narrow(field, v.others(field, codes))
	} else {
		a.narrow(field, codes)
	}
	a.understood = append(a.understood, Understood{Text: t.text, Field: field, Not: t.minus, Values: codes})
	return true, nil
}

func (a *asked) days(text string, p period) {
	a.filters = a.filters.and(Filters{From: p.from, To: p.to})
	a.understood = append(a.understood, Understood{Text: text, Field: fieldDate, From: p.from, To: p.to})
}

// narrow adds a filter.
func (a *asked) narrow(field string, codes []string) {
	var f Filters
	switch field {
	case FieldType:
		f.Types = codes
	case FieldCategory:
		f.Categories = codes
	case FieldDistrict:
		f.Districts = codes
	case FieldDepartment:
		f.Departments = codes
	case FieldState:
		f.States = codes
	case FieldChannel:
		f.Channels = codes
	case FieldPlace:
		f.Places = codes
	}
	if len(codes) == 0 {
		f.States = nothing
	}
	a.filters = a.filters.and(f)
}

// nothing are values that no document has.
var nothing = []string{"\x00"}

// and is what both filters let through.
func (f Filters) and(g Filters) Filters {
	both := func(a, b []string) []string {
		switch {
		case len(a) == 0:
			return b
		case len(b) == 0:
			return a
		}
		if common := slices.DeleteFunc(slices.Clone(a), func(s string) bool { return !slices.Contains(b, s) }); len(common) > 0 {
			return common
		}
		return nothing
	}
	out := f
	out.Types, out.States, out.Channels, out.Places = both(f.Types, g.Types), both(f.States, g.States), both(f.Channels, g.Channels), both(f.Places, g.Places)
	out.Districts = both(f.Districts, g.Districts)
	// A document has several of these, so that two filters are more than their common values.
	out.Tails = append(slices.Clone(f.Tails), g.Tails...)
	out.Categories, out.MoreCategories = f.Categories, append(slices.Clone(f.MoreCategories), g.MoreCategories...)
	out.Departments, out.MoreDepartments = f.Departments, append(slices.Clone(f.MoreDepartments), g.MoreDepartments...)
	if len(g.Categories) > 0 {
		out.MoreCategories = append(out.MoreCategories, g.Categories)
	}
	if len(g.Departments) > 0 {
		out.MoreDepartments = append(out.MoreDepartments, g.Departments)
	}
	if g.From.After(f.From) {
		out.From = g.From
	}
	if f.To.IsZero() || !g.To.IsZero() && g.To.Before(f.To) {
		out.To = g.To
	}
	if !out.To.IsZero() && out.To.Before(out.From) {
		out.To = out.From // no moment is in both
	}
	return out
}

// runNumber is a ticket's number without its dash.
var runNumber = regexp.MustCompile(`^(\d{8})(\d{6})$`)

// words takes a term as words: each way to say it is an alternative.
func (a *asked) words(t term, v *Vocabulary) {
	ways := []string{t.text}
	if !t.quoted {
		ways = strings.Split(t.text, "|")
	}
	var all []string
	for _, way := range ways {
		way = runNumber.ReplaceAllString(way, "$1-$2")
		if v == nil || t.quoted {
			all = append(all, way)
			continue
		}
		all = append(all, v.dictionary.meanings(way)...)
		all = append(all, v.sounding(strings.ToLower(way))...)
	}
	clauses := clausesOf(all)
	switch {
	case len(clauses) == 0:
		return
	case t.minus:
		a.not = append(a.not, clauses...)
	default:
		a.must = append(a.must, clauses)
	}
	if len(clauses) > len(ways) || len(ways) == 1 && Normal(clauses[0], " ") != Normal(Analyse(t.text), " ") {
		a.understood = append(a.understood, Understood{Text: t.text, Not: t.minus, Words: spellings(clauses)})
	}
}

// clausesOf are texts as clauses, without those that say nothing and those that are there already.
func clausesOf(texts []string) Alternatives {
	var all Alternatives
	seen := map[string]bool{}
	for _, text := range texts {
		c := Clause(Analyse(text))
		if s := Normal(c, "|"); len(c) > 0 && !seen[s] {
			seen[s] = true
			all = append(all, c)
		}
	}
	return all
}

func spellings(clauses Alternatives) []string {
	out := make([]string, len(clauses))
	for i, c := range clauses {
		out[i] = Normal(c, " ")
	}
	return out
}
