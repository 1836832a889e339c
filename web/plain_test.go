package web_test

import (
	"context"
	"crypto/ecdsa"
	"crypto/elliptic"
	"crypto/rand"
	"crypto/tls"
	"crypto/x509"
	"encoding/pem"
	"errors"
	"io"
	"math/big"
	"net"
	"net/http"
	"net/netip"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"testing/fstest"
	"time"

	"github.com/stretchr/testify/require"

	"hotline/ticketing"
	"hotline/web"
)

func TestPages(t *testing.T) {
	w := newWorld(t, func(d *web.Deps, _ *web.Options) { d.Pages = builtPages })
	c := w.nobody()
	for path, title := range map[string]string{
		"/": "portal", "/report/1": "portal", "/query": "portal", "/desk": "desk", "/desk/": "desk", "/desk/tickets/20261122-000001": "desk", "/wall": "wall", "/wall/x": "wall", "/desks": "portal",
	} {
		r := c.get(path).want(http.StatusOK)
		require.Contains(t, string(r.Body), "<title>"+title+"</title>", path)
		require.Equal(t, "text/html; charset=utf-8", r.Header.Get("Content-Type"))
		require.Equal(t, "no-cache", r.Header.Get("Cache-Control"))
		csp := r.Header.Get("Content-Security-Policy")
		require.Contains(t, csp, "script-src 'self';")
		require.Contains(t, csp, "frame-ancestors 'none'")
		require.Equal(t, "DENY", r.Header.Get("X-Frame-Options"))
	}
	js := c.get("/assets/app-1a2b.js").want(http.StatusOK)
	require.Equal(t, "text/javascript; charset=utf-8", js.Header.Get("Content-Type"))
	require.Contains(t, js.Header.Get("Cache-Control"), "immutable")
	c.send("GET", "/assets/app-1a2b.js", nil, "If-None-Match", js.Header.Get("ETag")).want(http.StatusNotModified)
	packed := c.send("GET", "/desk", nil, "Accept-Encoding", "gzip").want(http.StatusOK)
	require.Equal(t, "gzip", packed.Header.Get("Content-Encoding"))
	c.send("HEAD", "/desk", nil).want(http.StatusOK)
	c.send("POST", "/desk", nil).problem(http.StatusNotFound, "not_found")
	c.get("/favicon.ico").problem(http.StatusNotFound, "not_found")
}

func TestPagesNotBuilt(t *testing.T) {
	w := newWorld(t, func(d *web.Deps, _ *web.Options) { d.Pages = fstest.MapFS{".gitkeep": {Data: nil}} })
	for _, path := range []string{"/", "/desk", "/wall"} {
		r := w.nobody().get(path).want(http.StatusServiceUnavailable)
		require.Contains(t, string(r.Body), "UI not built")
		require.Contains(t, string(r.Body), "make ui")
	}
}

func TestDocsMetricsHealth(t *testing.T) {
	var sick, dead error
	w := newWorld(t, func(d *web.Deps, _ *web.Options) {
		d.Health = func(context.Context) map[string]error { return map[string]error{"store": dead, "search": sick} }
	})
	c := w.nobody()
	doc := c.get("/openapi.json").want(http.StatusOK)
	want, err := web.OpenAPI()
	require.NoError(t, err)
	require.JSONEq(t, string(want), string(doc.Body))
	page := string(c.get("/docs").want(http.StatusOK).Body)
	require.NotContains(t, page, "http://")
	require.NotContains(t, page, "https://", "nothing from elsewhere")
	c.get("/docs/docs.js").want(http.StatusOK)
	c.get("/docs/docs.css").want(http.StatusOK)

	require.JSONEq(t, `{"status":"ok"}`, string(c.get("/healthz").want(http.StatusOK).Body))
	require.JSONEq(t, `{"status":"ok","parts":{"store":"ok","search":"ok"}}`, string(c.get("/readyz").want(http.StatusOK).Body))
	sick = errors.New("dial redis://u:geheim@10.0.0.1: refused")
	r := c.get("/readyz").want(http.StatusOK)
	require.JSONEq(t, `{"status":"degraded","parts":{"store":"ok","search":"unavailable"}}`, string(r.Body), "it still takes calls")
	dead = errors.New("gone")
	r = c.get("/readyz").want(http.StatusServiceUnavailable)
	require.JSONEq(t, `{"status":"unavailable","parts":{"store":"unavailable","search":"unavailable"}}`, string(r.Body))
	require.NotContains(t, w.log.String(), "geheim")
	metrics := string(c.get("/metrics").want(http.StatusOK).Body)
	require.Contains(t, metrics, `hotline_http_requests_total{method="GET",route="/healthz",status="200"} 1`)
	require.Contains(t, metrics, "hotline_live_streams 0")
}

func TestMetricsStayInside(t *testing.T) {
	w := newWorld(t, func(_ *web.Deps, o *web.Options) {
		o.MetricsFrom = []netip.Prefix{netip.MustParsePrefix("192.0.2.0/24")}
	})
	w.nobody().get("/metrics").problem(http.StatusForbidden, "forbidden")
}

type tickets = web.Tickets

// fragile panics and fails on demand, with a value that must reach nobody.
type fragile struct {
	tickets
	err error
}

func (f fragile) Open(context.Context, ticketing.Actor, string) (ticketing.Ticket, error) {
	if f.err != nil {
		return ticketing.Ticket{}, f.err
	}
	panic("caller 13812345678 broke it")
}

