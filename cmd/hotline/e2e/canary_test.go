package e2e

import (
	"bytes"
	"encoding/json"
	"log/slog"
	"net/http"
	"os"
	"path/filepath"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"hotline/cmd/hotline/accounts"
	"hotline/cmd/hotline/app"
	"hotline/cmd/hotline/config"
	"hotline/cmd/hotline/testbed"
	"hotline/search"
	"hotline/ticketing"
	"hotline/web"
)

// canary is a person planted in a ticket, with words that occur nowhere else.
type canary struct{ name, phone, words string }

// trail is a log, or a stream, that is looked through afterwards.
type trail struct {
	mu sync.Mutex
	b  bytes.Buffer
}

func (l *trail) Write(p []byte) (int, error) {
	l.mu.Lock()
	defer l.mu.Unlock()
	return l.b.Write(p)
}

func (l *trail) String() string {
	l.mu.Lock()
	defer l.mu.Unlock()
	return l.b.String()
}

// TestCanary plants a person in a sealed and in a confidential ticket and looks
// for them in everything that those receive who may not know of them: every
// operation of the API that reads, live events, the log, the files of the index.
func TestCanary(t *testing.T) {
	t.Parallel()
	engineSets(t, func(t *testing.T, e engineSet) {
		written := &trail{}
		var data string
		n := testbed.StartNode(t, app.Options{Log: slog.New(slog.NewJSONHandler(written, &slog.HandlerOptions{Level: slog.LevelDebug}))}, func(c *config.Config) {
			e.apply(t, c)
			data = c.Data
		})
		const unit = "transport"
		require.NoError(t, accounts.Save(t.Context(), n.Engines.Store, ticketing.User{
			Login: "sealed-clerk", Name: "密封经办", Roles: []ticketing.Role{ticketing.RoleClerk, ticketing.RoleHead}, Department: unit, Partition: "12388",
		}, accounts.DemoPassword+"-Long", time.Now()))
		v := &tour{t: t, base: n.URL(), desks: map[string]*desk{}, done: map[ticketing.Action]bool{}}
		streams := v.outsiders()

		sealed := canary{"钟离雀", "13987650001", "龘靐举报"}
		secret := v.plant("sealed1", sealed, fields{"line": "12388"})
		v.dispatched("sealed1", secret.ID, unit)
		hidden := canary{"司徒鹊", "13987650002", "司徒鹊住在东门"}
		private := v.plant("agent1", hidden, fields{"confidential": true})
		v.dispatched("dispatcher1", private.ID, unit)
		unitOf := v.read("lead1", private.ID).Department
		require.NoError(t, n.Engines.Index.Rebuild(t.Context(), n.Engines.Source))
		require.NoError(t, n.Engines.Sealed.Rebuild(t.Context(), n.Engines.Closed))

		// Those who may know do.
		require.Equal(t, 1, v.found("sealed1", "龘靐"))
		require.Contains(t, v.everything("sealed1", secret), "龘靐举报")
		require.Equal(t, 1, v.found("lead1", "东门"))

		for _, login := range outsiders(unitOf) {
			got := v.everything(login, secret)
			words := []string{sealed.name, sealed.phone, "龘靐"}
			if login != "secadmin" && login != "auditor" { // who reads the ledger finds what others asked for in vain
				words = append(words, secret.Number, `"id":"`+secret.ID)
			}
			for _, word := range words {
				require.NotContains(t, got, word, "%s receives something of the sealed ticket", login)
			}
			require.NotContains(t, got, hidden.phone, "%s receives a number unmasked", login)
			if strings.HasPrefix(login, "clerk-") || strings.HasPrefix(login, "head-") {
				own := v.everything(login, private)
				for _, word := range []string{hidden.name, hidden.phone, "139****0002", "司徒"} {
					require.NotContains(t, own, word, "%s receives the person of a confidential ticket", login)
				}
			}
		}
		for login, stream := range streams {
			require.NotContains(t, stream.String(), secret.ID, "the live events of %s", login)
		}
		require.NotEmpty(t, streams["lead1"].String(), "live events came")
		for _, word := range []string{sealed.name, sealed.phone, "龘靐", hidden.name, hidden.phone} {
			require.NotContains(t, written.String(), word, "the log")
		}
		indexFiles(t, data, []string{sealed.name, sealed.phone, hidden.name, hidden.phone, "龘靐"}, []string{sealed.name, sealed.phone})
		_, err := n.Engines.Index.Search(t.Context(), search.Query{Text: "龘靐", Scope: search.Scope{All: true}})
		require.NoError(t, err)
	})
}

// dispatched waits until a worker has routed a ticket, and gives it to the
// department where the worker left that to a person.
func (v *tour) dispatched(login, ref, unit string) {
	v.t.Helper()
	var seen web.Ticket
	require.Eventually(v.t, func() bool {
		seen = v.read(login, ref)
		return seen.State == "dispatched" || seen.AtDesk
	}, testbed.Patience, 20*time.Millisecond)
	if seen.AtDesk {
		v.act(login, ref, "dispatch", fields{"department": unit, "reason": "路灯"})
	}
}

