package indextest

import (
	"errors"
	"fmt"
	"slices"
	"strings"
	"testing"

	"github.com/stretchr/testify/require"
	"pgregory.net/rapid"

	"hotline/search"
)

func testMembership(t *testing.T, d search.Driver) {
	x := fill(t, d,
		text("a", "望京街道路灯不亮", "居民反映：望京街道3号楼旁的路灯，灯不亮已有10天。"),
		text("b", "小区噪音", "夜间施工（２３点后）噪音扰民，来自ＡＢＣ公司；联系Café老板"),
		text("c", "咨询", "灯"),
		text("d", "路灯", "灯不亮"),
		search.Document{ID: "e", Number: "20261122-000123", Version: 1, CreatedAt: birth, Title: "查询号", Body: "一二三四五六七八九十"},
	)
	for query, want := range map[string][]string{
		"望京": {"a"}, "京街": {"a"}, "望京街道": {"a"}, "望街": {}, "街道路灯": {"a"}, "路灯": {"a", "d"},
		"路灯不亮": {"a"}, "灯不亮": {"a", "d"}, "\"路灯 灯不亮\"": {"a"}, "路灯，灯不": {"a"},
		"灯": {"a", "c", "d"}, "京": {"a"}, "亮": {"a", "d"}, "缺": {},
		"3号楼": {"a"}, "3号": {"a"}, "号楼": {"a"}, "3": {"a"}, "号": {"a", "e"}, "10天": {"a"}, "1": {}, "0天": {}, "道3号": {"a"}, "楼旁的路": {"a"},
		"abc": {"b"}, "ABC公司": {"b"}, "ａｂｃ": {"b"}, "AB": {}, "cafe": {"b"}, "CAFÉ": {"b"}, "23点": {"b"}, "２３": {"b"},
		"路灯 望京": {"a"}, "望京 噪音": {}, "灯 -望京": {"c", "d"}, "灯 -\"灯不亮\"": {"c"}, "-灯": {"b", "e"}, "-灯 -噪音": {"e"},
		"20261122-000123": {"e"}, "000123": {"e"}, "2026": {}, "五六七": {"e"}, "一二三四五六七八九十": {"e"}, "九十一": {},
		"": {"a", "b", "c", "d", "e"}, "  \t\n ": {"a", "b", "c", "d", "e"}, "“路灯”": {"a", "d"}, "「噪音」": {"b"},
	} {
		require.Equal(t, want, found(t, x, everything(query)), "query %q", query)
	}
}

