package search

import (
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/stretchr/testify/require"
	"pgregory.net/rapid"
)

// A Wednesday, in the evening of Shanghai and the afternoon of UTC.
var wednesday = time.Date(2026, 11, 25, 12, 30, 0, 0, time.UTC)

func TestPeriods(t *testing.T) {
	day := func(s string) time.Time {
		d, err := time.ParseInLocation(time.DateOnly, s, shanghai)
		require.NoError(t, err)
		return d
	}
	for text, want := range map[string][2]string{
		"今天": {"2026-11-25", "2026-11-26"}, "昨天": {"2026-11-24", "2026-11-25"}, "前天": {"2026-11-23", "2026-11-24"}, "本周": {"2026-11-23", "2026-11-30"},
		"上周": {"2026-11-16", "2026-11-23"}, "本月": {"2026-11-01", "2026-12-01"}, "上个月": {"2026-10-01", "2026-11-01"}, "今年": {"2026-01-01", "2027-01-01"}, "去年": {"2025-01-01", "2026-01-01"},
		"最近三天": {"2026-11-23", "2026-11-26"}, "近7天": {"2026-11-19", "2026-11-26"}, "最近两周": {"2026-11-12", "2026-11-26"}, "最近一个月": {"2026-10-26", "2026-11-26"},
		"近半年": {"2026-05-26", "2026-11-26"}, "最近半个月": {"2026-11-11", "2026-11-26"}, "过去二十五天": {"2026-11-01", "2026-11-26"}, "最近十天": {"2026-11-16", "2026-11-26"}, "近十二个月": {"2025-11-26", "2026-11-26"},
		"2026-11-02": {"2026-11-02", "2026-11-03"}, "2026/1/2": {"2026-01-02", "2026-01-03"}, "2024年2月29日": {"2024-02-29", "2024-03-01"}, "2026-11": {"2026-11-01", "2026-12-01"},
		"2025年12月": {"2025-12-01", "2026-01-01"}, "11月1日": {"2026-11-01", "2026-11-02"}, "12月1号": {"2025-12-01", "2025-12-02"}, "11月1日至11月9日": {"2026-11-01", "2026-11-10"},
		"2026-11-01..2026-11-09": {"2026-11-01", "2026-11-10"}, "2026-10到2026-11": {"2026-10-01", "2026-12-01"}, "上周到今天": {"2026-11-16", "2026-11-26"},
	} {
		p, ok := readPeriod(text, wednesday)
		require.True(t, ok, text)
		require.True(t, day(want[0]).Equal(p.from), "%s from %s", text, p.from)
		require.True(t, day(want[1]).Equal(p.to), "%s to %s", text, p.to)
	}
	for _, text := range []string{"", "路灯", "2026-02-30", "2026-13", "2026-00-01", "13月1日", "最近0天", "最近天", "最近百天", "最近半天", "今天至昨天", "至", "2026", "最近1000天", "最近三三天"} {
		_, ok := readPeriod(text, wednesday)
		require.False(t, ok, text)
	}
	p, ok := readPeriod("今天", time.Date(2026, 11, 25, 16, 0, 0, 0, time.UTC))
	require.True(t, ok)
	require.True(t, day("2026-11-26").Equal(p.from), "the day begins in Shanghai")
}

func TestPeriodsOfAnyText(t *testing.T) {
	parts := []string{"最近", "近", "十", "三", "半", "9999999999", "12", "天", "个月", "年", "月", "日", "-", "至", "..", "今天", "2026"}
	rapid.Check(t, func(t *rapid.T) {
		text := strings.Join(rapid.SliceOfN(rapid.SampledFrom(parts), 0, 6).Draw(t, "parts"), "")
		if p, ok := readPeriod(text, wednesday); ok {
			require.True(t, p.to.After(p.from), text)
		}
	})
}

