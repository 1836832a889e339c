package search

import (
	"fmt"
	"slices"
	"strings"
	"unicode/utf8"
)

// The bounds of a dictionary.
const (
	MaxWords    = 20_000
	maxSynonyms = 12 // of one word
	maxMeanings = 8  // ways in which one word of a query is looked for
	maxEntry    = 32 // runes of a word
)

// Dictionary is how the city's people say things. A nil Dictionary knows nothing.
type Dictionary struct {
	same  map[string][]string // a word and what stands for it
	meant map[string]string   // what is typed wrong and what is meant
	sizes []int               // runes of words, the longest first
}

// ParseDictionary reads a dictionary. A line is words that stand for one another,
// "路灯,街灯,照明灯", or what is often typed wrong and what is meant, "灵星雅苑=>棂星雅苑". Empty lines
// and what follows a # count for nothing. Errors name the line.
func ParseDictionary(text string) (*Dictionary, error) {
	d := &Dictionary{same: map[string][]string{}, meant: map[string]string{}}
	sizes := map[int]bool{}
	for i, line := range strings.Split(strings.TrimPrefix(text, "\ufeff"), "\n") {
		line, _, _ = strings.Cut(line, "#")
		if line = strings.TrimSpace(line); line == "" {
			continue
		}
		words, err := d.takeLine(line)
		if err != nil {
			return nil, fmt.Errorf("dictionary: line %d: %w", i+1, err)
		}
		for _, w := range words {
			sizes[utf8.RuneCountInString(w)] = true
		}
		if len(d.same)+len(d.meant) > MaxWords {
			return nil, fmt.Errorf("dictionary: line %d: use at most %d words", i+1, MaxWords)
		}
	}
	for n := range sizes {
		d.sizes = append(d.sizes, n)
	}
	slices.Sort(d.sizes)
	slices.Reverse(d.sizes)
	return d, nil
}

func (d *Dictionary) takeLine(line string) (words []string, err error) {
	if wrong, right, ok := strings.Cut(line, "=>"); ok {
		if words, err = entries([]string{wrong, right}); err != nil {
			return nil, err
		}
		if _, twice := d.meant[words[0]]; twice {
			return nil, fmt.Errorf("%s is corrected twice; keep one line", words[0])
		}
		d.meant[words[0]] = words[1]
		return words, nil
	}
	words, err = entries(strings.FieldsFunc(line, func(r rune) bool { return strings.ContainsRune(",，、", r) }))
	if err != nil {
		return nil, err
	}
	if len(words) < 2 || len(words) > maxSynonyms {
		return nil, fmt.Errorf("use 2 to %d words that stand for one another, joined by commas", maxSynonyms)
	}
	for _, w := range words {
		if _, twice := d.same[w]; twice {
			return nil, fmt.Errorf("%s is in another line; put all that stand for one another into one", w)
		}
	}
	for _, w := range words {
		d.same[w] = slices.DeleteFunc(slices.Clone(words), func(o string) bool { return o == w })
	}
	return words, nil
}

// entries folds words as queries are.
func entries(raw []string) ([]string, error) {
	out := make([]string, len(raw))
	for i, w := range raw {
		out[i] = Normal(Analyse(w), " ")
		if out[i] == "" || utf8.RuneCountInString(out[i]) > maxEntry {
			return nil, fmt.Errorf("%q is no word of 1 to %d letters, digits or characters", strings.TrimSpace(w), maxEntry)
		}
		if slices.Contains(out[:i], out[i]) {
			return nil, fmt.Errorf("%s is there twice", out[i])
		}
	}
	return out, nil
}

// meanings are what a word of a query may stand for, itself or what it is corrected to
// first: each word of the dictionary in it, the longest first, in each of its ways.
func (d *Dictionary) meanings(text string) []string {
	text = folded(text)
	if d == nil {
		return []string{text}
	}
	text = d.corrected(text)
	all := []string{text}
	for at := 0; at < len(text); {
		word, ways := d.wordAt(text[at:])
		if word == "" {
			_, size := utf8.DecodeRuneInString(text[at:])
			at += size
			continue
		}
		for _, way := range ways {
			if len(all) < maxMeanings {
				all = append(all, text[:at]+way+text[at+len(word):])
			}
		}
		at += len(word)
	}
	return all
}

// folded is a text with width and case folded and one space for all that separates.
func folded(text string) string {
	var b strings.Builder
	end := 0
	for i, a := range Analyse(text) {
		if i > 0 && a.Start > end {
			b.WriteByte(' ')
		}
		if strings.HasPrefix(a.Text, soloMark) {
			b.WriteString(text[a.Start:a.End])
		} else {
			b.WriteString(a.Text)
		}
		end = a.End
	}
	return b.String()
}

func (d *Dictionary) wordAt(text string) (word string, ways []string) {
	for _, n := range d.sizes {
		if w := firstRunes(text, n); utf8.RuneCountInString(w) == n {
			if ways, ok := d.same[w]; ok {
				return w, ways
			}
		}
	}
	return "", nil
}

func (d *Dictionary) corrected(text string) string {
	for at := 0; at < len(text); {
		step := 0
		for _, n := range d.sizes {
			w := firstRunes(text[at:], n)
			if right, ok := d.meant[w]; ok && utf8.RuneCountInString(w) == n {
				text = text[:at] + right + text[at+len(w):]
				step = len(right)
				break
			}
		}
		if step == 0 {
			_, step = utf8.DecodeRuneInString(text[at:])
		}
		at += step
	}
	return text
}