func testSpecial(t *testing.T, d search.Driver) {
	x := fill(t, d,
		text("a", "OR NEAR AND NOT title", "路灯(title:body) * ^ + - {x} c1:c2"),
		text("b", "葛󠄀城 𠮷野家 𪚥", "☎️ 📞路灯📞 ひらがなカタカナ 한국어 二〇二六年"),
		text("c", "x' OR 1=1 --", "\"}}],\"query\":{\"match_all\":{}}"),
	)
	for query, want := range map[string][]string{
		`" OR *`: {"a", "c"}, `"" OR`: {"a", "c"}, `NEAR(路灯 title, 3)`: {}, `NEAR`: {"a"}, `title:body`: {"a"}, `路灯*`: {"a", "b"},
		`title : "x"`: {"a"}, `{title}`: {"a"}, `^路灯`: {"a", "b"}, `路灯 AND NOT`: {"a"}, `c1:c2`: {"a"}, `' OR 1=1 --`: {"c"}, `1=1`: {"c"},
		`"}}`: nil, `match_all`: {"c"}, `"query":{"match_all"`: {"c"}, `\`: nil, "路灯\x00": {"a", "b"}, `%路灯_`: {"a", "b"},
		"葛城": {"b"}, "葛": {"b"}, "𠮷": {"b"}, "𠮷野": {"b"}, "𠮷野家": {"b"}, "野家": {"b"}, "𪚥": {"b"}, "𠮸": {}, "📞路灯📞": {"a", "b"}, "📞": nil,
		"ひら": {"b"}, "タカ": {"b"}, "한국": {"b"}, "국": {"b"}, "한어": {}, "二〇二六": {"b"}, "〇二": {"b"}, "〇": {"b"},
	} {
		if want == nil {
			_, err := x.Search(t.Context(), everything(query))
			var refused *search.QueryError
			require.ErrorAs(t, err, &refused, "query %q", query)
			require.ErrorIs(t, err, search.ErrBadQuery)
			continue
		}
		require.Equal(t, want, found(t, x, everything(query)), "query %q", query)
	}
	for name, q := range map[string]search.Query{
		"long": everything(strings.Repeat("灯", search.MaxText+1)), "many": everything(strings.Repeat("灯 ", search.MaxClauses+1)),
		"utf-8": everything("路\xff"), "limit": {Limit: search.MaxLimit + 1}, "negative limit": {Limit: -1}, "facet": {Facets: []string{"body"}},
		"sort": {Sort: "best"}, "cursor": {Cursor: "AAAA"}, "values": {Filters: search.Filters{States: make([]string, search.MaxValues+1)}},
	} {
		_, err := x.Search(t.Context(), q)
		require.ErrorIs(t, err, search.ErrBadQuery, name)
	}
	require.Equal(t, []string{}, found(t, x, everything(strings.Repeat("灯", search.MaxText))))
}

// testAllHan finds each of a spread of ideographs, alone and beside another, so that no
// tokenizer may drop or split what Analyse calls a Han character.
func testAllHan(t *testing.T, d search.Driver) {
	var body strings.Builder
	var all []rune
	for _, r := range [][2]rune{{0x3400, 0x4DB5}, {0x4E00, 0x9FCC}, {0x9FCD, 0x9FFF}, {0x20000, 0x2A6D6}, {0x2F800, 0x2FA1D}, {0x30000, 0x3134A}, {0x3041, 0x30FF}, {0x3105, 0x312F}} {
		step := max(1, (r[1]-r[0])/60)
		for c := r[0]; c <= r[1]; c += step {
			all = append(all, c)
		}
	}
	for _, c := range all {
		body.WriteString("山" + string(c) + "水")
	}
	body.WriteString("山")
	x := fill(t, d, text("a", "", body.String()))
	for _, c := range all {
		if len(search.Analyse(string(c))) == 0 {
			continue // a mark
		}
		for _, query := range []string{string(c), "山" + string(c), "山" + string(c) + "水", string(c) + "水山"} {
			require.Equal(t, []string{"a"}, found(t, x, everything(query)), "%q %U", query, c)
		}
	}
	require.Equal(t, []string{}, found(t, x, everything("水水")))
}

// alphabet is small, so that random queries often hit and nearly hit.
var alphabet = []string{"路", "灯", "不", "亮", "路灯", "，", " ", "。", "a", "B", "ａ", "3", "12", "-", "é", "の", "𠮷", "📞", "\"", "*", "ab3", "〇"}

func randomText(most int) *rapid.Generator[string] {
	return rapid.Custom(func(t *rapid.T) string {
		return strings.Join(rapid.SliceOfN(rapid.SampledFrom(alphabet), 0, most).Draw(t, "parts"), "")
	})
}

func testRandomTexts(t *testing.T, d search.Driver) {
	draw := rapid.Custom(func(t *rapid.T) search.Document {
		return text("", randomText(4).Draw(t, "title"), randomText(14).Draw(t, "body"))
	})
	docs := make([]search.Document, 150)
	for i := range docs {
		docs[i] = draw.Example(i)
		docs[i].ID = fmt.Sprintf("d%03d", i)
	}
	x := fill(t, d, docs...)
	m := model{docs}
	rapid.Check(t, func(rt *rapid.T) {
		phrase := strings.NewReplacer("\"", "", "-", "").Replace(randomText(5).Draw(rt, "phrase"))
		res, err := x.Search(t.Context(), everything("\""+phrase+"\""))
		if len(search.Analyse(phrase)) == 0 {
			if err == nil || !errors.Is(err, search.ErrBadQuery) {
				rt.Fatalf("nothing to look for in %q must be refused, got %v", phrase, err)
			}
			return
		}
		require.NoError(rt, err)
		require.Equal(rt, m.ids(everything(""), []clause{{text: phrase}}), ids(res), "phrase %q", phrase)
		for _, h := range res.Hits {
			require.True(rt, slices.ContainsFunc(append(h.Title, h.Body...), func(s search.Segment) bool { return s.Hit }), "nothing marked for %q in %+v", phrase, h)
		}
	})
}

func testHighlight(t *testing.T, d search.Driver) {
	long := strings.Repeat("很长的开头。", 50) + "望京街道的ＡＢＣ大厦" + strings.Repeat("，后面还有", 50)
	x := fill(t, d, text("a", "关于ABC大厦与路灯、路灯不亮", long), text("b", "<b>路灯</b>", "甲乙"))
	hit := func(s string) search.Segment { return search.Segment{Text: s, Hit: true} }
	plain := func(s string) search.Segment { return search.Segment{Text: s} }

	res := find(t, x, everything("路灯 abc大厦"))
	require.Equal(t, []search.Segment{plain("关于"), hit("ABC大厦"), plain("与"), hit("路灯"), plain("、"), hit("路灯"), plain("不亮")}, res.Hits[0].Title)
	body := res.Hits[0].Body
	require.Equal(t, plain("…"), body[0])
	require.Equal(t, hit("ＡＢＣ大厦"), body[2])
	require.Equal(t, plain("…"), body[len(body)-1])

	res = find(t, x, everything("路灯 -abc"))
	require.Equal(t, []search.Segment{plain("<b>"), hit("路灯"), plain("</b>")}, res.Hits[0].Title)
	require.Equal(t, []search.Segment{plain("甲乙")}, res.Hits[0].Body, "nothing found in the body: its beginning")

	res = find(t, x, everything("灯不 路灯不"))
	require.Equal(t, []search.Segment{plain("关于ABC大厦与路灯、"), hit("路灯不"), plain("亮")}, res.Hits[0].Title, "overlaps are joined")
}
