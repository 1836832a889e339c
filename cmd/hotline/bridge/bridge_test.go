package bridge_test

import (
	"fmt"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"hotline/cmd/hotline/bridge"
	"hotline/telephony"
	"hotline/ticketing"
	"hotline/ticketing/routing"
	"hotline/ticketing/sla"
	"hotline/ticketing/sqlstore"
)

type node struct {
	store   *sqlstore.Store
	service *ticketing.Service
	bridge  *bridge.Bridge
}

func open(t *testing.T) node {
	t.Helper()
	store, err := sqlstore.Open(t.Context(), "sqlite://"+t.TempDir()+"/hotline.db", sqlstore.Options{})
	require.NoError(t, err)
	t.Cleanup(func() { require.NoError(t, store.Close()) })
	service := ticketing.NewService(store, func(c ticketing.City) (ticketing.Rules, error) {
		keeper, err := sla.FromCity(c)
		return ticketing.Rules{Clocks: keeper, Router: routing.New(c)}, err
	}, ticketing.Options{})
	return node{store, service, bridge.New(service, store, nil, nil)}
}

func offer(user, seat string, attempt int) telephony.Offer {
	return telephony.Offer{
		CallID: "call-1", Caller: "14212345678", Line: "12345", Digit: "2", Seat: seat, User: user, Attempt: attempt, At: time.Now(),
	}
}

func (n node) drafts(t *testing.T) []ticketing.Ticket {
	t.Helper()
	page, err := n.service.Tickets(t.Context(), ticketing.SystemActor(), ticketing.Filter{})
	require.NoError(t, err)
	return page.Items
}

// live lists the types and audiences of the live events so far.
func (n node) live(t *testing.T) []string {
	t.Helper()
	events, err := n.store.LiveEvents(t.Context(), 0, 100)
	require.NoError(t, err)
	var all []string
	for _, e := range events {
		all = append(all, e.Type+" "+e.Audience)
	}
	return all
}

func TestOneDraftHoweverManySeatsAreTried(t *testing.T) {
	n := open(t)
	require.NoError(t, n.bridge.Offered(t.Context(), offer("u1", "8001", 1)))
	require.NoError(t, n.bridge.Offered(t.Context(), offer("u2", "8002", 2)))
	drafts := n.drafts(t)
	require.Len(t, drafts, 1)
	require.Equal(t, ticketing.Draft, drafts[0].State)
	require.Equal(t, ticketing.Complaint, drafts[0].Appeal.Type, "the caller pressed 2")
	require.Equal(t, "12345", drafts[0].Line)
	require.Equal(t, "142****5678", drafts[0].Citizen.Phone)
	require.Equal(t, []string{"call-1"}, drafts[0].Calls)
	require.Contains(t, n.live(t), "call.offered user:u1")
	require.Contains(t, n.live(t), "call.offered user:u2")
}

func TestTheDraftBelongsToWhoAnswered(t *testing.T) {
	n := open(t)
	require.NoError(t, n.bridge.Offered(t.Context(), offer("u1", "8001", 1)))
	require.NoError(t, n.bridge.Answered(t.Context(), "call-1", "8001", "u1", time.Now()))
	require.Equal(t, "u1", n.drafts(t)[0].Operator)
	require.NoError(t, n.bridge.Ended(t.Context(), telephony.CDR{ID: "call-1", User: "u1", Seat: "8001", EndedAt: time.Now()}))
	require.Equal(t, ticketing.Draft, n.drafts(t)[0].State, "the operator still writes")
	require.Contains(t, n.live(t), "call.answered user:u1")
	n.bridge.CallChanged(t.Context(), telephony.CDR{ID: "call-1"})
	require.Contains(t, n.live(t), "call.changed staff")
	require.Contains(t, n.live(t), "call.ended user:u1")
}

func TestAMissedCallLeavesNoOpenDraft(t *testing.T) {
	n := open(t)
	require.NoError(t, n.bridge.Offered(t.Context(), offer("u1", "8001", 1)))
	require.NoError(t, n.bridge.Missed(t.Context(), telephony.MissedCall{CallID: "call-1", Cause: telephony.CauseAbandoned, EndedAt: time.Now()}))
	require.NoError(t, n.bridge.Ended(t.Context(), telephony.CDR{ID: "call-1", EndedAt: time.Now()}))
	require.Equal(t, ticketing.Cancelled, n.drafts(t)[0].State)
	require.Contains(t, n.live(t), "call.missed role:lead")
	require.NoError(t, n.bridge.Missed(t.Context(), telephony.MissedCall{CallID: "never-offered", EndedAt: time.Now()}))
}

