package storetest

import (
	"context"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"hotline/ticketing"
	"hotline/ticketing/ledger"
)

// Store is everything a store of tickets offers.
type Store interface {
	ticketing.Store
	PendingOutbox(ctx context.Context, topic string, limit int) ([]ticketing.OutboxItem, error)
	MarkEnqueued(ctx context.Context, items []ticketing.OutboxItem, at time.Time) error
	StaleOutbox(ctx context.Context, topic string, enqueuedBefore time.Time, limit int) ([]ticketing.OutboxItem, error)
	ReopenOutbox(ctx context.Context, items []ticketing.OutboxItem) error
	FinishOutbox(ctx context.Context, item ticketing.OutboxItem) error
	FinishOutboxItems(ctx context.Context, items []ticketing.OutboxItem) error
	OutboxBacklog(ctx context.Context) (map[string]int, error)
	OldestOwed(ctx context.Context) (map[string]time.Time, error)
	PruneOutbox(ctx context.Context, before time.Time) error
	Subscribe(topic string) (wake <-chan struct{}, cancel func())
	LiveEvents(ctx context.Context, after int64, limit int) ([]ticketing.LiveEvent, error)
	LastLiveEvent(ctx context.Context) (int64, error)
	PublishLive(ctx context.Context, l ticketing.LiveEvent) error
	PruneLiveEvents(ctx context.Context, before time.Time) error
	PruneReceipts(ctx context.Context, before time.Time) error
	TicketsByID(ctx context.Context, ids []string) ([]ticketing.Ticket, error)
	Deadlines(ctx context.Context, ticketID string) ([]ticketing.FiredDeadline, error)
	User(ctx context.Context, id string) (ticketing.User, error)
	UserByLogin(ctx context.Context, login string) (ticketing.User, error)
	Users(ctx context.Context) ([]ticketing.User, error)
	SaveUser(ctx context.Context, u ticketing.User, beside ticketing.Change) error
	UseStep(ctx context.Context, userID string, step int64) (bool, error)
	Sessions(ctx context.Context, userID string, now time.Time) ([]ticketing.Session, error)
	APIKey(ctx context.Context, hash string) (ticketing.APIKey, error)
	APIKeys(ctx context.Context) ([]ticketing.APIKey, error)
	SaveAPIKey(ctx context.Context, k ticketing.APIKey, beside ticketing.Change) error
	SaveSession(ctx context.Context, s ticketing.Session) error
	Session(ctx context.Context, tokenHash string) (ticketing.Session, error)
	RevokeSession(ctx context.Context, tokenHash string, at time.Time) error
	RevokeSessions(ctx context.Context, userID string, at time.Time) error
	PruneSessions(ctx context.Context, before time.Time) error
	Chain(ctx context.Context) error
	LedgerHead(ctx context.Context) (ledger.Head, error)
	VerifyLedger(ctx context.Context, anchors []ledger.Anchor) (ledger.Report, error)
	Ready(ctx context.Context) error
	// Shared tells whether several nodes may use the database at once.
	Shared() bool
	Close() error
}

// Opener opens a store that is empty at its first call in a test; later calls
// open the same database again, as another node would.
type Opener func(t *testing.T) Store

// Fill puts n drafts in by the shortest way.
type Fill func(t *testing.T, s Store, n int)

