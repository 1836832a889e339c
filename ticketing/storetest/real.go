package storetest

import (
	"encoding/json"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"hotline/ticketing"
	"hotline/ticketing/routing"
	"hotline/ticketing/sla"
)

// realRules are those that the platform runs on.
func realRules(c ticketing.City) (ticketing.Rules, error) {
	keeper, err := sla.FromCity(c)
	if err != nil {
		return ticketing.Rules{}, err
	}
	return ticketing.Rules{Clocks: keeper, Router: routing.New(c)}, nil
}

func place() ticketing.City {
	return ticketing.City{
		Name:       "市",
		Categories: []ticketing.Category{{Code: "lamps", Name: "路灯"}, {Code: "water", Name: "供水"}},
		Districts:  []ticketing.District{{Code: "east", Name: "东区"}, {Code: "west", Name: "西区"}},
		Departments: []ticketing.Department{
			{Code: "dept-a", Name: "甲局"}, {Code: "dept-a1", Name: "甲一所", Parent: "dept-a"}, {Code: "dept-b", Name: "乙局"}, {Code: "dept-c", Name: "丙局"},
		},
		Catalogue: ticketing.Catalogue{Version: 1, Entries: []ticketing.CatalogueEntry{{Category: "lamps", Department: "dept-a"}}},
	}
}

// newTown is a bench on the real clocks and the real catalogue.
func newTown(t *testing.T, open Opener) *bench {
	b := &bench{Store: open(t), now: start(), t: t, ctx: t.Context()}
	b.svc = ticketing.NewService(b.Store, realRules, ticketing.Options{Now: func() time.Time { return b.now }})
	require.NoError(t, b.svc.ImportCity(b.ctx, ticketing.SystemActor(), place()))
	return b
}

func dispatcher() ticketing.Actor {
	return ticketing.Actor{UserID: "dispatcher1", Roles: []ticketing.Role{ticketing.RoleDispatcher}}
}

func supervisor() ticketing.Actor {
	return ticketing.Actor{UserID: "supervisor1", Roles: []ticketing.Role{ticketing.RoleSupervisor}}
}

// signed is a ticket about lamps that dept-a works on.
func (b *bench) signed() ticketing.Ticket {
	b.t.Helper()
	t := b.accepted()
	b.route()
	return b.act(clerk("dept-a"), t.ID, ticketing.ActSign, "")
}

// answered leads a signed ticket to its follow-up.
func (b *bench) answered(ref string) ticketing.Ticket {
	b.t.Helper()
	b.act(clerk("dept-a"), ref, ticketing.ActResolve, `{"answer":"已修"}`)
	b.act(head("dept-a"), ref, ticketing.ActApproveReview, "")
	return b.act(lead(), ref, ticketing.ActApproveReview, "")
}

// live carries out all rows that the life topic owes.
func (b *bench) live() {
	b.t.Helper()
	items, err := b.PendingOutbox(b.ctx, ticketing.TopicLife, 1000)
	require.NoError(b.t, err)
	for _, item := range items {
		require.NoError(b.t, b.svc.LiveOn(b.ctx, item))
		require.NoError(b.t, b.svc.LiveOn(b.ctx, item), "twice has one effect")
	}
}

// refuse does an action that must not work.
func (b *bench) refuse(a ticketing.Actor, ref string, action ticketing.Action, fields, why string) {
	b.t.Helper()
	_, err := b.svc.Act(b.ctx, a, ref, ticketing.Command{Action: action, Fields: json.RawMessage(fields)})
	require.ErrorContains(b.t, err, why)
	require.NotEqual(b.t, ticketing.CodeInternal, ticketing.CodeOf(err))
}

func (b *bench) clock(ref string, name ticketing.ClockName) ticketing.Clock {
	b.t.Helper()
	t, err := b.Ticket(b.ctx, ref)
	require.NoError(b.t, err)
	for _, c := range t.Clocks {
		if c.Name == name {
			return c
		}
	}
	require.Fail(b.t, "no such clock", name)
	return ticketing.Clock{}
}

// told lists the kinds of messages about a ticket.
func (b *bench) told(ref string, audiences ...string) []string {
	b.t.Helper()
	t, err := b.Ticket(b.ctx, ref)
	require.NoError(b.t, err)
	list, err := b.Notifications(b.ctx, audiences, 1000)
	require.NoError(b.t, err)
	var kinds []string
	for _, n := range list {
		if n.TicketID == t.ID {
			kinds = append(kinds, n.Kind+" "+string(n.Clock))
		}
	}
	return kinds
}

func at(t *testing.T, s string) time.Time {
	t.Helper()
	moment, err := time.ParseInLocation("2006-01-02 15:04", s, sla.Zone)
	require.NoError(t, err)
	return moment
}
