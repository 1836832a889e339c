package ticketing

import (
	"strings"
	"testing"
	"time"

	"github.com/stretchr/testify/require"
	"pgregory.net/rapid"
)

func TestMasks(t *testing.T) {
	for name, want := range map[string]string{"": "", "  ": "", "王建国": "王**", "王": "王**", " 欧阳娜娜": "欧**", "John Smith": "J**"} {
		require.Equal(t, want, MaskName(name), name)
	}
	for phone, want := range map[string]string{
		"": "", "13812345678": "138****5678", "051986601234": "051*****1234", "86601234": "86****34", "12345": "*****", "+447911123456": "+44******3456",
	} {
		require.Equal(t, want, MaskPhone(phone), phone)
	}
}

func TestPhonesAreNormalised(t *testing.T) {
	for in, want := range map[string]string{
		"": "", " 138 1234 5678 ": "13812345678", "+86 138-1234-5678": "13812345678", "008613812345678": "13812345678", "8613812345678": "13812345678",
		"１３８１２３４５６７８": "13812345678", "(0519) 8660-1234": "051986601234", "+86 519 8660 1234": "051986601234", "+86 10 6512 3456": "01065123456",
		"12345": "12345", "86601234": "86601234", "4008123456": "4008123456", "+44 7911 123456": "+447911123456", "＋8613812345678": "13812345678",
	} {
		got, err := NormalizePhone(in)
		require.NoError(t, err, in)
		require.Equal(t, want, got, in)
	}
	for _, in := range []string{"call me", "12", "1+1", "--", "138123456789012345678", strings.Repeat("1", 65), "138#1"} {
		_, err := NormalizePhone(in)
		require.Equal(t, CodeInvalid, CodeOf(err), in)
		if len(in) > 4 { // shorter ones may be part of any text
			require.NotContains(t, err.Error(), in)
		}
	}
	rapid.Check(t, func(r *rapid.T) {
		once, err := NormalizePhone(rapid.String().Draw(r, "phone"))
		if err == nil {
			twice, err := NormalizePhone(once)
			require.NoError(r, err)
			require.Equal(r, once, twice)
		}
	})
}

func TestQueryCodes(t *testing.T) {
	seen := map[string]bool{}
	for range 1000 {
		c := newQueryCode()
		require.Len(t, c, 8)
		require.Empty(t, strings.Trim(c, queryAlphabet))
		require.False(t, seen[c])
		seen[c] = true
	}
	for _, c := range "01OIL" {
		require.NotContains(t, queryAlphabet, string(c))
	}
	stored := hashQueryCode("t", "ABCD2345")
	require.True(t, stored.matches("ABCD2345"))
	require.True(t, stored.matches(" abcd-2345 "), "as people write it")
	require.False(t, stored.matches("ABCD2346"))
	require.False(t, stored.matches(""))
	require.False(t, QueryCode{}.matches("ABCD2345"))
	require.False(t, QueryCode{}.matches(""))
	sealed, err := seal("key", "ABCD2345")
	require.NoError(t, err)
	require.NotContains(t, string(sealed), "ABCD")
	opened, err := unseal("key", sealed)
	require.NoError(t, err)
	require.Equal(t, "ABCD2345", opened)
	_, err = unseal("another", sealed)
	require.Error(t, err)
}

func TestIDsSortByTime(t *testing.T) {
	at := time.Date(2026, 3, 2, 15, 59, 59, 0, time.UTC)
	last := ""
	for i := range 100 {
		id := NewID(at.Add(time.Duration(i) * time.Millisecond))
		require.Regexp(t, "^[0-9a-f]{8}-[0-9a-f]{4}-7[0-9a-f]{3}-[89ab][0-9a-f]{3}-[0-9a-f]{12}$", id)
		require.Greater(t, id, last)
		last = id
	}
	require.Equal(t, "20260302", numberDay(at))
	require.Equal(t, "20260303", numberDay(at.Add(time.Second)), "the day turns at midnight in Shanghai")
}

