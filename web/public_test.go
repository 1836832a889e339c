package web_test

import (
	"fmt"
	"net/http"
	"net/netip"
	"strings"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"hotline/ticketing"
	"hotline/web"
)

var appealBody = map[string]any{
	"appeal":  map[string]any{"type": "complaint", "description": "小区门口路灯不亮，晚上很黑", "district": "TN", "address": "兴隆街"},
	"citizen": map[string]any{"name": "李四", "phone": "13912345678"},
}

func TestCitizenFilesAndFollows(t *testing.T) {
	w := newWorld(t, nil)
	c := w.nobody()
	const path = "/api/public/v1/appeals"
	r := c.send("POST", path, appealBody, "Idempotency-Key", "3f0c9a52-0001", "Sec-Fetch-Site", "same-origin")
	r.problem(http.StatusUnprocessableEntity, "invalid") // a short key could be guessed
	r = c.send("POST", path, appealBody, "Idempotency-Key", "3f0c9a52-1111-2222-3333-444444444444", "Sec-Fetch-Site", "same-origin").want(http.StatusCreated)
	var filed web.FiledAppeal
	r.json(&filed)
	require.Regexp(t, `^\d{8}-\d{6}$`, filed.Number)
	require.NotEmpty(t, filed.QueryCode)
	again := c.send("POST", path, appealBody, "Idempotency-Key", "3f0c9a52-1111-2222-3333-444444444444", "Sec-Fetch-Site", "same-origin").want(http.StatusCreated)
	require.JSONEq(t, string(r.Body), string(again.Body), "a repeat gets the same number and code")
	require.Equal(t, "true", again.Header.Get("Idempotent-Replayed"))

	var p web.Progress
	c.get(path + "/" + filed.Number + "?code=" + filed.QueryCode).want(http.StatusOK).json(&p)
	require.Equal(t, ticketing.Draft, p.State)
	require.NotEmpty(t, p.Steps)
	require.NotEmpty(t, p.Title)
	wrong := c.get(path+"/"+filed.Number+"?code=WRONG").problem(http.StatusNotFound, "not_found")
	unknown := c.get(path+"/20200101-000001?code="+filed.QueryCode).problem(http.StatusNotFound, "not_found")
	wrong.TraceID, unknown.TraceID = "", ""
	require.Equal(t, wrong, unknown)
	require.NotContains(t, w.log.String(), filed.QueryCode)

	tk := w.as("agent1").get("/api/v1/tickets/" + filed.Number).want(http.StatusOK)
	require.Contains(t, string(tk.Body), `"channel":"web"`)
	c.send("POST", path, map[string]any{"appeal": map[string]any{"type": "help", "description": "x"}}).problem(http.StatusUnprocessableEntity, "invalid") // no phone, not anonymous
	c.send("POST", path, map[string]any{"appeal": map[string]any{"type": "help", "description": "x"}, "citizen": map[string]any{"anonymous": true}}).want(http.StatusCreated)
	c.send("POST", path, map[string]any{"appeal": map[string]any{"type": "help", "description": strings.Repeat("长", 10_001)}, "citizen": map[string]any{"anonymous": true}}).problem(http.StatusUnprocessableEntity, "invalid")
	c.send("POST", path, []byte(`{"appeal":{"description":"`+strings.Repeat("x", 70_000)+`"}}`)).problem(http.StatusRequestEntityTooLarge, "body_too_large")

	var d web.Page[ticketing.District]
	c.get("/api/public/v1/districts").want(http.StatusOK).json(&d)
	require.Equal(t, []ticketing.District{{Code: "TN", Name: "天宁区"}}, d.Items, "no streets")
}

func TestPublicLimits(t *testing.T) {
	now := time.Now()
	w := newWorld(t, func(_ *web.Deps, o *web.Options) {
		o.Now = func() time.Time { return now }
		o.PublicPerAddress = web.Rate{Burst: 2, Per: 2 * time.Hour}
		o.ProgressPerClient = web.Rate{Burst: 3, Per: 3 * time.Minute}
		o.TrustedProxies = []netip.Prefix{netip.MustParsePrefix("127.0.0.0/8")}
	})
	c := w.nobody()
	const path = "/api/public/v1/appeals"
	file := func(from string) reply { return c.send("POST", path, appealBody, "X-Forwarded-For", from) }
	var filed web.FiledAppeal
	file("198.51.100.7").want(http.StatusCreated).json(&filed)
	file("198.51.100.7").want(http.StatusCreated)
	r := file("198.51.100.7")
	r.problem(http.StatusTooManyRequests, "too_many_requests")
	require.Equal(t, "3600", r.Header.Get("Retry-After"))
	file("203.0.113.1, 198.51.100.7").problem(http.StatusTooManyRequests, "too_many_requests") // what the client wrote itself does not count
	// A proxy that adds a line of its own leaves the client's line above it.
	var statuses []int
	for i := range 4 {
		resp := w.raw(fmt.Sprintf("GET %s/2020010%d-000001?code=x HTTP/1.1\r\nHost: x\r\nConnection: close\r\nX-Forwarded-For: 203.0.113.%d\r\nX-Forwarded-For: 198.51.100.60\r\n\r\n", path, i, i))
		require.NoError(t, resp.Body.Close())
		statuses = append(statuses, resp.StatusCode)
	}
	require.Equal(t, []int{404, 404, 404, 429}, statuses)
	file("2001:db8:1:2::1").want(http.StatusCreated)
	file("2001:db8:1:2::2").want(http.StatusCreated)
	file("2001:db8:1:2:ffff::3").problem(http.StatusTooManyRequests, "too_many_requests") // a client has a whole /64
	file("2001:db8:1:3::1").want(http.StatusCreated)
	file("198.51.100.8").want(http.StatusCreated)
	now = now.Add(time.Hour)
	file("198.51.100.7").want(http.StatusCreated)

	ask := func(from, code string) reply {
		return c.send("GET", path+"/"+filed.Number+"?code="+code, nil, "X-Forwarded-For", from)
	}
	for range 20 { // the right code costs nothing
		ask("198.51.100.9", filed.QueryCode).want(http.StatusOK)
	}
	for i := range 3 { // guessing at one number from many addresses
		ask(fmt.Sprintf("198.51.100.%d", 20+i), "WRONG").problem(http.StatusNotFound, "not_found")
	}
	ask("198.51.100.30", "WRONG").problem(http.StatusTooManyRequests, "too_many_requests")
}
