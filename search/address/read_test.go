package address_test

import (
	"strings"
	"testing"

	"github.com/stretchr/testify/require"
	"pgregory.net/rapid"

	"hotline/search/address"
)

var (
	areas = []address.Area{
		{Code: "east", Name: "东山区"}, {Code: "east-1", Name: "望江街道", Parent: "east"}, {Code: "west", Name: "西岭县"},
		{Code: "west-1", Name: "柳河镇", Parent: "west"},
	}
	places = []address.Place{
		{Name: "望江花园", Aliases: []string{"望江花园小区"}, Kind: "r", District: "east", Street: "east-1"},
		{Name: "建设路", Kind: "d", District: "east", Street: "east-1"},
		{Name: "建设路", Kind: "d", District: "west", Street: "west-1"},
		{Name: "和平路与建设路交叉口", Kind: "d", District: "east", Street: "east-1"},
		{Name: "第一中学", Aliases: []string{"一中"}, Kind: "s", District: "east"},
		{Name: "第十一中学", Aliases: []string{"十一中"}, Kind: "s", District: "west"},
		{Name: "柳河水库", Kind: "p", District: "west", Street: "west-1"},
		{Name: "翠竹园", Kind: "r", District: "west", Street: "west-1"},
	}
	small = address.New(areas, places)
)

func TestRead(t *testing.T) {
	for text, want := range map[string]struct{ district, street, place, words string }{
		"望江花园3号楼漏水":         {"east", "east-1", "望江花园", "望江花园"},
		"你好，旺江花园小区":         {"east", "east-1", "望江花园", "旺江花园小区"},
		"建设路与和平路路口灯不亮":      {"east", "east-1", "和平路与建设路交叉口", "建设路与和平路路口"},
		"西岭县建设路积水":          {"west", "west-1", "建设路", "建设路"},
		"柳河镇的建设路":           {"west", "west-1", "建设路", "建设路"},
		"11中门口堵车":           {"west", "", "第十一中学", "11中"},
		"中学旁11号楼":           {"", "", "", ""},
		"１中放学堵车":            {"east", "", "第一中学", "１中"},
		"翠竹园":               {"west", "west-1", "翠竹园", "翠竹园"},
		"我住西岭县，望江花园那边有人烧垃圾": {"east", "east-1", "望江花园", "望江花园"},
		"望江街道的路灯":           {"east", "east-1", "", ""},
		"西岭县办事难":            {"west", "", "", ""},
		"西岭那边的低保":           {"west", "", "", ""},
		"柳河镇政府":             {"west", "west-1", "", ""},
		"公积金怎么提取":           {"", "", "", ""},
		"":                  {"", "", "", ""},
	} {
		r := small.Read(text)
		place := ""
		if r.Place != nil {
			place = r.Place.Name
		}
		require.Equal(t, want.district, r.District, text)
		require.Equal(t, want.street, r.Street, text)
		require.Equal(t, want.place, place, text)
		require.Equal(t, want.words, text[r.From:r.To], text)
	}
}

func TestAnAddressDecidesWhereItIsPlain(t *testing.T) {
	require.Equal(t, "望江花园", small.ReadBoth("望江花园3号楼", "第十一中学门口堵车").Place.Name)
	require.Equal(t, "第十一中学", small.ReadBoth("东门", "第十一中学门口堵车").Place.Name)
	require.Equal(t, "west", small.ReadBoth("建设路", "西岭县的建设路积水").District)
	require.Equal(t, "建设路", small.ReadBoth("建设路", "").Place.Name)
	require.Nil(t, small.ReadBoth("", "").Place)
}

func TestAReadingSaysWhenItIsNotSure(t *testing.T) {
	r := small.Read("建设路积水")
	require.False(t, r.Sure, "there are two")
	require.Equal(t, "建设路", r.Others[0].Name)
	require.NotEqual(t, r.District, r.Others[0].District)
	require.True(t, small.Read("东山区建设路积水").Sure)
	require.True(t, small.Read("望江花园").Sure)
	require.False(t, small.Read("翠园").Sure, "a third is missing")
}

// TestAnyTextIsRead: whatever comes in, what is found is of the gazetteer and lies in the text.
func TestAnyTextIsRead(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		text := rapid.OneOf(rapid.String(), rapid.StringOf(rapid.SampledFrom([]rune("望江花园建设路与和平口第一十中学柳河水库东山区西岭县，3１ \xff")))).Draw(t, "text")
		r := small.Read(text)
		require.True(t, 0 <= r.From && r.From <= r.To && r.To <= len(text))
		if r.Place != nil {
			require.Equal(t, r.Place.District, r.District)
			require.Equal(t, r.Place.Street, r.Street)
			require.LessOrEqual(t, r.Likeness, 1.0)
		}
		require.Equal(t, r, small.Read(text), "the same again")
	})
}

// TestANameInAnyTextIsFound: a place that is named as the gazetteer has it, between other words.
func TestANameInAnyTextIsFound(t *testing.T) {
	other := rapid.StringOf(rapid.SampledFrom([]rune("市民反映来电请尽快处理，。 3噪音扰民")))
	rapid.Check(t, func(t *rapid.T) {
		name := rapid.SampledFrom([]string{"望江花园", "第十一中学", "翠竹园", "柳河水库"}).Draw(t, "name")
		text := other.Draw(t, "before") + name + other.Draw(t, "after")
		r := small.Read(text)
		require.NotNil(t, r.Place)
		require.Equal(t, name, r.Place.Name)
		require.InDelta(t, 1, r.Likeness, 1e-9)
	})
}

func TestALongTextIsReadInBoundedTime(t *testing.T) {
	require.Equal(t, "望江花园", small.Read("望江花园"+strings.Repeat("第一中学和平路", 1_000_000)[:30_000]).Place.Name)
	require.Nil(t, small.Read(strings.Repeat("呜", 100_000)+"望江花园").Place, "what is far behind is not read")
}

func TestComplete(t *testing.T) {
	names := func(list []*address.Place) (all []string) {
		for _, p := range list {
			all = append(all, p.Name)
		}
		return all
	}
	require.Equal(t, []string{"望江花园"}, names(small.Complete("望江", 5)))
	require.Equal(t, []string{"望江花园"}, names(small.Complete("wjhy", 5)))
	require.Equal(t, []string{"望江花园"}, names(small.Complete("WangJiangH", 5)))
	require.Equal(t, []string{"建设路", "建设路", "和平路与建设路交叉口"}, names(small.Complete("建设路", 5)), "those that begin so come first")
	require.Len(t, small.Complete("建设路", 1), 1)
	require.Equal(t, []string{"第十一中学"}, names(small.Complete("十一中", 5)), "by what it is called too")
	require.Empty(t, small.Complete("", 5))
	require.Empty(t, small.Complete(" ", 5))
	require.Empty(t, small.Complete("没有", 5))
	require.Empty(t, small.Complete(strings.Repeat("建", 1000), 5))
}
