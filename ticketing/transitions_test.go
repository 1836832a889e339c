package ticketing

import (
	"encoding/json"
	"errors"
	"flag"
	"os"
	"path/filepath"
	"slices"
	"testing"
	"time"

	"github.com/stretchr/testify/require"
	"pgregory.net/rapid"
)

var update = flag.Bool("update", false, "rewrite golden files")

func TestTheTableAsDocumented(t *testing.T) {
	golden := filepath.Join("testdata", "transitions.md")
	if *update {
		require.NoError(t, os.MkdirAll("testdata", 0o750))
		require.NoError(t, os.WriteFile(golden, []byte(TransitionsMarkdown()), 0o600))
	}
	want, err := os.ReadFile(golden)
	require.NoError(t, err)
	require.Equal(t, string(want), TransitionsMarkdown())
}

func TestTheTableIsSound(t *testing.T) {
	seen := map[[2]string]bool{}
	reached := map[State]bool{Draft: true}
	for _, row := range Transitions() {
		require.NotNil(t, deeds[row.Action] != nil || row.Action == ActEdit, "%s does something", row.Action)
		key := [2]string{string(row.From), string(row.Action)}
		require.False(t, seen[key], "%v has one row", key)
		seen[key] = true
		require.NotEmpty(t, row.Roles)
		require.NotEmpty(t, row.Event)
		require.True(t, !row.From.Final() || row.From == Closed || row.From == Merged, "nothing leaves %s", row.From)
		require.Equal(t, row.Or != "", row.OrEvent != "")
		require.NotEqual(t, string(row.Action), row.Action.Zh(), "%s has a Chinese name", row.Action)
		require.NotEqual(t, string(row.From), row.From.Zh())
		reached[row.To] = true
		if row.Or != "" {
			reached[row.Or] = true
		}
	}
	for _, row := range Transitions() {
		require.True(t, reached[row.From], "%s can be reached", row.From)
	}
}

func ticket() Ticket {
	return Ticket{
		ID: "t", Version: 1, State: Draft, Channel: ByPhone, Urgency: Normal,
		Appeal: Appeal{Type: Complaint, Title: "路灯不亮", Category: "lamps"}, Citizen: Citizen{Name: "王建国", Phone: "13812345678"},
	}
}

func everybody() []Actor {
	var list []Actor
	for _, r := range []Role{
		RoleAgent, RoleLead, RoleDispatcher, RoleQC, RoleFollowUp, RoleSupervisor, RoleAnalyst, RoleAdmin, RoleSecAdmin, RoleAuditor, RoleSystem, RoleCitizen,
	} {
		list = append(list, Actor{UserID: string(r), Roles: []Role{r}})
	}
	for _, d := range []string{"dept-a", "dept-b"} {
		list = append(list, Actor{UserID: "clerk", Roles: []Role{RoleClerk}, Department: d}, Actor{UserID: "head", Roles: []Role{RoleHead}, Department: d})
	}
	return list
}

// fieldsFor fills in what an action takes, by the fields that it says it has.
func fieldsFor(a Action, at time.Time) json.RawMessage {
	if a == ActEdit {
		return json.RawMessage(`{"title":"新标题"}`)
	}
	fields := map[string]any{}
	for _, f := range FieldsOf(a) {
		switch f.Kind {
		case KindText:
			fields[f.Name] = "文字"
		case KindDepartment:
			fields[f.Name] = "dept-a"
		case KindDepartments:
			fields[f.Name] = []string{"dept-a", "dept-b"}
		case KindUser:
			fields[f.Name] = "clerk"
		case KindUsers:
			fields[f.Name] = []string{"role:lead"}
		case KindTicket:
			fields[f.Name] = "other"
		case KindDays:
			fields[f.Name] = 2
		case KindMoment:
			fields[f.Name] = at.Add(24 * time.Hour)
		case KindFlag:
			fields[f.Name] = true
		case KindRating:
			fields[f.Name] = 2
		case KindChoice:
			if f.Name != "outcome" {
				fields[f.Name] = f.Options[0]
			}
		case KindParts:
			fields[f.Name] = []Part{{Title: "一部分", Category: "lamps"}}
		case KindCall, KindRecord: // left out: no call, the only record
		}
	}
	raw, _ := json.Marshal(fields)
	return raw
}

func caseOf(a Actor, t Ticket, at time.Time) Case {
	return Case{Actor: a, Ticket: t, Now: at, Process: DefaultProcess()}
}

