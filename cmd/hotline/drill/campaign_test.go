package drill

import (
	"fmt"
	"path/filepath"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"hotline/cmd/city"
	"hotline/telephony"
	"hotline/telephony/phone"
	"hotline/telephony/survey"
)

// TestKilledInACampaign: whenever the process is killed while it calls a citizen, the next one goes on with the list, and nobody is called more often than
// the campaign allows.
func TestKilledInACampaign(t *testing.T) {
	ctx, dir := t.Context(), t.TempDir()
	bin, err := Build(ctx, dir)
	require.NoError(t, err)
	citizen, rings := ringing(t, phone.Options{User: "14212340001"})
	s := Setup{Binary: bin.Hotline, Data: filepath.Join(dir, "data"), LogLevel: "warn", Log: t.Output(), Gateway: citizen.Addr().String()}
	require.NoError(t, s.Loopback(ctx))
	require.NoError(t, s.Prepare(ctx, city.Sample(), 1))
	e, err := s.Open(ctx)
	require.NoError(t, err)
	now := time.Now().UTC().Truncate(time.Millisecond)
	require.NoError(t, e.Calls.SaveCampaign(ctx, telephony.Campaign{
		ID: "c", Name: "c", Line: "12340", Mode: telephony.Automatic, State: telephony.CampaignRunning, CreatedAt: now, Hours: []string{"daily 00:00-24:00"},
		Retry: survey.Retry{Calls: 2, After: time.Second}, AtOnce: 1,
		Questionnaire: survey.Questionnaire{Questions: []survey.Question{{Name: "q", Kind: survey.Scale, Text: "?", Say: []string{"rate"}, Min: 1, Max: 5}}},
	}))
	var list []telephony.Contact
	for n := range 2 {
		list = append(list, telephony.Contact{ID: fmt.Sprint(n), Campaign: "c", Number: fmt.Sprintf("1421234000%d", n+1), State: telephony.ContactWaiting})
	}
	_, err = e.Calls.AddContacts(ctx, list)
	require.NoError(t, err)
	require.NoError(t, e.Close())

	for range 2 {
		node, err := s.Start(ctx)
		require.NoError(t, err)
		next(ctx, t, rings)
		require.NoError(t, node.Kill())
	}
	node, err := s.Start(ctx)
	require.NoError(t, err)
	t.Cleanup(func() { _ = node.Kill() }) // where the test ends before the node
	second := next(ctx, t, rings)
	require.NoError(t, second.Answer())
	require.NoError(t, second.WaitSound(ctx))
	_ = second.SendDigits(ctx, "4") // the other side hangs up at once
	<-second.Done()
	require.NoError(t, node.Settle(ctx, time.Minute))
	require.NoError(t, node.Stop())
	e, err = s.Open(ctx)
	require.NoError(t, err)
	defer e.Close()
	first, err := e.Calls.Contact(ctx, "0")
	require.NoError(t, err)
	require.Len(t, first.Calls, 2)
	require.Equal(t, telephony.ContactOver, first.State)
	done, err := e.Calls.Contact(ctx, "1")
	require.NoError(t, err)
	require.Equal(t, survey.Done, done.Outcome)
	require.Equal(t, []string{"4"}, done.Answers[0].Values)
	require.Empty(t, rings, "called once too often")
}