func TestACitizenWhoIsNotReachedLeavesNoOpenDraft(t *testing.T) {
	n := open(t)
	require.NoError(t, n.bridge.Offered(t.Context(), offer("u1", "8001", 1)))
	require.NoError(t, n.bridge.Ended(t.Context(), telephony.CDR{ID: "call-1", Callback: "b1", Cause: telephony.CauseNoAnswer, EndedAt: time.Now()}))
	require.Equal(t, ticketing.Cancelled, n.drafts(t)[0].State)
}

// A message becomes a draft; the citizen is called back with it, and it stays open when nobody answers.
func TestAMessageIsADraftToCallBackWith(t *testing.T) {
	n := open(t)
	missed := telephony.MissedCall{CallID: "call-0", Caller: "14212345678", Line: "12345", Cause: telephony.CauseVoicemail, EndedAt: time.Now()}
	require.NoError(t, n.bridge.Missed(t.Context(), missed))
	require.NoError(t, n.bridge.Missed(t.Context(), missed), "told twice")
	drafts := n.drafts(t)
	require.Len(t, drafts, 1)
	require.Equal(t, "语音留言", drafts[0].Appeal.Title)
	require.Equal(t, "142****5678", drafts[0].Citizen.Phone)
	back := offer("u1", "8001", 1)
	back.For = "call-0"
	require.NoError(t, n.bridge.Offered(t.Context(), back))
	require.NoError(t, n.bridge.Ended(t.Context(), telephony.CDR{ID: "call-1", Callback: "b1", Cause: telephony.CauseNoAnswer, EndedAt: time.Now()}))
	drafts = n.drafts(t)
	require.Len(t, drafts, 1)
	require.Equal(t, ticketing.Draft, drafts[0].State)
	require.Equal(t, []string{"call-0", "call-1"}, drafts[0].Calls)
	again := offer("u2", "8002", 1)
	again.CallID, again.For = "call-2", "call-0"
	require.NoError(t, n.bridge.Offered(t.Context(), again))
	require.NoError(t, n.bridge.Answered(t.Context(), "call-2", "8002", "u2", time.Now()))
	require.Equal(t, "u2", n.drafts(t)[0].Operator)
	other := offer("u1", "8001", 1)
	other.CallID, other.For = "call-3", "call-9" // a call that left no draft
	require.NoError(t, n.bridge.Offered(t.Context(), other))
	require.Len(t, n.drafts(t), 2)
}

func TestAMissedCallOfADeadProcessLeavesNoOpenDraft(t *testing.T) {
	n := open(t)
	require.NoError(t, n.bridge.Offered(t.Context(), offer("u1", "8001", 1)))
	after := bridge.New(n.service, n.store, nil, nil) // knows nothing of the call
	require.NoError(t, after.Missed(t.Context(), telephony.MissedCall{CallID: "call-1", Cause: telephony.CauseAbandoned, EndedAt: time.Now()}))
	require.Equal(t, ticketing.Cancelled, n.drafts(t)[0].State)
}

func TestADraftThatWasMadeIsNotMadeAgain(t *testing.T) {
	n := open(t)
	require.NoError(t, n.bridge.Offered(t.Context(), offer("u1", "8001", 1)))
	after := bridge.New(n.service, n.store, nil, nil)
	require.NoError(t, after.Offered(t.Context(), offer("u2", "8002", 2)))
	require.NoError(t, after.Answered(t.Context(), "call-1", "8002", "u2", time.Now()))
	require.Len(t, n.drafts(t), 1)
	require.Equal(t, "u2", n.drafts(t)[0].Operator)
}

func TestACallerWithoutAUsableNumberHasADraftToo(t *testing.T) {
	n := open(t)
	for i, caller := range []string{"", "7", "*67#", "12345678901234567890"} {
		o := offer("u1", "8001", 1)
		o.CallID, o.Caller = fmt.Sprint("call-", i), caller
		require.NoError(t, n.bridge.Offered(t.Context(), o), caller)
	}
	require.Len(t, n.drafts(t), 4)
}