// streets is a city with a department below another.
func streets() cityIndex {
	return newCityIndex(1, City{
		Name: "市", Categories: []Category{{Code: "lamps", Name: "路灯"}},
		Departments: []Department{{Code: "dept-a", Name: "甲", Parent: "dept-b"}, {Code: "dept-b", Name: "乙"}},
	})
}

func try(t Ticket, a Actor, action Action, at time.Time) (Ticket, Event, error) {
	row, refused := find(caseOf(a, t, at), action)
	if refused != nil {
		return Ticket{}, Event{}, refused
	}
	other := ticket()
	other.ID, other.Number, other.State = "other", "20260302-000009", InProgress
	out, err := move{
		row: row, actor: a, at: at, numbers: []string{"20260302-000001"}, ids: []string{"part"}, city: streets(), process: DefaultProcess(),
		limits: DefaultLimits(), fields: fieldsFor(action, at), other: &other,
	}.apply(t)
	return out.next, out.event, err
}

// TestRandomLives walks the table at random: what is not offered does not
// work, what is offered works or is refused for its fields alone, and what must
// hold of a ticket holds at every step.
func TestRandomLives(t *testing.T) {
	actions := ActionNames()
	rapid.Check(t, func(r *rapid.T) {
		now := ticket()
		at := time.Date(2026, 3, 2, 1, 0, 0, 0, time.UTC)
		for range rapid.IntRange(1, 100).Draw(r, "steps") {
			at = at.Add(time.Minute)
			a := rapid.SampledFrom(everybody()).Draw(r, "actor")
			open := slices.DeleteFunc(Actions(caseOf(a, now, at)), func(s ActionState) bool { return !s.Enabled })
			action := rapid.SampledFrom(actions).Draw(r, "action")
			if len(open) > 0 && rapid.Bool().Draw(r, "legal") {
				action = rapid.SampledFrom(open).Draw(r, "open").Name
			}
			offered := slices.ContainsFunc(open, func(s ActionState) bool { return s.Name == action })
			before, err := json.Marshal(now)
			require.NoError(r, err)
			next, event, err := try(now, a, action, at)
			after, marshalErr := json.Marshal(now)
			require.NoError(r, marshalErr)
			require.Equal(r, string(before), string(after), "applying a move is pure")
			if err != nil {
				require.NotEqual(r, CodeInternal, CodeOf(err), "%v", err)
				require.True(r, !offered || CodeOf(err) == CodeInvalid || CodeOf(err) == CodeNotOpen, "%s by %s from %s: %v", action, a.UserID, now.State, err)
				continue
			}
			require.True(r, offered, "%s by %s from %s was not offered", action, a.UserID, now.State)
			sound(r, now, next, event)
			require.Equal(r, a.UserID, event.Actor)
			now = next
		}
	})
}

// sound checks what must hold of every move.
func sound(r require.TestingT, now, next Ticket, event Event) {
	require.Equal(r, now.Version+1, next.Version)
	require.Equal(r, next.Version, event.Version)
	if now.Number != "" {
		require.Equal(r, now.Number, next.Number, "a number never changes")
	}
	require.Equal(r, next.State == Closed || next.State == Cancelled || next.State == Archived, !next.ClosedAt.IsZero())
	if next.Department != "" {
		require.NotEmpty(r, next.Assignments)
		require.Equal(r, next.Department, next.Assignments[len(next.Assignments)-1].Department)
	}
	if slices.Contains(withDepartment, next.State) {
		require.NotEmpty(r, next.Department)
	}
	if next.State != Draft && next.State != Cancelled {
		require.NotEmpty(r, next.Number)
	}
	if next.State.Final() && next.State != Merged {
		for _, record := range next.Records {
			require.True(r, !record.State.Pending() || slices.Contains([]RecordKind{RecordRectification, RecordAppeal, RecordLink}, record.Kind),
				"%s %s outlives the ticket", record.ID, record.State)
		}
	}
	seen := map[string]bool{}
	for _, record := range next.Records {
		require.False(r, seen[record.ID])
		seen[record.ID] = true
	}
	require.LessOrEqual(r, next.Count(RecordSuspension, RecordApproved, RecordDone), DefaultProcess().Suspensions)
	require.NotContains(r, string(event.Data), "王建国")
	require.NotContains(r, string(event.Data), "13812345678")
}

