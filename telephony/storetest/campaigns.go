package storetest

import (
	"fmt"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"hotline/telephony"
	"hotline/telephony/survey"
)

func campaign(n int, state telephony.CampaignState) telephony.Campaign {
	return telephony.Campaign{
		ID: fmt.Sprintf("campaign-%d", n), Name: "回访", Line: "12340", Mode: telephony.Automatic, State: state, By: "lead1", CreatedAt: at(n),
		Questionnaire: survey.Questionnaire{Questions: []survey.Question{{Name: "q", Kind: survey.Scale, Text: "?", Say: []string{"x"}, Min: 1, Max: 5}}},
		Retry:         survey.Retry{Calls: 2, After: time.Hour}, Hours: []string{"daily 09:00-18:00"}, Target: 7,
	}
}

func campaigns(t *testing.T, s telephony.Store) {
	ctx := t.Context()
	_, err := s.Campaign(ctx, "none")
	require.ErrorIs(t, err, telephony.ErrNotFound)
	none, err := s.Campaigns(ctx, "")
	require.NoError(t, err)
	require.Empty(t, none)
	a, b := campaign(1, telephony.CampaignDraft), campaign(2, telephony.CampaignRunning)
	require.NoError(t, s.SaveCampaign(ctx, a))
	require.NoError(t, s.SaveCampaign(ctx, b))
	got, err := s.Campaign(ctx, a.ID)
	require.NoError(t, err)
	require.Equal(t, a, got)
	all, err := s.Campaigns(ctx, "")
	require.NoError(t, err)
	require.Equal(t, []telephony.Campaign{b, a}, all)
	a.State, a.StartedAt = telephony.CampaignRunning, at(5)
	require.NoError(t, s.SaveCampaign(ctx, a))
	all, err = s.Campaigns(ctx, telephony.CampaignRunning)
	require.NoError(t, err)
	require.Equal(t, []telephony.Campaign{b, a}, all)
	all, err = s.Campaigns(ctx, telephony.CampaignDraft)
	require.NoError(t, err)
	require.Empty(t, all)
}

func contact(campaign string, n int) telephony.Contact {
	return telephony.Contact{
		ID: fmt.Sprintf("%s-%04d", campaign, n), Campaign: campaign, Number: fmt.Sprintf("1380013%04d", n), Name: "王女士",
		Facts: map[string]string{"district": "CG"}, State: telephony.ContactWaiting,
	}
}

func contactsOfACampaign(t *testing.T, s telephony.Store) {
	ctx := t.Context()
	_, err := s.Contact(ctx, "none")
	require.ErrorIs(t, err, telephony.ErrNotFound)
	require.ErrorIs(t, s.SaveContact(ctx, contact("a", 0)), telephony.ErrNotFound)
	var list []telephony.Contact
	for n := range 1200 { // more than a statement takes
		list = append(list, contact("a", n))
	}
	added, err := s.AddContacts(ctx, list)
	require.NoError(t, err)
	require.Equal(t, 1200, added)
	again := contact("a", 5)
	again.ID = "a-other"
	added, err = s.AddContacts(ctx, []telephony.Contact{again, contact("b", 5)})
	require.NoError(t, err)
	require.Equal(t, 1, added, "a number is on a list once; another campaign has its own")

	c := list[3]
	c.State, c.Outcome, c.EndedAt, c.User = telephony.ContactOver, survey.Done, at(9), "agent1"
	c.Calls = []telephony.ContactCall{{CallID: "call", At: at(8), Outcome: survey.Done}}
	c.Answers = []survey.Answer{{Question: "q", Values: []string{"5"}}, {Question: "why", Values: []string{survey.Spoken}, From: at(8), To: at(9)}}
	require.NoError(t, s.SaveContact(ctx, c))
	got, err := s.Contact(ctx, c.ID)
	require.NoError(t, err)
	require.Equal(t, c, got)

	var seen []telephony.Contact
	f := telephony.ContactFilter{Campaign: "a", State: telephony.ContactWaiting, Limit: 500}
	for {
		page, err := s.Contacts(ctx, f)
		require.NoError(t, err)
		if len(page) == 0 {
			break
		}
		seen = append(seen, page...)
		f.After = page[len(page)-1].ID
	}
	require.Len(t, seen, 1199)
	require.Equal(t, list[0], seen[0])
	require.Equal(t, list[4], seen[3])
	done, err := s.Contacts(ctx, telephony.ContactFilter{Campaign: "a", Outcome: survey.Done})
	require.NoError(t, err)
	require.Equal(t, []telephony.Contact{c}, done)
	counts, err := s.CountContacts(ctx, "a")
	require.NoError(t, err)
	require.Equal(t, []telephony.ContactCount{
		{State: telephony.ContactOver, Outcome: survey.Done, Count: 1}, {State: telephony.ContactWaiting, Count: 1199},
	}, counts)
}

