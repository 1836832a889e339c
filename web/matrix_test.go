package web_test

import (
	"bufio"
	"bytes"
	"encoding/json"
	"net"
	"net/http"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"hotline/ticketing"
	"hotline/web"
)

type endpoint struct {
	method, path, id string
	public, body     bool
	roles            []string // any of these; none: everybody who is signed in
}

// endpoints are all operations of the document, so that a new one cannot be forgotten.
func endpoints(t *testing.T) (all []endpoint) {
	t.Helper()
	b, err := web.OpenAPI()
	require.NoError(t, err)
	var doc struct {
		Paths map[string]map[string]struct {
			OperationID string           `json:"operationId"`
			Description string           `json:"description"`
			Security    []map[string]any `json:"security"`
			RequestBody *struct {
				Content map[string]any `json:"content"`
			} `json:"requestBody"`
		} `json:"paths"`
	}
	require.NoError(t, json.Unmarshal(b, &doc))
	for path, item := range doc.Paths {
		for method, op := range item {
			e := endpoint{method: strings.ToUpper(method), path: path, id: op.OperationID, public: op.Security == nil, body: op.RequestBody != nil && op.RequestBody.Content["application/json"] != nil}
			if _, names, named := strings.Cut(op.Description, "Roles: "); named {
				e.roles = strings.Split(strings.TrimSuffix(names, "."), ", ")
			}
			all = append(all, e)
		}
	}
	require.Greater(t, len(all), 30)
	return all
}

func (e endpoint) at(id string) string {
	return strings.NewReplacer("{number}", id, "{id}", id, "{party}", "1", "{seat}", id, "{user}", id, "{line}", id, "{key}", id, "{name}", "gazetteer").Replace(e.path)
}

func TestEveryEndpointRefusesProperly(t *testing.T) {
	w := newWorld(t, func(_ *web.Deps, o *web.Options) { o.PublicPerAddress = web.Rate{Burst: 1000, Per: time.Hour} })
	w.user("admin", "", ticketing.RoleAdmin)
	w.user("supervisor1", "", ticketing.RoleSupervisor)
	people := map[string]*client{}
	for role, login := range map[string]string{"agent": "agent1", "lead": "lead1", "secadmin": "secadmin", "admin": "admin", "auditor": "auditor", "supervisor": "supervisor1"} {
		people[role] = w.as(login)
	}
	agent := people["agent"]
	// may and mayNot find somebody whom the operation is for, and somebody whom it is not.
	may := func(e endpoint) *client {
		for _, role := range []string{"agent", "lead", "secadmin", "admin", "auditor", "supervisor"} {
			if len(e.roles) == 0 || slices.Contains(e.roles, role) {
				return people[role]
			}
		}
		t.Fatalf("nobody may %s", e.id)
		return nil
	}
	mayNot := func(e endpoint) *client {
		for _, role := range []string{"secadmin", "admin", "auditor", "agent", "lead"} {
			if len(e.roles) > 0 && !slices.Contains(e.roles, role) {
				return people[role]
			}
		}
		return nil
	}
	huge := append([]byte(`{"login":"`), bytes.Repeat([]byte("x"), 10<<20)...)
	all := endpoints(t)
	for _, e := range all {
		t.Run(e.id, func(t *testing.T) {
			at := e.at("x")
			if !e.public {
				w.nobody().send(e.method, at, nil).problem(http.StatusUnauthorized, "unauthenticated")
				if stranger := mayNot(e); stranger != nil {
					p := stranger.send(e.method, at, nil).problem(http.StatusForbidden, "forbidden")
					require.Nil(t, p.Current)
				}
			}
			who := w.nobody()
			if !e.public {
				who = may(e)
			}
			wrongMethod := ""
			for _, m := range []string{"PUT", "POST", "DELETE"} {
				if !slices.ContainsFunc(all, func(o endpoint) bool { return o.path == e.path && o.method == m }) {
					wrongMethod = m
				}
			}
			r := who.send(wrongMethod, at, nil)
			r.problem(http.StatusMethodNotAllowed, "method_not_allowed")
			require.Contains(t, r.Header.Get("Allow"), e.method)
			if !e.body {
				return
			}
			key := "0123456789abcdef"
			send := func(body any, headers ...string) reply {
				return who.send(e.method, at, body, append([]string{"Idempotency-Key", key}, headers...)...)
			}
			if e.id != "act" && e.id != "reveal" && e.id != "set-status" { // their roles come first
				who.send(e.method, at, huge, "Idempotency-Key", key).problem(http.StatusRequestEntityTooLarge, "body_too_large")
			}
			p := send(`["13812345678", {"phone": 13812345678}]`).problem(http.StatusUnprocessableEntity, "invalid")
			require.NotEmpty(t, p.Errors)
			p = send(`{"phone": "13812345678", "appeal": "13812345678", "version": "13812345678", "login": 13812345678, "status": ["13812345678"], "reason": {}, "action": []}`).
				problem(http.StatusUnprocessableEntity, "invalid")
			require.NotEmpty(t, p.Errors)
			for _, f := range p.Errors {
				require.NotContains(t, f.Location+f.Message, "1381")
			}
			for _, broken := range []string{"{", "nul", `{"a":`, "\xff\xfe", "[[[[", strings.Repeat("[", 3000)} {
				r := send(broken)
				r.problem(http.StatusBadRequest, "bad_request")
			}
			if e.id != "reveal" {
				require.Contains(t, []int{400, 422}, send("").Status)
			}
			send("a=b", "Content-Type", "application/x-www-form-urlencoded").problem(http.StatusUnsupportedMediaType, "unsupported_media_type")
			send("<a/>", "Content-Type", "text/xml").problem(http.StatusUnsupportedMediaType, "unsupported_media_type")
			send("\x1f\x8b\x08", "Content-Encoding", "gzip").problem(http.StatusUnsupportedMediaType, "unsupported_media_type")
		})
	}
	require.NotContains(t, w.log.String(), "13812345678")
	agent.get("/api/v1/me").want(http.StatusOK) // the server lives on
}

