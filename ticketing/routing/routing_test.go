package routing_test

import (
	"testing"

	"github.com/stretchr/testify/require"

	"hotline/ticketing"
	"hotline/ticketing/routing"
)

func city() ticketing.City {
	return ticketing.City{
		Categories: []ticketing.Category{
			{Code: "urban", Name: "城市管理"}, {Code: "lamps", Name: "路灯", Parent: "urban"}, {Code: "stalls", Name: "占道经营", Parent: "urban"},
			{Code: "other", Name: "其他"}, {Code: "gone", Name: "旧类"},
		},
		Districts: []ticketing.District{
			{Code: "east", Name: "东区"}, {Code: "east-hill", Name: "东山街道", Parent: "east"}, {Code: "west", Name: "西区"},
		},
		Departments: []ticketing.Department{{Code: "city-urban", Name: "市城管局"}, {Code: "east-urban", Name: "东区城管局"}, {Code: "hill", Name: "东山街道办"}},
		Catalogue: ticketing.Catalogue{Version: 12, Entries: []ticketing.CatalogueEntry{
			{Category: "urban", Department: "city-urban"},
			{Category: "lamps", District: "east", Department: "east-urban"},
			{Category: "stalls", District: "east-hill", Department: "hill"},
			{Category: "gone", Department: "dissolved"},
		}},
	}
}

func TestTheNearestEntryCounts(t *testing.T) {
	r := routing.New(city())
	for name, test := range map[string]struct{ category, district, want, reason string }{
		"the district's own entry":              {"lamps", "east", "east-urban", "派单目录第 12 版:路灯 × 东区 → 东区城管局"},
		"a street falls back to its district":   {"lamps", "east-hill", "east-urban", "路灯 × 东区"},
		"the street's own entry":                {"stalls", "east-hill", "hill", "占道经营 × 东山街道 → 东山街道办"},
		"another district: the family's entry":  {"lamps", "west", "city-urban", "城市管理 × 全市 → 市城管局(按上级分类)"},
		"no district: the family's entry":       {"lamps", "", "city-urban", "(按上级分类)"},
		"an unknown district: the city's entry": {"urban", "nowhere", "city-urban", "城市管理 × 全市"},
	} {
		t.Run(name, func(t *testing.T) {
			d := r.Route(ticketing.Ticket{Appeal: ticketing.Appeal{Category: test.category, District: test.district}})
			require.Equal(t, test.want, d.Department)
			require.False(t, d.Desk)
			require.Contains(t, d.Reason, test.reason)
			require.NotEmpty(t, d.ReasonEn)
		})
	}
}

func TestTheDeskDecidesWhereTheCatalogueIsSilent(t *testing.T) {
	r := routing.New(city())
	for category, reason := range map[string]string{
		"":        "工单没有诉求分类",
		"other":   "没有“其他”在东区的条目",
		"unknown": "没有“unknown”在东区的条目",
		"gone":    "dissolved 已不存在",
	} {
		d := r.Route(ticketing.Ticket{Appeal: ticketing.Appeal{Category: category, District: "east"}})
		require.True(t, d.Desk, category)
		require.Empty(t, d.Department)
		require.Contains(t, d.Reason, reason)
	}
}

func TestACircleEnds(t *testing.T) {
	c := city()
	c.Categories = append(c.Categories, ticketing.Category{Code: "a", Parent: "b"}, ticketing.Category{Code: "b", Parent: "a"})
	c.Districts = append(c.Districts, ticketing.District{Code: "x", Parent: "y"}, ticketing.District{Code: "y", Parent: "x"})
	d := routing.New(c).Route(ticketing.Ticket{Appeal: ticketing.Appeal{Category: "a", District: "x"}})
	require.True(t, d.Desk)
}