// outsiders are one of each role, and the people of a department.
func outsiders(unit string) []string {
	return []string{"agent1", "lead1", "dispatcher1", "qc1", "follow1", "supervisor1", "analyst1", "admin", "secadmin", "auditor", "clerk-" + unit, "head-" + unit}
}

// outsiders opens their streams of live events, all that comes in raw.
func (v *tour) outsiders() map[string]*trail {
	streams := map[string]*trail{}
	for _, login := range []string{"agent1", "lead1", "admin", "secadmin", "clerk-transport"} {
		d := v.as(login)
		req, err := http.NewRequestWithContext(v.t.Context(), http.MethodGet, v.base+"/api/v1/events", nil)
		require.NoError(v.t, err)
		req.Header.Set("Authorization", "Bearer "+d.token)
		res, err := http.DefaultClient.Do(req)
		require.NoError(v.t, err)
		require.Equal(v.t, http.StatusOK, res.StatusCode)
		stream := &trail{}
		streams[login] = stream
		go func() {
			defer func() { _ = res.Body.Close() }()
			buf := make([]byte, 4096)
			for {
				n, err := res.Body.Read(buf)
				_, _ = stream.Write(buf[:n])
				if err != nil {
					return
				}
			}
		}()
	}
	return streams
}

func (v *tour) plant(login string, c canary, extra fields) web.Ticket {
	v.t.Helper()
	body := fields{
		"appeal":  fields{"type": "report", "title": "反映问题", "description": c.words, "category": "transport-streetlights"},
		"citizen": fields{"name": c.name, "phone": c.phone},
	}
	for k, value := range extra {
		body[k] = value
	}
	var made web.Ticket
	v.as(login).call(http.MethodPost, "/api/v1/tickets", body, &made)
	return v.act(login, made.ID, "accept", nil)
}

func (v *tour) found(login, words string) int {
	v.t.Helper()
	var res web.SearchResult
	v.as(login).call(http.MethodGet, "/api/v1/search?q="+words, nil, &res)
	return res.Total
}

// everything asks each operation of the document that reads, with the ticket's
// names where an address wants one, and gives all that came.
func (v *tour) everything(login string, about web.Ticket) string {
	v.t.Helper()
	var doc struct {
		Paths map[string]map[string]struct {
			OperationID string `json:"operationId"`
		} `json:"paths"`
	}
	_, _, raw := v.as(login).send(http.MethodGet, "/openapi.json", nil)
	require.NoError(v.t, json.Unmarshal(raw, &doc))
	var all strings.Builder
	asked := 0
	for path, item := range doc.Paths {
		if _, reads := item["get"]; !reads || path == "/api/v1/events" {
			continue
		}
		for _, ref := range []string{about.ID, about.Number} {
			at := strings.NewReplacer("{number}", ref, "{id}", ref, "{user}", ref, "{key}", ref, "{line}", "12388", "{seat}", "8001", "{party}", "1").Replace(path)
			for _, query := range []string{"", "?line=12388", "?q=" + about.Number, "?q=%E9%BE%98%E9%9D%90&facets=department,category,state&histogram=true&tickets=true&rows=category&columns=department"} {
				_, _, body := v.as(login).send(http.MethodGet, at+query, nil)
				all.Write(withoutQuestion(body))
				all.WriteByte('\n')
				asked++
			}
			if at == path {
				break // it names nothing
			}
		}
	}
	for _, action := range []string{"note", "urge", "merge", "sign", "dispatch"} { // and a trial of an action on many
		in, err := json.Marshal(fields{"action": action, "tickets": []string{about.ID, about.Number}, "dry_run": true, "reason": "x", "note": "x"})
		require.NoError(v.t, err)
		_, _, body := v.as(login).send(http.MethodPost, "/api/v1/tickets/bulk", bytes.NewReader(in))
		var report web.BulkReport
		if json.Unmarshal(body, &report) == nil {
			for i := range report.Items {
				report.Items[i].Ticket = "" // as it was asked for
			}
			clean, err := json.Marshal(report)
			require.NoError(v.t, err)
			all.Write(clean)
		}
	}
	require.Greater(v.t, asked, 200)
	return all.String()
}

// withoutQuestion is an answer without the text that it was asked for, which some repeat.
func withoutQuestion(body []byte) []byte {
	var answer map[string]json.RawMessage
	var question map[string]any
	if json.Unmarshal(body, &answer) != nil || json.Unmarshal(answer["query"], &question) != nil || question["text"] == nil {
		return body
	}
	delete(question, "text")
	clean, err := json.Marshal(question)
	if err != nil {
		return body
	}
	answer["query"] = clean
	if clean, err = json.Marshal(answer); err != nil {
		return body
	}
	return clean
}

// indexFiles looks through the files of the embedded index; of the sealed
// partitions' own the person alone must be absent.
func indexFiles(t *testing.T, data string, nowhere, notSealed []string) {
	t.Helper()
	files, err := filepath.Glob(filepath.Join(data, "search*"))
	require.NoError(t, err)
	for _, name := range files {
		raw, err := os.ReadFile(name)
		require.NoError(t, err)
		words := nowhere
		if strings.Contains(filepath.Base(name), "-sealed") {
			words = notSealed
		}
		for _, word := range words {
			require.False(t, bytes.Contains(raw, []byte(word)), "%s holds %s", filepath.Base(name), word)
		}
	}
}