func TestDictionary(t *testing.T) {
	d, err := ParseDictionary("\ufeff# 同义词\n路灯, 街灯，照明灯\n\n灵星雅苑=>棂星雅苑 # 错字\nKTV,歌厅\n垃圾,生活垃圾\n")
	require.NoError(t, err)
	for text, want := range map[string][]string{
		"路灯":      {"路灯", "街灯", "照明灯"},
		"小区街灯不亮":  {"小区街灯不亮", "小区路灯不亮", "小区照明灯不亮"},
		"灵星雅苑路灯":  {"棂星雅苑路灯", "棂星雅苑街灯", "棂星雅苑照明灯"},
		"ktv噪音":   {"ktv噪音", "歌厅噪音"},
		"ＫＴＶ":     {"ktv", "歌厅"},
		"生活垃圾":    {"生活垃圾", "垃圾"},
		"没有的":     {"没有的"},
		"の路灯，亮":   {"の路灯 亮", "の街灯 亮", "の照明灯 亮"},
		"":        {""},
		"路灯垃圾ktv": {"路灯垃圾ktv", "街灯垃圾ktv", "照明灯垃圾ktv", "路灯生活垃圾ktv", "路灯垃圾歌厅"},
	} {
		require.Equal(t, want, d.meanings(text), text)
	}
	require.Equal(t, []string{"路灯"}, (*Dictionary)(nil).meanings("路灯"))
	for text, want := range map[string]string{
		"路灯\n": "line 1: use 2 to 12 words", "路灯,路灯": "line 1: 路灯 is there twice", "\n路灯,街灯\n灯,街灯": "line 3: 街灯 is in another line", "=>路灯": "is no word of",
		"a=>b\na=>c": "line 2: a is corrected twice", "，": "use 2 to", strings.Repeat("路", 33) + ",灯": "is no word of 1 to 32",
	} {
		_, err := ParseDictionary(text)
		require.ErrorContains(t, err, want, text)
	}
}

func words() *Vocabulary {
	d, err := ParseDictionary("路灯,街灯\n噪声,噪音")
	if err != nil {
		panic(err)
	}
	return NewVocabulary([]Named{
		{FieldState, "closed", []string{"已办结", "办结"}}, {FieldState, "dispatched", []string{"已派单"}}, {FieldDistrict, "east", []string{"东山区"}}, {FieldDistrict, "west", []string{"西岭区"}},
		{FieldDepartment, "urban", []string{"市城市管理局", "城管局"}}, {FieldDepartment, "water", []string{"市水务局"}}, {FieldPlace, "east/望江花园", []string{"望江花园"}},
	}, d)
}

func TestAsk(t *testing.T) {
	read := func(text string) asked {
		a, err := parse(text, words(), wednesday)
		require.NoError(t, err, text)
		return a
	}
	ways := func(a asked) (all [][]string) {
		for _, c := range a.must {
			all = append(all, spellings(c))
		}
		return all
	}
	require.Equal(t, [][]string{{"路灯不亮", "街灯不亮"}, {"噪声", "噪音"}}, ways(read("路灯不亮 噪声")))
	require.Equal(t, [][]string{{"路灯"}}, ways(read(`"路灯"`)), "a phrase is as it is")
	require.Equal(t, [][]string{{"漏水", "停水"}}, ways(read("漏水|停水")))
	require.Equal(t, [][]string{{"20261122 000123"}}, ways(read("20261122000123")))
	require.Equal(t, [][]string{{"wjhy", "望江花园"}}, ways(read("wjhy")))
	require.Equal(t, [][]string{{"wj"}}, ways(read("wj")), "two letters are an abbreviation")
	require.Len(t, read("漏水 -路灯").not, 2, "all that stands for it is left out")

	a := read("状态:办结 漏水 上周 单位：cgj 标题:路灯 地点:望江")
	require.Equal(t, Filters{
		States: []string{"closed"}, Places: []string{"east/望江花园"}, MoreDepartments: [][]string{{"urban"}},
		From: time.Date(2026, 11, 16, 0, 0, 0, 0, shanghai), To: time.Date(2026, 11, 23, 0, 0, 0, 0, shanghai),
	}, withoutEmpty(a.filters))
	require.Equal(t, [][]string{{"漏水"}}, ways(a))
	require.Equal(t, []string{"路灯", "街灯"}, spellings(a.titles[0]))
	require.Equal(t, []string{"dispatched"}, read("-状态:已办结").filters.States)
	require.Equal(t, []string{"east", "west"}, read("区划:区").filters.Districts)
	require.Equal(t, []string{"west"}, read(`区划:"西岭区"`).filters.Districts, "a quoted value")
	require.Equal(t, nothing, read("状态:closed 状态:dispatched").filters.States, "both at once is nothing")
	require.Equal(t, read("日期:上周").filters, read("上周").filters)
	require.Empty(t, read(`"上周"`).understood, "in quotation marks it is a word")
	require.Equal(t, [][]string{{"漏水 严重"}}, ways(read("漏水：严重")), "what is no field is words")
	for _, text := range []string{"状态:没有", "日期:路灯", "-日期:上周", "标题:，", "-标题:路灯"} {
		_, err := parse(text, words(), wednesday)
		require.ErrorIs(t, err, ErrBadQuery, text)
	}
	for _, text := range []string{"尾号1234", "尾号 1234", "尾号：１２３４", "后四位1234", "电话:1234", "PHONE:1234", `尾号:"1234"`} {
		a := read(text + " 漏水")
		require.Equal(t, []string{"1234"}, a.filters.Tails, text)
		require.Equal(t, [][]string{{"漏水"}}, ways(a), text)
		digits, ok := Tail(text)
		require.True(t, ok && digits == "1234", text)
	}
	require.Equal(t, [][]string{{"尾号"}, {"路灯", "街灯"}}, ways(read("尾号 路灯")))
	for _, text := range []string{"1234", "尾号 路灯", "尾号1234 漏水", "尾号123", "-尾号1234", ""} {
		_, ok := Tail(text)
		require.False(t, ok, text)
	}
	for _, text := range []string{"尾号12345", "电话:13812345678", "-尾号1234", "尾号:一二三四", "尾号1111 尾号2222 尾号3333"} {
		_, err := parse(text, words(), wednesday)
		require.ErrorIs(t, err, ErrBadQuery, text)
	}
	plain, err := parse("状态:办结 上周 wjhy", nil, wednesday)
	require.NoError(t, err)
	require.Equal(t, [][]string{{"状态 办结"}, {"上周"}, {"wjhy"}}, ways(plain), "without a vocabulary all is words")
}