// Run runs the suite. fresh makes an Opener of an empty database.
func Run(t *testing.T, fresh func(t *testing.T) Opener, fill Fill) {
	t.Run("CountCap", func(t *testing.T) {
		t.Parallel()
		testCountCap(t, fresh(t), fill)
	})
	for name, test := range map[string]func(*testing.T, Opener){
		"Life":                   testLife,
		"EveryField":             testEveryField,
		"Conflict":               testConflict,
		"ManyAtOnce":             testManyAtOnce,
		"Idempotency":            testIdempotency,
		"FilingReplay":           testFilingReplay,
		"Numbers":                testNumbers,
		"NumbersOfTwoNodes":      testNumbersOfTwoNodes,
		"Routing":                testRouting,
		"OutboxLifecycle":        testOutbox,
		"DeadlinesOnce":          testDeadlinesOnce,
		"DeadlinesReplaced":      testDeadlinesReplaced,
		"LiveEvents":             testLive,
		"LiveEventsInOrder":      testLiveOrder,
		"WakeUps":                testWake,
		"WakeUpsBetweenNodes":    testWakeOther,
		"Paging":                 testPaging,
		"Filters":                testFilters,
		"Visibility":             testVisibility,
		"CallsAndEarlierTickets": testCalls,
		"Reads":                  testReads,
		"Notifications":          testNotifications,
		"City":                   testCity,
		"Users":                  testUsers,
		"Sessions":               testSessions,
		"APIKeys":                testAPIKeys,
		"Stats":                  testStats,
		"Tallies":                testTallies,
		"NumberedAfter":          testNumberedAfter,
		"People":                 testPeople,
		"Durable":                testDurable,

		"PausesSurviveAChangeOfUrgency":     testPausesSurvive,
		"ClosedClocksAreNeverRewritten":     testClosedClocks,
		"MakeUpWorkdaysCount":               testMakeUpWorkdays,
		"OneMessageIsTakenOnce":             testOneMessage,
		"MergedTicketsDoNotEscalate":        testMergedQuiet,
		"ARepeatGetsTheReply":               testRepeatAnswered,
		"NothingOfAConfidentialTicketLeaks": testConfidential,
		"WhoAskedForHelpAndLeftSeesNoMore":  testAskedForHelp,
		"ReturnsDoNotStopTheClock":          testReturns,
		"RelabellingNeedsAReason":           testRelabelling,
		"AContactWithoutACallIsMarked":      testContact,
		"SuspensionsEndByThemselves":        testSuspensionEnds,
		"RulingsAmendTheCatalogue":          testRulings,
		"ClosedTicketsAreArchived":          testArchive,
		"TheLeastLoadedClerkGetsIt":         testLeastLoaded,
		"Records":                           testRecords,
		"Leases":                            testLeases,
		"FormDrafts":                        testFormDrafts,
		"Templates":                         testTemplates,
		"ATryChangesNothing":                testTry,
		"CitizensActOnTheirOwn":             testCitizens,
		"EscalationsAsTheCitySays":          testEscalation,
		"CataloguePreview":                  testCatalogue,
		"WhatIsSealedIsNowhereElse":         testSealed,
		"NothingOfAnErasedPersonIsLeft":     testErasure,
		"WhoWasErasedStaysErased":           testErasureAgain,
		"AnErasureThatCannotBeNoted":        testErasureFails,
		"WhatWasKeptForItsTimeGoes":         testRetention,
		"RulesOfRetention":                  testRetentionRules,
		"WhoIsBoundSeesNoMore":              testBounds,
		"LastDigitsOfANumber":               testTails,
		"APersonOfTwoNodes":                 testPersonOfTwoNodes,
		"EverythingIsOnRecord":              testLedger,
		"TheChainOfTwoNodes":                testLedgerOfTwoNodes,
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			test(t, fresh(t))
		})
	}
}

// start is a Monday morning in Shanghai.
func start() time.Time { return time.Date(2026, 3, 2, 1, 30, 0, 0, time.UTC) }

// bench is a service on a store with a clock of its own.
type bench struct {
	Store
	svc *ticketing.Service
	now time.Time
	t   *testing.T
	ctx context.Context
}

func newBench(t *testing.T, open Opener) *bench {
	b := &bench{Store: open(t), now: start(), t: t, ctx: t.Context()}
	b.svc = ticketing.NewService(b.Store, rules, ticketing.Options{Now: func() time.Time { return b.now }})
	return b
}

// rules are the simplest that can be checked by eye: 100 minutes for each
// clock, and lamps in the east are the business of "dept-a".
func rules(ticketing.City) (ticketing.Rules, error) {
	return ticketing.Rules{Clocks: keeper{}, Router: router{}}, nil
}

type keeper struct{}

const limit = 100 * time.Minute

