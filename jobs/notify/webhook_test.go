package notify_test

import (
	"context"
	"encoding/json"
	"io"
	"net/http"
	"net/http/httptest"
	"strings"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"hotline/jobs/notify"
)

const secret = "0123456789abcdef"

var now = time.Date(2026, 3, 2, 10, 0, 0, 0, time.UTC)

func message() notify.Message {
	return notify.Message{ID: "n1", Kind: "deadline.red", TicketID: "t1", Number: "20260302-000001",
		Clock: "sign", Audience: "department:eco", At: now}
}

func hook(t *testing.T, h http.HandlerFunc, opts notify.WebhookOptions) *notify.Webhook {
	t.Helper()
	srv := httptest.NewServer(h)
	t.Cleanup(srv.Close)
	w, err := notify.NewWebhook(srv.URL+"/hook/token-in-path", secret, opts)
	require.NoError(t, err)
	t.Cleanup(w.Close)
	return w
}

func TestWebhookSends(t *testing.T) {
	w := hook(t, func(rw http.ResponseWriter, r *http.Request) {
		body, err := io.ReadAll(r.Body)
		if err == nil {
			err = notify.Verify([]byte(secret), r.Header.Get(notify.HeaderSignature), body, now.Add(time.Minute), 5*time.Minute)
		}
		var m notify.Message
		if err != nil || json.Unmarshal(body, &m) != nil || m != message() || r.Method != http.MethodPost ||
			r.Header.Get(notify.HeaderID) != "n1" || r.Header.Get("Idempotency-Key") != "n1" ||
			r.Header.Get(notify.HeaderEvent) != "deadline.red" || r.Header.Get("Content-Type") != "application/json" {
			rw.WriteHeader(http.StatusTeapot)
		}
	}, notify.WebhookOptions{Now: func() time.Time { return now }})
	require.NoError(t, w.Send(context.Background(), message()))
	require.NotContains(t, w.Name(), "token-in-path")
}

func TestWebhookFailures(t *testing.T) {
	for name, h := range map[string]http.HandlerFunc{
		"500": func(w http.ResponseWriter, _ *http.Request) { w.WriteHeader(http.StatusInternalServerError) },
		"410": func(w http.ResponseWriter, _ *http.Request) { w.WriteHeader(http.StatusGone) },
		"redirect": func(w http.ResponseWriter, r *http.Request) {
			http.Redirect(w, r, "/elsewhere", http.StatusTemporaryRedirect)
		},
	} {
		t.Run(name, func(t *testing.T) {
			w := hook(t, h, notify.WebhookOptions{})
			err := w.Send(context.Background(), message())
			require.ErrorIs(t, err, notify.ErrRefused)
			require.NotContains(t, err.Error(), "token-in-path")
		})
	}
}

func TestWebhookTimesOut(t *testing.T) {
	leave := make(chan struct{})
	w := hook(t, func(http.ResponseWriter, *http.Request) { <-leave }, notify.WebhookOptions{Timeout: 50 * time.Millisecond})
	err := w.Send(context.Background(), message())
	close(leave)
	require.ErrorIs(t, err, context.DeadlineExceeded)
	require.NotContains(t, err.Error(), "token-in-path")
}

func TestWebhookUnreachable(t *testing.T) {
	srv := httptest.NewServer(http.NotFoundHandler())
	url := srv.URL
	srv.Close()
	w, err := notify.NewWebhook(url+"/token-in-path", secret, notify.WebhookOptions{})
	require.NoError(t, err)
	err = w.Send(context.Background(), message())
	require.Error(t, err)
	require.NotContains(t, err.Error(), "token-in-path")
}

func TestNewWebhookRefusals(t *testing.T) {
	for _, c := range [][2]string{
		{"", secret}, {"ftp://h/x", secret}, {"https://", secret}, {"://", secret}, {"https://h/x", "short"},
	} {
		_, err := notify.NewWebhook(c[0], c[1], notify.WebhookOptions{})
		require.ErrorIs(t, err, notify.ErrWebhook, c[0])
	}
}

func TestVerify(t *testing.T) {
	key, body := []byte(secret), []byte(`{"id":"n1"}`)
	good := notify.Sign(key, now, body)
	require.NoError(t, notify.Verify(key, good, body, now, time.Minute))
	// echo -n '1772445600.{"id":"n1"}' | openssl dgst -sha256 -hmac 0123456789abcdef
	require.Equal(t, "t=1772445600,v1=2eca7aa476f8a585d2c96aff0feeac527a165489026be38f9e2e966cac41d22a", good)
	for name, err := range map[string]error{
		"other body":   notify.Verify(key, good, []byte(`{"id":"n2"}`), now, time.Minute),
		"other secret": notify.Verify([]byte("another secret!!"), good, body, now, time.Minute),
		"too old":      notify.Verify(key, good, body, now.Add(2*time.Minute), time.Minute),
		"too new":      notify.Verify(key, good, body, now.Add(-2*time.Minute), time.Minute),
		"moved time":   notify.Verify(key, strings.Replace(good, "t=1772445600", "t=1772445601", 1), body, now, time.Minute),
		"empty":        notify.Verify(key, "", body, now, time.Minute),
		"garbage":      notify.Verify(key, "t=x,v1=zz", body, now, time.Minute),
		"not hex":      notify.Verify(key, "t=1772445600,v1=zz", body, now, time.Minute),
	} {
		require.ErrorIs(t, err, notify.ErrSignature, name)
	}
}