func TestNothingThere(t *testing.T) {
	w := newWorld(t, nil)
	agent := w.as("agent1")
	for _, path := range []string{"/api", "/api/", "/api/v1", "/api/v1/", "/api/v1/nothing", "/api/v2/tickets", "/api/public/v1/", "/wechat/x", "/open311/v2/x", "/docs/none", "/docs/../server.go",
		"/assets/none.js", "/.gitkeep", "/desk.html/../../x.js"} {
		agent.get(path).problem(http.StatusNotFound, "not_found")
	}
	for _, ref := range []string{"20261122-000001", "no-such-id", "%00", "%ff", "..%2f..", strings.Repeat("9", 64)} {
		agent.get("/api/v1/tickets/"+ref).problem(http.StatusNotFound, "not_found")
	}
	agent.get("/api/v1/tickets/"+strings.Repeat("9", 65)).problem(http.StatusUnprocessableEntity, "invalid")
	for _, query := range []string{"line=%00", "department=a%00b", "state=%ff", "%00=1", "cursor=%c3%28"} {
		agent.get("/api/v1/tickets?"+query).problem(http.StatusBadRequest, "bad_request")
		agent.get("/api/v1/calls?"+query).problem(http.StatusBadRequest, "bad_request")
	}
	agent.get("/api/v1/calls/none").problem(http.StatusNotFound, "not_found")
	require.NotContains(t, string(agent.get("/%2e%2e/%2e%2e/etc/passwd").Body), "root:")
	agent.get("/healthz").want(http.StatusOK)
}

// raw sends bytes and reads one answer.
func (w *world) raw(request string) *http.Response {
	w.t.Helper()
	conn, err := net.Dial("tcp", w.server.Addr().String())
	require.NoError(w.t, err)
	w.t.Cleanup(func() { _ = conn.Close() })
	_, err = conn.Write([]byte(request))
	require.NoError(w.t, err)
	require.NoError(w.t, conn.SetReadDeadline(time.Now().Add(20*time.Second)))
	resp, err := http.ReadResponse(bufio.NewReader(conn), nil)
	require.NoError(w.t, err)
	return resp
}

func TestBrokenHTTP(t *testing.T) {
	w := newWorld(t, nil)
	for name, c := range map[string]struct {
		request string
		status  int
	}{
		"garbage":        {"\x00\x01\x02\r\n\r\n", 400},
		"no version":     {"GET /\r\n\r\n", 400},
		"unknown method": {"BREW /api/v1/me HTTP/1.1\r\nHost: x\r\n\r\n", 405},
		"headers":        {"GET /api/v1/me HTTP/1.1\r\nHost: x\r\nX-A: " + strings.Repeat("a", 64<<10) + "\r\n\r\n", 431},
		"length":         {"POST /api/v1/session HTTP/1.1\r\nHost: x\r\nContent-Length: 99999999999\r\n\r\n", 413},
		"bad length":     {"POST /api/v1/session HTTP/1.1\r\nHost: x\r\nContent-Length: -5\r\n\r\n", 400},
	} {
		t.Run(name, func(t *testing.T) {
			resp := w.raw(c.request)
			defer resp.Body.Close()
			require.Equal(t, c.status, resp.StatusCode)
			require.Equal(t, "application/problem+json", resp.Header.Get("Content-Type"))
			var p web.Problem
			require.NoError(t, json.NewDecoder(resp.Body).Decode(&p))
			require.Equal(t, c.status, p.Status)
			require.NotEmpty(t, p.Code)
		})
	}
	w.nobody().get("/healthz").want(http.StatusOK)
}

func TestStartErrorsSayWhatToDo(t *testing.T) {
	w := newWorld(t, nil)
	start := func(o web.Options) error {
		s, err := web.New(web.Deps{Tickets: w.service, Users: w.store, Ledger: w.service, Keys: keys, Live: w.store}, o)
		if err != nil {
			return err
		}
		err = s.Start(t.Context())
		require.NoError(t, s.Stop(t.Context()))
		return err
	}
	require.ErrorContains(t, start(web.Options{Addr: w.server.Addr().String()}), "is taken by another process; stop it or choose another --http")
	require.ErrorContains(t, start(web.Options{Addr: "nonsense"}), "--http wants host:port")
	require.ErrorContains(t, start(web.Options{Addr: "192.0.2.1:80"}), "no address of this machine")
	require.ErrorContains(t, start(web.Options{Addr: "127.0.0.1:0", TLSCert: "a"}), "go together")
	require.ErrorContains(t, start(web.Options{Addr: "127.0.0.1:0", TLSCert: "/no/cert", TLSKey: "/no/key"}), "--tls-cert /no/cert")
	_, err := web.New(web.Deps{}, web.Options{})
	require.Error(t, err)
	require.NoError(t, start(web.Options{Addr: "127.0.0.1:0"}), "port 0 is any port")
}
