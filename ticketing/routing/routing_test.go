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

func routed(change func(*ticketing.City), t ticketing.Ticket) ticketing.Decision {
	c := city()
	change(&c)
	return routing.New(c).Route(t)
}

func lampsIn(district string) ticketing.Ticket {
	return ticketing.Ticket{Line: "12345", Appeal: ticketing.Appeal{
		Type: ticketing.Complaint, Category: "lamps", District: district, Title: "路灯不亮", Description: "小区门口路灯不亮", Address: "兴隆街12号",
	}}
}

func TestPrecedence(t *testing.T) {
	catalogue := func(*ticketing.City) {}
	rule := func(c *ticketing.City) {
		c.Catalogue.Rules = append(c.Catalogue.Rules, ticketing.RouteRule{Name: "小区", Words: []string{"小区"}, Department: "hill"})
	}
	ruling := func(c *ticketing.City) {
		rule(c)
		c.Catalogue.Rulings = append(c.Catalogue.Rulings, ticketing.Ruling{ID: "20260302-000001", Category: "lamps", District: "east", Department: "city-urban"})
	}
	line := func(c *ticketing.City) {
		ruling(c)
		c.Catalogue.Lines = append(c.Catalogue.Lines, ticketing.LineEntry{Line: "12345", Department: "east-urban"})
	}
	for _, test := range []struct {
		name, want, reason string
		change             func(*ticketing.City)
	}{
		{"catalogue", "east-urban", "派单目录第 12 版", catalogue},
		{"a rule goes before it", "hill", "派单规则“小区” → 东山街道办", rule},
		{"a ruling before the rule", "city-urban", "裁定 20260302-000001", ruling},
		{"a sealed line before all", "east-urban", "专线 12345", line},
	} {
		t.Run(test.name, func(t *testing.T) {
			d := routed(test.change, lampsIn("east-hill"))
			require.Equal(t, test.want, d.Department)
			require.Contains(t, d.Reason, test.reason)
			require.NotEmpty(t, d.ReasonEn)
		})
	}
	d := routed(ruling, lampsIn("west"))
	require.Equal(t, "hill", d.Department, "the ruling is of the east alone")
}

func TestEveryConditionOfARule(t *testing.T) {
	for name, test := range map[string]struct{ yes, no ticketing.RouteRule }{
		"type":     {ticketing.RouteRule{Types: []ticketing.AppealType{ticketing.Complaint}}, ticketing.RouteRule{Types: []ticketing.AppealType{ticketing.Praise}}},
		"family":   {ticketing.RouteRule{Categories: []string{"urban"}}, ticketing.RouteRule{Categories: []string{"stalls"}}},
		"district": {ticketing.RouteRule{Districts: []string{"east"}}, ticketing.RouteRule{Districts: []string{"west"}}},
		"line":     {ticketing.RouteRule{Lines: []string{"12345"}}, ticketing.RouteRule{Lines: []string{"12315"}}},
		"words":    {ticketing.RouteRule{Words: []string{"小区", "学校"}}, ticketing.RouteRule{Words: []string{"学校"}}},
		"address":  {ticketing.RouteRule{Addresses: []string{"兴隆街"}}, ticketing.RouteRule{Addresses: []string{"和平路"}}},
	} {
		t.Run(name, func(t *testing.T) {
			for want, rule := range map[string]ticketing.RouteRule{"hill": test.yes, "east-urban": test.no} {
				rule.Department = "hill"
				d := routed(func(c *ticketing.City) { c.Catalogue.Rules = []ticketing.RouteRule{rule} }, lampsIn("east-hill"))
				require.Equal(t, want, d.Department)
			}
		})
	}
}

func TestATieGoesToTheDeskWithBoth(t *testing.T) {
	d := routed(func(c *ticketing.City) {
		c.Catalogue.Rules = []ticketing.RouteRule{
			{Name: "一", Words: []string{"小区"}, Department: "hill"}, {Name: "二", Words: []string{"门口"}, Department: "city-urban"},
			{Name: "三", Words: []string{"路灯"}, Department: "hill"},
		}
	}, lampsIn("east"))
	require.True(t, d.Desk)
	require.Empty(t, d.Department)
	require.Equal(t, []string{"hill", "city-urban"}, d.Candidates)
	require.Contains(t, d.Reason, "“一”")
	require.Contains(t, d.Reason, "“二”")
}

func TestWhatWasReturnedGoesToTheDesk(t *testing.T) {
	lamps := lampsIn("east")
	lamps.Records = []ticketing.Record{{
		Kind: ticketing.RecordReturn, State: ticketing.RecordApproved, Department: "east-urban", Proposed: "hill",
	}}
	d := routed(func(*ticketing.City) {}, lamps)
	require.True(t, d.Desk)
	require.Equal(t, []string{"hill"}, d.Candidates, "not the one that returned it")
	require.Contains(t, d.Reason, "东区城管局已退单")
}
