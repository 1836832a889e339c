package search

import (
	"context"
	"regexp"
	"slices"
	"time"

	"golang.org/x/text/unicode/norm"
)

// A telephone number is in no index. Its last digits, 尾号1234 or 电话:1234, are looked up
// by whoever asks; a query is narrowed to the documents that they name.

// tailWords are what people say before last digits.
const tailWords = "尾号|后四位"

var (
	runTail  = regexp.MustCompile(`^(?:` + tailWords + `)(\d+)$`)
	tailWord = regexp.MustCompile(`^(?:` + tailWords + `)$`)
	digits   = regexp.MustCompile(`^\d+$`)
)

// MaxTails bounds the last digits in one query.
const MaxTails = 2

// withTails writes last digits as a field: 尾号 1234 and 尾号1234 as 尾号:1234.
func withTails(all []term) []term {
	var out []term
	for _, t := range all {
		if n := len(out); n > 0 && !t.minus && digits.MatchString(narrow(t.text)) && !out[n-1].quoted && tailWord.MatchString(out[n-1].text) {
			out[n-1].text += ":" + t.text
			continue
		}
		if m := runTail.FindStringSubmatch(narrow(t.text)); m != nil && !t.quoted {
			t.text = "尾号:" + m[1]
		}
		out = append(out, t)
	}
	return out
}

// narrow writes full-width digits and signs as plain ones.
func narrow(text string) string { return norm.NFKC.String(text) }

// tail takes the last digits of a number.
func (a *asked) tail(t term, value string) error {
	value = narrow(value)
	switch {
	case !digits.MatchString(value) || len(value) != 4:
		return refuse("text", "%s: use the last four digits of a number, 尾号1234; a whole number is looked for by itself, and is in no address", t.text)
	case t.minus:
		return refuse("text", "%s: last digits take no minus", t.text)
	case len(a.filters.Tails) == MaxTails:
		return refuse("text", "use at most %d numbers' last digits", MaxTails)
	}
	a.filters.Tails = append(a.filters.Tails, value)
	a.understood = append(a.understood, Understood{Text: t.text, Field: FieldPhone, Values: []string{value}})
	return nil
}

// Tail is the last digits of a telephone number that a text asks for and nothing else.
func Tail(text string) (digits string, ok bool) {
	a, err := parse(text, NewVocabulary(nil, nil), time.Now())
	if err != nil || len(a.understood) != 1 || len(a.filters.Tails) != 1 || len(a.must)+len(a.not) > 0 {
		return "", false
	}
	return a.filters.Tails[0], true
}

// named looks up whom the last digits of a plan name.
func (p *Plan) named(ctx context.Context, ofTail func(ctx context.Context, digits string) ([]string, error)) error {
	for i, tail := range p.Filters.Tails {
		if ofTail == nil {
			return refuse("text", "尾号%s: tickets are found by last digits of a number in the centre alone", tail)
		}
		ids, err := ofTail(ctx, tail)
		if err != nil {
			return err
		}
		if i > 0 {
			ids = slices.DeleteFunc(slices.Clone(ids), func(id string) bool { return !slices.Contains(p.Only, id) })
		}
		if p.Only = ids; len(ids) == 0 {
			p.Only = nothing
		}
	}
	return nil
}