// takingContacts has several holders take at the same time: each contact comes to one.
func takingContacts(t *testing.T, s telephony.Store) {
	ctx := t.Context()
	var list []telephony.Contact
	for n := range 100 {
		c := contact("a", n)
		if n < 10 {
			c.NotUntil = at(60)
		}
		list = append(list, c)
	}
	_, err := s.AddContacts(ctx, append(list, contact("b", 1)))
	require.NoError(t, err)
	first, err := s.TakeContacts(ctx, "a", "node1", at(30), 3)
	require.NoError(t, err)
	require.Len(t, first, 3)
	for _, c := range first {
		require.Equal(t, telephony.ContactTaken, c.State)
		require.Equal(t, "node1", c.Holder)
		require.Equal(t, at(30), c.TakenAt)
		require.True(t, strings.HasPrefix(c.ID, "a-00"), c.ID)
		require.False(t, c.NotUntil.After(at(30)))
		stored, err := s.Contact(ctx, c.ID)
		require.NoError(t, err)
		require.Equal(t, c, stored)
	}
	var mu sync.Mutex
	taken := map[string]string{}
	var wg sync.WaitGroup
	for h := range 4 {
		holder := fmt.Sprintf("holder%d", h)
		wg.Go(func() {
			for {
				some, err := s.TakeContacts(ctx, "a", holder, at(30), 7)
				if err != nil {
					t.Errorf("take: %v", err)
					return
				}
				if len(some) == 0 {
					return
				}
				mu.Lock()
				for _, c := range some {
					if taken[c.ID] != "" {
						t.Errorf("%s was taken twice", c.ID)
					}
					taken[c.ID] = holder
				}
				mu.Unlock()
			}
		})
	}
	wg.Wait()
	require.Len(t, taken, 87, "those that are due")
	n, err := s.ReleaseContacts(ctx, "node1")
	require.NoError(t, err)
	require.Equal(t, 3, n)
	later, err := s.TakeContacts(ctx, "a", "node1", at(60), 100)
	require.NoError(t, err)
	require.Len(t, later, 13)
	n, err = s.ReleaseContacts(ctx, "nobody")
	require.NoError(t, err)
	require.Zero(t, n)
}

func noCalls(t *testing.T, s telephony.Store) {
	ctx := t.Context()
	require.ErrorIs(t, s.AllowCalls(ctx, "1"), telephony.ErrNotFound)
	a := telephony.NoCall{Number: "13800138000", By: telephony.NoCallAsked, At: at(1)}
	b := telephony.NoCall{Number: "13900139000", By: "lead1", Reason: "来信要求", At: at(2)}
	for _, n := range []telephony.NoCall{b, a, b} {
		require.NoError(t, s.ForbidCalls(ctx, n))
	}
	all, err := s.NoCalls(ctx, "", 10)
	require.NoError(t, err)
	require.Equal(t, []telephony.NoCall{a, b}, all)
	all, err = s.NoCalls(ctx, a.Number, 10)
	require.NoError(t, err)
	require.Equal(t, []telephony.NoCall{b}, all)
	found, err := s.Forbidden(ctx, []string{"1", a.Number})
	require.NoError(t, err)
	require.Equal(t, map[string]bool{a.Number: true}, found)
	require.NoError(t, s.AllowCalls(ctx, a.Number))
	found, err = s.Forbidden(ctx, []string{a.Number})
	require.NoError(t, err)
	require.Empty(t, found)
}