func (keeper) Clocks(_ ticketing.Ticket, events []ticketing.Event) []ticketing.Clock {
	var clocks []ticketing.Clock
	run := func(name ticketing.ClockName, at time.Time) {
		clocks = append(clocks, ticketing.Clock{
			Name: name, StartedAt: at, YellowAt: at.Add(limit / 2), RedAt: at.Add(limit * 8 / 10), DueAt: at.Add(limit),
		})
	}
	stop := func(name ticketing.ClockName, at time.Time) {
		for i := range clocks {
			if clocks[i].Name == name && clocks[i].StoppedAt.IsZero() {
				clocks[i].StoppedAt = at
			}
		}
	}
	for _, e := range events {
		switch e.Type {
		case ticketing.EventAccepted:
			run(ticketing.ClockDispatch, e.At)
		case ticketing.EventDispatched:
			stop(ticketing.ClockDispatch, e.At)
			run(ticketing.ClockSign, e.At)
			run(ticketing.ClockResolve, e.At)
		case ticketing.EventSigned:
			stop(ticketing.ClockSign, e.At)
		case ticketing.EventResolved:
			stop(ticketing.ClockResolve, e.At)
		case ticketing.EventCancelled:
			stop(ticketing.ClockDispatch, e.At)
		case ticketing.EventReviewApproved:
			run(ticketing.ClockFollowUp, e.At)
		case ticketing.EventFollowedUp:
			stop(ticketing.ClockFollowUp, e.At)
		}
	}
	return clocks
}

func (k keeper) Explain(t ticketing.Ticket, events []ticketing.Event) []ticketing.Clock {
	clocks := k.Clocks(t, events)
	for i := range clocks {
		clocks[i].Steps = []ticketing.Step{{Zh: "一百分钟", En: "a hundred minutes"}}
	}
	return clocks
}

type router struct{}

func (router) Route(t ticketing.Ticket) ticketing.Decision {
	if t.Appeal.Category == "lamps" {
		return ticketing.Decision{Department: "dept-a", Reason: "路灯"}
	}
	return ticketing.Decision{Desk: true, Reason: "没有条目"}
}

func agent() ticketing.Actor {
	return ticketing.Actor{UserID: "agent1", Roles: []ticketing.Role{ticketing.RoleAgent}}
}

func lead() ticketing.Actor {
	return ticketing.Actor{UserID: "lead1", Roles: []ticketing.Role{ticketing.RoleLead, ticketing.RoleFollowUp}}
}

func clerk(department string, below ...string) ticketing.Actor {
	return ticketing.Actor{
		UserID: "clerk-" + department, Roles: []ticketing.Role{ticketing.RoleClerk}, Department: department,
		Departments: append([]string{department}, below...),
	}
}

func head(department string) ticketing.Actor {
	a := clerk(department)
	a.UserID, a.Roles = "head-"+department, []ticketing.Role{ticketing.RoleHead}
	return a
}

func lamps() ticketing.DraftInput {
	return ticketing.DraftInput{
		Channel: ticketing.ByPhone, Line: "12345", Digit: "2",
		Appeal: ticketing.Appeal{
			Type: ticketing.Complaint, Title: "路灯不亮", Description: "东门的路灯不亮", Category: "lamps", District: "east", Address: "东门",
		},
		Citizen: ticketing.Citizen{Name: "王建国", Phone: "13812345678"},
	}
}

func (b *bench) draft(in ticketing.DraftInput) ticketing.Ticket {
	b.t.Helper()
	t, err := b.svc.OpenDraft(b.ctx, agent(), in)
	require.NoError(b.t, err)
	return t
}

func (b *bench) act(a ticketing.Actor, ref string, action ticketing.Action, fields string) ticketing.Ticket {
	b.t.Helper()
	t, err := b.svc.Act(b.ctx, a, ref, ticketing.Command{Action: action, Fields: []byte(fields)})
	require.NoError(b.t, err)
	return t
}

// accepted opens and accepts a ticket about lamps.
func (b *bench) accepted() ticketing.Ticket {
	b.t.Helper()
	return b.act(agent(), b.draft(lamps()).ID, ticketing.ActAccept, "")
}

// route carries out all rows that the route topic owes.
func (b *bench) route() {
	b.t.Helper()
	items, err := b.PendingOutbox(b.ctx, ticketing.TopicRoute, 1000)
	require.NoError(b.t, err)
	for _, item := range items {
		require.NoError(b.t, b.svc.RouteTicket(b.ctx, item))
	}
}