func TestActionsSayWhyNot(t *testing.T) {
	open := ticket()
	agent := Actor{UserID: "a", Roles: []Role{RoleAgent}}
	states := map[Action]ActionState{}
	for _, s := range Actions(caseOf(agent, open, time.Time{})) {
		states[s.Name] = s
	}
	require.True(t, states[ActAccept].Enabled)
	require.NotContains(t, states, ActSign, "never this role's")
	open.Appeal.Category = ""
	for _, s := range Actions(caseOf(agent, open, time.Time{})) {
		if s.Name == ActAccept {
			require.Equal(t, ActionState{Name: ActAccept, ReasonZh: "请先选择诉求分类", ReasonEn: "choose the category first"}, s)
		}
	}
	open.State, open.Department = Dispatched, "dept-a"
	for _, s := range Actions(caseOf(agent, open, time.Time{})) {
		if s.Name == ActAccept || s.Name == ActAnswer {
			require.False(t, s.Enabled)
			require.Contains(t, s.ReasonZh, "待签收")
		}
	}
	stranger := Actor{UserID: "c", Roles: []Role{RoleClerk}, Department: "dept-b"}
	for _, s := range Actions(caseOf(stranger, open, time.Time{})) {
		if s.Name == ActSign {
			require.Equal(t, "工单不在您的单位", s.ReasonZh)
		}
	}
	_, err := find(caseOf(agent, open, time.Time{}), "fly")
	require.Equal(t, CodeInvalid, err.Code)
	open.State = Draft
	_, err = find(caseOf(Actor{Roles: []Role{RoleClerk}}, open, time.Time{}), ActAccept)
	require.ErrorIs(t, err, ErrForbidden)
}

func TestFieldsAreReadStrictly(t *testing.T) {
	at := time.Date(2026, 3, 2, 1, 0, 0, 0, time.UTC)
	agent := Actor{UserID: "a", Roles: []Role{RoleAgent}}
	long := func(n int) string {
		b := make([]rune, n)
		for i := range b {
			b[i] = '长'
		}
		raw, _ := json.Marshal(string(b))
		return string(raw)
	}
	for name, test := range map[string]struct {
		action Action
		fields string
		field  string
		limit  int
	}{
		"an unknown field":      {ActAnswer, `{"answer":"x","colour":1}`, "colour", 0},
		"the wrong type":        {ActAnswer, `{"answer":7}`, "answer", 0},
		"no object":             {ActAnswer, `[]`, "fields", 0},
		"two objects":           {ActAnswer, `{"answer":"x"}{}`, "fields", 0},
		"no answer":             {ActAnswer, `{"answer":"  "}`, "answer", 0},
		"no fields":             {ActAnswer, ``, "answer", 0},
		"an answer too long":    {ActAnswer, `{"answer":` + long(10001) + `}`, "answer", 10000},
		"control characters":    {ActAnswer, `{"answer":"a\u0000b"}`, "answer", 0},
		"a field on accept":     {ActAccept, `{"number":"1"}`, "number", 0},
		"no change":             {ActEdit, `{}`, "fields", 0},
		"a title too long":      {ActEdit, `{"title":` + long(201) + `}`, "appeal.title", 200},
		"an unknown type":       {ActEdit, `{"type":"wish"}`, "appeal.type", 0},
		"an unknown urgency":    {ActEdit, `{"urgency":"asap"}`, "urgency", 0},
		"a phone that is none":  {ActEdit, `{"phone":"call me"}`, "citizen.phone", 0},
		"a place off the map":   {ActEdit, `{"location":{"lon":181,"lat":0,"datum":"wgs84"}}`, "appeal.location.lon", 0},
		"a place without datum": {ActEdit, `{"location":{"lon":1,"lat":0}}`, "appeal.location.datum", 0},
		"no reason":             {ActCancel, `{}`, "reason", 0},
	} {
		t.Run(name, func(t *testing.T) {
			row, refused := find(caseOf(agent, ticket(), at), test.action)
			require.Nil(t, refused)
			m := move{row: row, actor: agent, at: at, city: newCityIndex(0, City{}), limits: DefaultLimits(), fields: json.RawMessage(test.fields)}
			_, err := m.apply(ticket())
			var typed *Error
			require.True(t, errors.As(err, &typed), "%v", err)
			require.Equal(t, CodeInvalid, typed.Code)
			require.Equal(t, test.field, typed.Field)
			require.Equal(t, test.limit, typed.Limit)
			require.NotEmpty(t, typed.Zh)
		})
	}
}
