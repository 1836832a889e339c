package city

import (
	_ "embed" // the grammar of the appeals
	"fmt"
	"strconv"
	"strings"

	"hotline/search/address"
	"hotline/ticketing"
)

//go:embed data/grammar.txt
var grammarText string

// leaf is the grammar of one category.
type leaf struct {
	code   string
	weight float64
	kinds  string // of place, a subset of address.Kinds
	mix    byte   // 'c', 'q', 'h', 'r'
	tags   []string
	urgent bool
	deadly bool

	titles                                      []string
	problems, details, asks, questions, replies []template
}

// template is a sentence with slots.
type template []segment

type segment struct {
	text string
	slot byte // 0: text only; otherwise the slot that follows the text
}

func compile(s string) (template, error) {
	var t template
	for s != "" {
		i := strings.IndexByte(s, '{')
		if i < 0 {
			return append(t, segment{text: s}), nil
		}
		if len(s) < i+3 || s[i+2] != '}' || !strings.ContainsRune("ptdnmyw", rune(s[i+1])) {
			return nil, fmt.Errorf("unknown slot in %q", s)
		}
		t = append(t, segment{text: s[:i], slot: s[i+1]})
		s = s[i+3:]
	}
	return t, nil
}

// parseGrammar reads the blocks of grammar.txt by category.
func parseGrammar(text string) (map[string]*leaf, error) {
	out := map[string]*leaf{}
	var cur *leaf
	for i, line := range strings.Split(text, "\n") {
		line = strings.TrimSpace(line)
		if line == "" || line[0] == '#' {
			continue
		}
		key, rest, _ := strings.Cut(line, " ")
		if key == "@" {
			l, err := parseHead(rest)
			if err != nil {
				return nil, fmt.Errorf("grammar: line %d: %w", i+1, err)
			}
			if out[l.code] != nil {
				return nil, fmt.Errorf("grammar: line %d: %s is given twice", i+1, l.code)
			}
			out[l.code], cur = l, l
			continue
		}
		if cur == nil {
			return nil, fmt.Errorf("grammar: line %d: begin a block with @ first", i+1)
		}
		if err := cur.add(key, strings.Split(rest, "|")); err != nil {
			return nil, fmt.Errorf("grammar: line %d: %w", i+1, err)
		}
	}
	for code, l := range out {
		if len(l.titles) == 0 || len(l.problems) == 0 || len(l.details) == 0 || len(l.asks) == 0 || len(l.questions) == 0 || len(l.replies) == 0 {
			return nil, fmt.Errorf("grammar: %s lacks one of T, P, D, A, Q, R", code)
		}
	}
	return out, nil
}

func parseHead(s string) (*leaf, error) {
	f := strings.Split(s, "|")
	if len(f) != 4 {
		return nil, fmt.Errorf("a block begins with @ code | weight | kinds | tags")
	}
	l := &leaf{code: strings.TrimSpace(f[0])}
	var err error
	if l.weight, err = strconv.ParseFloat(strings.TrimSpace(f[1]), 64); err != nil || l.weight <= 0 {
		return nil, fmt.Errorf("weight %q is not a positive number", f[1])
	}
	for _, k := range strings.Split(strings.TrimSpace(f[2]), ",") {
		if len(k) != 1 || !strings.Contains(address.Kinds, k) {
			return nil, fmt.Errorf("unknown kind of place %q", k)
		}
		l.kinds += k
	}
	for _, tag := range strings.Fields(f[3]) {
		switch _, known := seasons[tag]; {
		case tag == "u":
			l.urgent = true
		case tag == "!":
			l.urgent, l.deadly = true, true
		case len(tag) == 1 && strings.Contains("cqhr", tag):
			l.mix = tag[0]
		case known:
			l.tags = append(l.tags, tag)
		default:
			return nil, fmt.Errorf("unknown tag %q", tag)
		}
	}
	if l.mix == 0 {
		return nil, fmt.Errorf("one of the tags c, q, h, r is needed")
	}
	return l, nil
}

func (l *leaf) add(key string, alternatives []string) error {
	if key == "T" {
		l.titles = alternatives
		return nil
	}
	into := map[string]*[]template{"P": &l.problems, "D": &l.details, "A": &l.asks, "Q": &l.questions, "R": &l.replies}[key]
	if into == nil {
		return fmt.Errorf("unknown key %q; known are @ T P D A Q R", key)
	}
	for _, s := range alternatives {
		t, err := compile(strings.TrimSpace(s))
		if err != nil {
			return err
		}
		*into = append(*into, t)
	}
	return nil
}

// plainLeaf serves a category that the grammar does not know, as a city's own
// document may have.
func plainLeaf(c ticketing.Category) *leaf {
	name := strings.NewReplacer("{", "", "}", "").Replace(c.Name)
	l := &leaf{code: c.Code, weight: 2, kinds: "rdm", mix: 'c', titles: []string{name}}
	for key, s := range map[string][]string{
		"P": {"{p}存在" + name + "方面的问题，已经{d}了", "{p}的" + name + "问题一直没有解决", "{p}最近又出现" + name + "的情况"},
		"D": {"周围的居民意见很大", "给大家的生活带来不便", "找过几个单位都没有说法"},
		"A": {"尽快核实处理", "查明原因并告知结果"},
		"Q": {"{p}的" + name + "由哪个部门负责，怎么办理"},
		"R": {"工作人员已到现场核实并处理", "已制定整改方案，{n}日内完成"},
	} {
		_ = l.add(key, s) // these compile: a test goes through them
	}
	return l
}