func TestPanicsAndFaultsTellNothing(t *testing.T) {
	for name, f := range map[string]fragile{"panic": {}, "fault": {err: errors.New("row of 13812345678 is broken")}} {
		t.Run(name, func(t *testing.T) {
			w := newWorld(t, func(d *web.Deps, _ *web.Options) {
				f.tickets = d.Tickets
				d.Tickets = f
			})
			agent := w.as("agent1")
			p := agent.get("/api/v1/tickets/20261122-000001").problem(http.StatusInternalServerError, "internal")
			require.NotContains(t, p.Detail, "1381")
			require.Contains(t, w.log.String(), p.TraceID, "the log has the trace id that the user was told")
			require.NotContains(t, w.log.String(), "13812345678")
			agent.get("/api/v1/me").want(http.StatusOK)
		})
	}
	w := newWorld(t, func(d *web.Deps, _ *web.Options) { d.Tickets = fragile{d.Tickets, context.DeadlineExceeded} })
	w.as("agent1").get("/api/v1/tickets/x").problem(http.StatusServiceUnavailable, "unavailable")
}

func TestRequestLog(t *testing.T) {
	w := newWorld(t, nil)
	agent := w.as("agent1")
	r := agent.send("GET", "/api/v1/tickets/20261122-000001?secret-query=1", nil, "Traceparent", "00-4bf92f3577b34da6a3ce929d0e0e4736-00f067aa0ba902b7-01")
	require.Equal(t, "4bf92f3577b34da6a3ce929d0e0e4736", r.Header.Get("X-Trace-Id"))
	var line string
	for _, l := range strings.Split(w.log.String(), "\n") {
		if strings.Contains(l, "4bf92f3577b34da6a3ce929d0e0e4736") && strings.Contains(l, `"msg":"request"`) {
			line = l
		}
	}
	for _, part := range []string{`"route":"/api/v1/tickets/:number"`, `"status":404`, `"user":"u-agent1"`, `"method":"GET"`, `"address":"127.0.0.1"`} {
		require.Contains(t, line, part)
	}
	require.NotContains(t, line, "20261122-000001")
	require.NotContains(t, line, "secret-query")
	require.NotContains(t, w.log.String(), agent.token)
}

func TestTLS(t *testing.T) {
	cert, key := certificate(t)
	w := newWorld(t, func(_ *web.Deps, o *web.Options) { o.TLSCert, o.TLSKey = cert, key })
	w.base = strings.Replace(w.base, "http://", "https://", 1)
	c := w.nobody()
	pem, err := os.ReadFile(cert)
	require.NoError(t, err)
	pool := x509.NewCertPool()
	require.True(t, pool.AppendCertsFromPEM(pem))
	c.http.Transport = &http.Transport{TLSClientConfig: &tls.Config{RootCAs: pool}}
	defer c.http.CloseIdleConnections()
	r := c.send("POST", "/api/v1/session", map[string]string{"login": "agent1", "password": password}).want(http.StatusCreated)
	require.Contains(t, r.Header.Get("Set-Cookie"), "; Secure")
	require.NotEmpty(t, r.Header.Get("Strict-Transport-Security"))
	// A body that is too large is answered over TLS too.
	c.send("POST", "/api/v1/session", make([]byte, 10<<20)).problem(http.StatusRequestEntityTooLarge, "body_too_large")
	conn, err := tls.Dial("tcp", w.server.Addr().String(), &tls.Config{RootCAs: pool, ServerName: "127.0.0.1", MaxVersion: tls.VersionTLS11, MinVersion: tls.VersionTLS10})
	if err == nil {
		_ = conn.Close()
	}
	require.Error(t, err, "TLS before 1.2 is refused")
}

func certificate(t *testing.T) (certFile, keyFile string) {
	t.Helper()
	k, err := ecdsa.GenerateKey(elliptic.P256(), rand.Reader)
	require.NoError(t, err)
	template := x509.Certificate{SerialNumber: big.NewInt(1), NotBefore: time.Now().Add(-time.Hour), NotAfter: time.Now().Add(time.Hour), IPAddresses: []net.IP{net.ParseIP("127.0.0.1")}}
	der, err := x509.CreateCertificate(rand.Reader, &template, &template, &k.PublicKey, k)
	require.NoError(t, err)
	private, err := x509.MarshalPKCS8PrivateKey(k)
	require.NoError(t, err)
	dir := t.TempDir()
	certFile, keyFile = filepath.Join(dir, "cert.pem"), filepath.Join(dir, "key.pem")
	write := func(name, kind string, b []byte) {
		f, err := os.Create(name)
		require.NoError(t, err)
		require.NoError(t, pem.Encode(f, &pem.Block{Type: kind, Bytes: b}))
		require.NoError(t, f.Close())
	}
	write(certFile, "CERTIFICATE", der)
	write(keyFile, "PRIVATE KEY", private)
	return certFile, keyFile
}

func TestManyRequestsOnOneConnection(t *testing.T) {
	w := newWorld(t, nil)
	conn, err := net.Dial("tcp", w.server.Addr().String())
	require.NoError(t, err)
	defer conn.Close()
	_, err = io.WriteString(conn, strings.Repeat("GET /healthz HTTP/1.1\r\nHost: x\r\n\r\n", 50)+"GET /healthz HTTP/1.1\r\nHost: x\r\nConnection: close\r\n\r\n")
	require.NoError(t, err)
	b, err := io.ReadAll(conn)
	require.NoError(t, err)
	require.Equal(t, 51, strings.Count(string(b), "HTTP/1.1 200 OK"))
}