func TestConfidentialTicketsHideThePerson(t *testing.T) {
	secret := ticket()
	secret.Confidential, secret.Department, secret.Calls = true, "dept-a", []string{"call"}
	secret.Appeal.Description = "我叫王建国，13812345678"
	clerk := Actor{UserID: "c", Roles: []Role{RoleClerk}, Department: "dept-a"}
	got := clerk.view(secret)
	require.Empty(t, got.Citizen)
	require.Empty(t, got.Calls)
	require.Equal(t, "我叫***，***", got.Appeal.Description)
	secret.Answer, secret.Assignments = "已回复王建国", []Assignment{{Reason: "请回电 138 1234-5678"}}
	got = clerk.view(secret)
	require.Equal(t, "已回复***", got.Answer)
	require.Equal(t, "请回电 ***", got.Assignments[0].Reason)
	require.Equal(t, "请回电 138 1234-5678", secret.Assignments[0].Reason, "a view is a copy")
	at := time.Date(2026, 3, 2, 8, 0, 0, 0, time.UTC)
	told := newEvent(secret, EventDispatched, "u1", at, EventData{Department: "dept-a", Reason: "王建国，１３８１２３４５６７８", Note: "见王建国", Answer: "致王建国", CallID: "call"})
	told.ID = 7
	shown := clerk.history(secret, []Event{told})[0]
	require.Equal(t, EventData{Department: "dept-a", Reason: "***，***", Note: "见***", Answer: "致***"}, shown.Decode())
	require.Equal(t, []any{int64(7), told.TicketID, told.Version, told.Type, told.At, told.Actor}, []any{shown.ID, shown.TicketID, shown.Version, shown.Type, shown.At, shown.Actor})
	require.Equal(t, []Event{told}, Actor{Roles: []Role{RoleAgent}}.history(secret, []Event{told}))
	got = Actor{Roles: []Role{RoleAgent}}.view(secret)
	require.Equal(t, Citizen{Name: "王**", Phone: "138****5678"}, got.Citizen)
	require.Equal(t, "王建国", secret.Citizen.Name, "a view is a copy")
}

func TestAMaskedPersonSentBackChangesNothing(t *testing.T) {
	had := ticket()
	name, phone, title := MaskName(had.Citizen.Name), MaskPhone(had.Citizen.Phone), "新标题"
	next := had.clone()
	require.Equal(t, []string{"title"}, Patch{Name: &name, Phone: &phone, Title: &title}.set(&next))
	require.Equal(t, had.Citizen, next.Citizen)
	other, empty := "李**", ""
	require.Equal(t, []string{"name", "phone"}, Patch{Name: &other, Phone: &empty}.set(&next))
	require.Equal(t, Citizen{Name: other}, next.Citizen)
}

func TestCitiesAreChecked(t *testing.T) {
	good := func() City {
		return City{
			Name: "临江市", Districts: []District{{Code: "e", Name: "东"}}, Departments: []Department{{Code: "d", Name: "局", District: "e"}},
			Categories: []Category{{Code: "u", Name: "城管"}, {Code: "l", Name: "路灯", Parent: "u"}},
			Catalogue:  Catalogue{Version: 1, Entries: []CatalogueEntry{{Category: "l", District: "e", Department: "d"}}},
		}
	}
	require.NoError(t, ValidateCity(good()))
	for field, spoil := range map[string]func(*City){
		"name":                            func(c *City) { c.Name = "" },
		"categories[1].code":              func(c *City) { c.Categories[1].Code = "u" },
		"categories[0].name":              func(c *City) { c.Categories[0].Name = "" },
		"categories.l.parent":             func(c *City) { c.Categories[1].Parent = "x" },
		"districts[0].code":               func(c *City) { c.Districts[0].Code = "" },
		"districts.e.parent":              func(c *City) { c.Districts[0].Parent = "e" },
		"departments[0].district":         func(c *City) { c.Departments[0].District = "x" },
		"catalogue.entries[0].category":   func(c *City) { c.Catalogue.Entries[0].Category = "x" },
		"catalogue.entries[0].district":   func(c *City) { c.Catalogue.Entries[0].District = "x" },
		"catalogue.entries[0].department": func(c *City) { c.Catalogue.Entries[0].Department = "x" },
		"catalogue.entries[1]":            func(c *City) { c.Catalogue.Entries = append(c.Catalogue.Entries, c.Catalogue.Entries[0]) },
	} {
		c := good()
		spoil(&c)
		var typed *Error
		require.ErrorAs(t, ValidateCity(c), &typed, field)
		require.Equal(t, field, typed.Field)
	}
}
