package ticketing

import (
	"encoding/json"
	"errors"
	"flag"
	"os"
	"path/filepath"
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
		key := [2]string{string(row.From), string(row.Action)}
		require.False(t, seen[key], "%v has one row", key)
		seen[key] = true
		require.NotEmpty(t, row.Roles)
		require.NotEmpty(t, row.Event)
		require.False(t, row.From.Final(), "nothing leaves %s", row.From)
		require.NotEqual(t, string(row.Action), row.Action.Zh(), "%s has a Chinese name", row.Action)
		require.NotEqual(t, string(row.From), row.From.Zh())
		reached[row.To] = true
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

func fieldsOf(a Action) json.RawMessage {
	switch a {
	case ActEdit:
		return json.RawMessage(`{"title":"新标题"}`)
	case ActAnswer, ActResolve:
		return json.RawMessage(`{"answer":"答复"}`)
	case ActDispatch:
		return json.RawMessage(`{"department":"dept-a","reason":"目录"}`)
	case ActRejectReview, ActCancel:
		return json.RawMessage(`{"reason":"理由"}`)
	case ActFollowUp:
		return json.RawMessage(`{"contacted":true,"solved":false,"rating":2}`)
	}
	return nil
}

func try(t Ticket, a Actor, action Action, at time.Time) (Ticket, Event, error) {
	row, refused := find(a, t, action)
	if refused != nil {
		return Ticket{}, Event{}, refused
	}
	return move{row: row, actor: a, at: at, number: "20260302-000001", city: newCityIndex(0, City{}), limits: DefaultLimits(), fields: fieldsOf(action)}.apply(t)
}

// TestRandomLives walks the table at random: what is offered works, what is
// not offered does not, and what must hold of a ticket holds at every step.
func TestRandomLives(t *testing.T) {
	actions := []Action{ActEdit, ActAccept, ActAnswer, ActDispatch, ActSign, ActContact, ActResolve, ActApproveReview, ActRejectReview, ActFollowUp, ActCancel}
	rapid.Check(t, func(r *rapid.T) {
		now := ticket()
		at := time.Date(2026, 3, 2, 1, 0, 0, 0, time.UTC)
		for range rapid.IntRange(1, 40).Draw(r, "steps") {
			at = at.Add(time.Minute)
			a := rapid.SampledFrom(everybody()).Draw(r, "actor")
			action := rapid.SampledFrom(actions).Draw(r, "action")
			offered := false
			for _, s := range Actions(a, now) {
				require.Equal(r, s.Enabled, s.ReasonZh == "" && s.ReasonEn == "")
				offered = offered || s.Name == action && s.Enabled
			}
			before, err := json.Marshal(now)
			require.NoError(r, err)
			next, event, err := try(now, a, action, at)
			after, marshalErr := json.Marshal(now)
			require.NoError(r, marshalErr)
			require.Equal(r, string(before), string(after), "applying a move is pure")
			require.Equal(r, offered, err == nil, "%s by %s from %s: %v", action, a.UserID, now.State, err)
			if err != nil {
				require.NotEqual(r, CodeInternal, CodeOf(err))
				continue
			}
			require.Equal(r, now.Version+1, next.Version)
			require.Equal(r, next.Version, event.Version)
			require.Equal(r, a.UserID, event.Actor)
			if now.Number != "" {
				require.Equal(r, now.Number, next.Number, "a number never changes")
			}
			require.Equal(r, next.State.Final(), !next.ClosedAt.IsZero())
			require.Equal(r, next.Department != "", len(next.Assignments) > 0)
			if next.State != Draft && next.State != Cancelled {
				require.NotEmpty(r, next.Number)
			}
			require.NotContains(r, string(event.Data), "王建国")
			require.NotContains(r, string(event.Data), "13812345678")
			now = next
		}
	})
}

func TestActionsSayWhyNot(t *testing.T) {
	open := ticket()
	agent := Actor{UserID: "a", Roles: []Role{RoleAgent}}
	states := map[Action]ActionState{}
	for _, s := range Actions(agent, open) {
		states[s.Name] = s
	}
	require.True(t, states[ActAccept].Enabled)
	require.NotContains(t, states, ActSign, "never this role's")
	open.Appeal.Category = ""
	for _, s := range Actions(agent, open) {
		if s.Name == ActAccept {
			require.Equal(t, ActionState{Name: ActAccept, ReasonZh: "请先选择诉求分类", ReasonEn: "choose the category first"}, s)
		}
	}
	open.State, open.Department = Dispatched, "dept-a"
	for _, s := range Actions(agent, open) {
		require.False(t, s.Enabled)
		require.Contains(t, s.ReasonZh, "待签收")
	}
	stranger := Actor{UserID: "c", Roles: []Role{RoleClerk}, Department: "dept-b"}
	for _, s := range Actions(stranger, open) {
		if s.Name == ActSign {
			require.Equal(t, "工单不在您的单位", s.ReasonZh)
		}
	}
	_, err := find(agent, open, "fly")
	require.Equal(t, CodeInvalid, err.Code)
	open.State = Draft
	_, err = find(Actor{Roles: []Role{RoleClerk}}, open, ActAccept)
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
			row, refused := find(agent, ticket(), test.action)
			require.Nil(t, refused)
			m := move{row: row, actor: agent, at: at, city: newCityIndex(0, City{}), limits: DefaultLimits(), fields: json.RawMessage(test.fields)}
			_, _, err := m.apply(ticket())
			var typed *Error
			require.True(t, errors.As(err, &typed), "%v", err)
			require.Equal(t, CodeInvalid, typed.Code)
			require.Equal(t, test.field, typed.Field)
			require.Equal(t, test.limit, typed.Limit)
			require.NotEmpty(t, typed.Zh)
		})
	}
}
