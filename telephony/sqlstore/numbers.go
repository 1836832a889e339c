package sqlstore

import (
	"context"
	"fmt"
	"regexp"
	"strings"
)

// Numbers keeps citizens' numbers elsewhere, under keys of their own: what is
// kept here are pseudonyms.
type Numbers interface {
	// Pseudonyms gives each number the text that stands for it: it contains ~ and
	// 24 hexadecimal digits, a person's id.
	Pseudonyms(ctx context.Context, numbers []string) (map[string]string, error)
	// Pseudonym is that of a number; empty when nothing is kept of it.
	Pseudonym(ctx context.Context, number string) (string, error)
	// Numbers are those of persons; the erased are left out.
	Numbers(ctx context.Context, persons []string) (map[string]string, error)
}

// What is shorter is a seat or a line of the city, what is longer no number.
const shortest, longest = 7, 17

func isNumber(s string) bool {
	digits := strings.TrimPrefix(s, "+")
	if len(digits) < shortest || len(digits) > longest {
		return false
	}
	return strings.Trim(digits, "0123456789") == ""
}

// eachNumber calls do with the numbers of a text: itself, or the strings of a
// JSON document that are numbers.
func eachNumber(text string, do func(number string, from int)) {
	if !strings.HasPrefix(text, "{") {
		if isNumber(text) {
			do(text, 0)
		}
		return
	}
	for at := 0; ; {
		open := strings.IndexByte(text[at:], '"')
		if open < 0 {
			return
		}
		at += open + 1
		end := strings.IndexByte(text[at:], '"')
		if end < 0 {
			return
		}
		if isNumber(text[at : at+end]) {
			do(text[at:at+end], at)
		}
		at += end // what follows may begin another string: every quote is tried as an opening one
	}
}

// hide puts pseudonyms in the place of the numbers of texts.
func (s *Store) hide(ctx context.Context, texts ...*string) error {
	if s.numbers == nil {
		return nil
	}
	var numbers []string
	seen := map[string]bool{}
	for _, text := range texts {
		eachNumber(*text, func(number string, _ int) {
			if !seen[number] {
				seen[number] = true
				numbers = append(numbers, number)
			}
		})
	}
	if len(numbers) == 0 {
		return nil
	}
	names, err := s.numbers.Pseudonyms(ctx, numbers)
	if err != nil {
		return fmt.Errorf("pseudonyms: %w", err)
	}
	for _, text := range texts {
		var b strings.Builder
		last := 0
		eachNumber(*text, func(number string, from int) {
			b.WriteString((*text)[last:from])
			b.WriteString(names[number])
			last = from + len(number)
		})
		if last > 0 {
			*text = b.String() + (*text)[last:]
		}
	}
	return nil
}

var pseudonym = regexp.MustCompile(`~[0-9a-f]{24}`)

// show is the opposite of hide; of who was erased nothing is shown.
func (s *Store) show(ctx context.Context, texts ...*string) error {
	if s.numbers == nil {
		return nil
	}
	var persons []string
	for _, text := range texts {
		if !strings.Contains(*text, "~") {
			continue
		}
		for _, name := range pseudonym.FindAllString(*text, -1) {
			persons = append(persons, name[1:])
		}
	}
	if len(persons) == 0 {
		return nil
	}
	numbers, err := s.numbers.Numbers(ctx, persons)
	if err != nil {
		return fmt.Errorf("numbers of pseudonyms: %w", err)
	}
	for _, text := range texts {
		*text = pseudonym.ReplaceAllStringFunc(*text, func(name string) string { return numbers[name[1:]] })
	}
	return nil
}

// kept is what a number is found by: its pseudonym, and itself where it was
// written before there were any.
func (s *Store) kept(ctx context.Context, number string) ([]string, error) {
	if s.numbers == nil || !isNumber(number) {
		return []string{number}, nil
	}
	name, err := s.numbers.Pseudonym(ctx, number)
	if err != nil {
		return nil, fmt.Errorf("pseudonym: %w", err)
	}
	if name == "" {
		return []string{number}, nil
	}
	return []string{name, number}, nil
}

// textsOf collects the texts of n rows.
func textsOf(n int, of func(i int) []*string) []*string {
	var list []*string
	for i := range n {
		list = append(list, of(i)...)
	}
	return list
}
