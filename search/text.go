package search

import (
	"strconv"
	"strings"
	"unicode"
	"unicode/utf8"

	"golang.org/x/text/unicode/norm"
)

// Atom is the smallest piece that can be found: one Han character or one whole word.
type Atom struct {
	Text   string
	Han    bool
	Joined bool // a Han character that follows another with nothing between them
	Start  int  // byte offsets in the text that was analysed
	End    int
}

// maxWord bounds a word, in runes; a longer one is cut into several.
const maxWord = 64

// A character outside the sets below becomes a word of its own, spelled as this mark
// and its code point. The mark itself never survives folding, so nothing else can
// collide with it, and every engine's tokenizer keeps the spelling whole.
const soloMark = "ĳ"

// Analyse cuts text into atoms. Width, case, diacritics and compatibility forms are
// folded; everything that is neither letter nor digit separates.
func Analyse(text string) []Atom {
	a := analyser{text: text, atoms: make([]Atom, 0, len(text)/3+1)}
	for i, r := range text {
		size := utf8.RuneLen(r)
		if r == utf8.RuneError {
			size = 1
			if strings.HasPrefix(text[i:], "\uFFFD") {
				size = 3
			}
		}
		a.rune(r, i, i+size)
	}
	a.flush()
	return a.atoms
}

type analyser struct {
	text       string
	atoms      []Atom
	word       []byte
	wordRunes  int
	start, end int
	open       bool // the last atom is Han and nothing separates it from here
}

func (a *analyser) rune(r rune, start, end int) {
	switch {
	case r < utf8.RuneSelf:
		a.folded(unicode.ToLower(r), start, end)
	case isHan(r):
		a.han(a.text[start:end], start, end)
	case r >= 0xAC00 && r <= 0xD7A3: // Hangul syllables would fall apart into letters
		a.folded(r, start, end)
	default:
		var buf [4]byte
		n := utf8.EncodeRune(buf[:], r)
		for _, f := range string(norm.NFKD.Bytes(buf[:n])) {
			a.folded(unicode.ToLower(f), start, end)
		}
	}
}

func (a *analyser) folded(r rune, start, end int) {
	switch {
	case isWord(r):
		a.open = false
		if a.wordRunes == maxWord {
			a.flush()
		}
		if a.wordRunes == 0 {
			a.start = start
		}
		a.word = utf8.AppendRune(a.word, r)
		a.wordRunes++
		a.end = end
	case isHan(r):
		a.han(string(r), start, end)
	case unicode.In(r, unicode.M, unicode.Cf): // marks, joiners and variation selectors separate nothing
		a.extend(end)
	case unicode.IsLetter(r) || unicode.IsNumber(r):
		a.flush()
		a.open = false
		a.add(Atom{Text: soloMark + strconv.FormatInt(int64(r), 16), Start: start, End: end})
	default:
		a.flush()
		a.open = false
	}
}

func (a *analyser) han(text string, start, end int) {
	a.flush()
	a.add(Atom{Text: text, Han: true, Joined: a.open, Start: start, End: end})
	a.open = true
}

// extend makes a mark part of what it stands on.
func (a *analyser) extend(end int) {
	switch {
	case a.wordRunes > 0:
		a.end = end
	case a.open:
		a.atoms[len(a.atoms)-1].End = end
	}
}

func (a *analyser) flush() {
	if a.wordRunes == 0 {
		return
	}
	a.add(Atom{Text: string(a.word), Start: a.start, End: a.end})
	a.word, a.wordRunes = a.word[:0], 0
}

func (a *analyser) add(atom Atom) { a.atoms = append(a.atoms, atom) }

// isHan holds for the ideographs that SQLite's unicode61 and Lucene's standard
// tokenizer both know as such.
func isHan(r rune) bool {
	return r >= 0x4E00 && r <= 0x9FCC || r >= 0x3400 && r <= 0x4DB5 || r == 0x3007
}

// isWord holds for folded letters and digits that both tokenizers keep together in a word.
func isWord(r rune) bool {
	switch {
	case r >= 'a' && r <= 'z', r >= '0' && r <= '9':
		return true
	case r < 0xDF || r > 0x523 || r >= 0x250 && r < 0x3AC:
		return false
	default:
		return unicode.Is(unicode.Ll, r)
	}
}

// Normal writes atoms so that equal texts are equal strings: Han characters that
// follow one another closed up, everything else with a space between, and gap
// between two Han characters that something separates.
func Normal(atoms []Atom, gap string) string {
	var b strings.Builder
	for i, a := range atoms {
		switch {
		case i == 0 || a.Joined:
		case a.Han && atoms[i-1].Han:
			b.WriteString(gap)
		default:
			b.WriteByte(' ')
		}
		b.WriteString(a.Text)
	}
	return b.String()
}

// find returns the places in text, as [from, to) atom indexes, where the clause occurs.
func (c Clause) find(text []Atom) [][2]int {
	var found [][2]int
	for i := 0; i+len(c) <= len(text); i++ {
		if c.at(text[i:]) {
			found = append(found, [2]int{i, i + len(c)})
		}
	}
	return found
}

func (c Clause) at(text []Atom) bool {
	for j, a := range c {
		if a.Text != text[j].Text || j > 0 && a.Joined != text[j].Joined {
			return false
		}
	}
	return true
}

// In reports whether the clause occurs in text: what every engine must agree with.
func (c Clause) In(text []Atom) bool {
	for i := 0; i+len(c) <= len(text); i++ {
		if c.at(text[i:]) {
			return true
		}
	}
	return false
}
