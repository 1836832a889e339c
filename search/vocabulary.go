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
	initials   map[byte][]string // names of places by how their first character's readings begin
}

// NewVocabulary makes one; the dictionary may be nil.
func NewVocabulary(named []Named, d *Dictionary) *Vocabulary {
	v := &Vocabulary{dictionary: d, fields: map[string][]Named{}, initials: map[byte][]string{}}
	for _, n := range named {
		n.Names = lowered(n.Names)
		v.fields[n.Field] = append(v.fields[n.Field], n)
		if n.Field == FieldPlace {
			v.takeInitials(n.Names)
		}
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
	return &out
}

// calledMost bounds the values of one field that a text may be a name of.
const calledMost = 5

// Called are the values of departments, categories, districts and places that the whole of
// a text names, or a part of their names does; none of fewer than two characters.
func (v *Vocabulary) Called(text string) []Understood {
	text = strings.TrimSpace(text)
	if v == nil || utf8.RuneCountInString(text) < 2 {
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
// of a name, else by how a name sounds.
func (v *Vocabulary) codes(field, called string) []string {
	called = strings.ToLower(strings.TrimSpace(called))
	if called == "" {
		return nil
	}
	for _, matches := range []func(n Named) bool{
		func(n Named) bool { return strings.ToLower(n.Code) == called || slices.Contains(n.Names, called) },
		func(n Named) bool {
			return slices.ContainsFunc(n.Names, func(name string) bool { return strings.Contains(name, called) })
		},
		func(n Named) bool {
			return latin(called) && slices.ContainsFunc(n.Names, func(name string) bool { return pinyin.Begins(name, called) })
		},
	} {
		var codes []string
		for _, n := range v.fields[field] {
			if matches(n) && len(codes) < maxNamed {
				codes = append(codes, n.Code)
			}
		}
		if len(codes) > 0 {
			return codes
		}
	}
	return nil
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
	for _, name := range v.initials[typed[0]] {
		if pinyin.Begins(name, typed) && len(all) < maxSounding && !slices.Contains(all, name) {
			all = append(all, name)
		}
	}
	return all
}

func (v *Vocabulary) takeInitials(names []string) {
	for _, name := range names {
		first, size := utf8.DecodeRuneInString(name)
		if size == len(name) {
			continue
		}
		var seen []byte
		for _, reading := range pinyin.Of(first) {
			if !slices.Contains(seen, reading[0]) {
				seen = append(seen, reading[0])
				v.initials[reading[0]] = append(v.initials[reading[0]], name)
			}
		}
	}
}

func latin(text string) bool {
	return strings.IndexFunc(text, func(r rune) bool { return r < 'a' || r > 'z' }) < 0
}