func TestWhatATextIsANameOf(t *testing.T) {
	v := words()
	require.Equal(t, []Understood{{Text: "城管", Field: FieldDepartment, Values: []string{"urban"}}}, v.Called(" 城管 "))
	require.Equal(t, []Understood{{Text: "wjhy", Field: FieldPlace, Values: []string{"east/望江花园"}}}, v.Called("wjhy"))
	require.Equal(t, []string{"urban"}, v.Called("城局")[0].Values, "cut short")
	require.Equal(t, []string{"water"}, v.Called("市水局")[0].Values)
	require.Empty(t, v.Called("管城"))
	require.Empty(t, v.Called("区"), "one character is a name of too much")
	require.Empty(t, v.Called("城管 路灯"))
	require.Empty(t, (*Vocabulary)(nil).Called("城管"))
}

func TestDepartmentsMayBeWrittenAnotherWay(t *testing.T) {
	v := words()
	a, err := parse("单位:cgj", v.WithDepartments(func(code string) string { return "12388:" + code }), wednesday)
	require.NoError(t, err)
	require.Equal(t, [][]string{{"12388:urban"}}, a.filters.MoreDepartments)
	a, err = parse("单位:cgj", v, wednesday)
	require.NoError(t, err)
	require.Equal(t, [][]string{{"urban"}}, a.filters.MoreDepartments, "the other is as it was")
	require.Nil(t, (*Vocabulary)(nil).WithDepartments(nil))
}

func withoutEmpty(f Filters) Filters {
	if len(f.MoreCategories) == 0 {
		f.MoreCategories = nil
	}
	return f
}

// TestAskNeverFailsUnexplained: whatever is typed is understood or refused with a reason.
func TestAskNeverFailsUnexplained(t *testing.T) {
	v := words()
	parts := []string{"状态:", "单位：", "-", "\"", "|", " ", "路灯", "上周", "至", "办结", "wjhy", "标题:", "日期:", "20261122000123", "尾号", "1234", "。", ":"}
	rapid.Check(t, func(t *rapid.T) {
		text := strings.Join(rapid.SliceOfN(rapid.SampledFrom(parts), 0, 8).Draw(t, "parts"), "")
		p, err := plan(Query{Text: text, Vocabulary: v, Now: wednesday})
		if err != nil {
			require.ErrorIs(t, err, ErrBadQuery)
			return
		}
		for _, c := range append(slices.Concat(slices.Concat(p.Must, p.Titles)...), p.MustNot...) {
			require.NotEmpty(t, c)
		}
	})
}
