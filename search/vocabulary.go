package search

import (
	"maps"
	"slices"
	"strings"
	"unicode/utf8"

	"hotline/search/pinyin"
)

// The fields that a query may name, "状态:已办结".
const (
	FieldType       = "type"
	FieldCategory   = "category"
	FieldDistrict   = "district"
	FieldDepartment = "department"
	FieldState      = "state"
	FieldChannel    = "channel"
	FieldPlace      = "place"
	FieldPhone      = "phone"

	fieldTitle = "title"
	fieldDate  = "date"
)

// fieldNames are what people call fields.
var fieldNames = map[string]string{
	"类型": FieldType, "type": FieldType, "类别": FieldCategory, "分类": FieldCategory, "category": FieldCategory, "区划": FieldDistrict, "区域": FieldDistrict, "区": FieldDistrict,
	"district": FieldDistrict, "单位": FieldDepartment, "部门": FieldDepartment, "department": FieldDepartment, "状态": FieldState, "state": FieldState, "渠道": FieldChannel,
	"来源": FieldChannel, "channel": FieldChannel, "地点": FieldPlace, "地方": FieldPlace, "place": FieldPlace, "电话": FieldPhone, "手机": FieldPhone, "尾号": FieldPhone, "后四位": FieldPhone, "phone": FieldPhone,
	"标题": fieldTitle, "title": fieldTitle, "日期": fieldDate, "时间": fieldDate, "date": fieldDate,
}

// Named is a value of a field and what people call it.
type Named struct {
	Field string
	Code  string
	Names []string
}

// maxNamed bounds the values that one name may stand for.
const maxNamed = 50

// Vocabulary is what a city's people call things: values of fields, words that stand
// for one another. Queries with one may name fields and days.
type Vocabulary struct {
	dictionary *Dictionary
	fields     map[string][]Named
	initials   map[string]map[byte][]Named // by field, and how the first characters' readings begin
}

// NewVocabulary makes one; the dictionary may be nil.
func NewVocabulary(named []Named, d *Dictionary) *Vocabulary {
	v := &Vocabulary{dictionary: d, fields: map[string][]Named{}, initials: map[string]map[byte][]Named{}}
	for _, n := range named {
		n.Names = lowered(n.Names)
		v.fields[n.Field] = append(v.fields[n.Field], n)
		v.takeInitials(n)
	}
	return v
}

func lowered(names []string) []string {
	out := make([]string, len(names))
	for i, name := range names {
		out[i] = strings.ToLower(name)
	}
	return out
}

// WithDepartments is the vocabulary with its departments' codes written another way, as an
// index of its own may have them.
func (v *Vocabulary) WithDepartments(written func(code string) string) *Vocabulary {
	if v == nil {
		return nil
	}
	out := *v
	out.fields = maps.Clone(v.fields)
	departments := slices.Clone(v.fields[FieldDepartment])
	for i := range departments {
		departments[i].Code = written(departments[i].Code)
	}
	out.fields[FieldDepartment] = departments
	out.initials = maps.Clone(v.initials)
	delete(out.initials, FieldDepartment)
	for _, d := range departments {
		out.takeInitials(d)
	}
	return &out
}

// The bounds of what a text may be a name of.
const (
	calledMost    = 5  // values of one field
	longestCalled = 20 // characters
)

// Called are the values of departments, categories, districts and places that the whole of
// a text names, or a part of their names does; none of fewer than two characters.
func (v *Vocabulary) Called(text string) []Understood {
	text = strings.TrimSpace(text)
	if n := utf8.RuneCountInString(text); v == nil || n < 2 || n > longestCalled {
		return nil
	}
	var all []Understood
	for _, field := range []string{FieldDepartment, FieldCategory, FieldDistrict, FieldPlace} {
		if codes := v.codes(field, text); len(codes) > 0 {
			all = append(all, Understood{Text: text, Field: field, Values: codes[:min(len(codes), calledMost)]})
		}
	}
	return all
}

// codes are the values of a field that are called so: by code or name, else by a part
// of a name, else by how a name sounds, else, for a department, by a name cut short.
func (v *Vocabulary) codes(field, called string) []string {
	called = strings.ToLower(strings.TrimSpace(called))
	if called == "" {
		return nil
	}
	codes := codesOf(v.fields[field], func(n Named) bool { return strings.ToLower(n.Code) == called || slices.Contains(n.Names, called) })
	if len(codes) == 0 {
		codes = codesOf(v.fields[field], named(func(name string) bool { return strings.Contains(name, called) }))
	}
	if len(codes) == 0 && latin(called) {
		codes = codesOf(v.initials[field][called[0]], named(func(name string) bool { return pinyin.Begins(name, called) }))
	}
	if len(codes) == 0 && field == FieldDepartment {
		codes = codesOf(v.fields[field], named(func(name string) bool { return shortFor(called, name) }))
	}
	return codes
}

// named are the values that have a name of some kind.
func named(kind func(name string) bool) func(Named) bool {
	return func(n Named) bool { return slices.ContainsFunc(n.Names, kind) }
}

// shortFor tells whether a word is a name with characters left out, as 城管 is for 城市管理局.
func shortFor(word, name string) bool {
	left := []rune(word)
	if len(left) < 2 {
		return false
	}
	for _, r := range name {
		if r == left[0] && isHan(r) {
			if left = left[1:]; len(left) == 0 {
				return true
			}
		}
	}
	return false
}

// codesOf are the codes of those values that match, maxNamed at most.
func codesOf(all []Named, matches func(Named) bool) (codes []string) {
	for _, n := range all {
		if !matches(n) {
			continue
		}
		if codes = append(codes, n.Code); len(codes) == maxNamed {
			break
		}
	}
	return codes
}

// others are the values of a field that are none of these.
func (v *Vocabulary) others(field string, codes []string) []string {
	var all []string
	for _, n := range v.fields[field] {
		if !slices.Contains(codes, n.Code) {
			all = append(all, n.Code)
		}
	}
	return all
}

// maxSounding bounds the places that a word in Latin letters may mean.
const maxSounding = 6

// sounding are the names of places that are spelled so in pinyin.
func (v *Vocabulary) sounding(typed string) []string {
	var all []string
	if len(typed) < 3 || !latin(typed) { // two letters are an abbreviation as often as not
		return nil
	}
	for _, n := range v.initials[FieldPlace][typed[0]] {
		for _, name := range n.Names {
			if len(all) < maxSounding && !slices.Contains(all, name) && pinyin.Begins(name, typed) {
				all = append(all, name)
			}
		}
	}
	return all
}

// takeInitials files a value under how its names begin when they are read.
func (v *Vocabulary) takeInitials(n Named) {
	under := v.initials[n.Field]
	if under == nil {
		under = map[byte][]Named{}
		v.initials[n.Field] = under
	}
	var seen []byte
	for _, name := range n.Names {
		for _, initial := range pinyin.Initials(name) {
			if !slices.Contains(seen, initial) {
				seen = append(seen, initial)
				under[initial] = append(under[initial], n)
			}
		}
	}
}

func latin(text string) bool {
	return strings.IndexFunc(text, func(r rune) bool { return r < 'a' || r > 'z' }) < 0
}
