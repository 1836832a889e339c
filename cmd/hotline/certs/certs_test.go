package certs_test

import (
	"bytes"
	"context"
	"crypto/tls"
	"log/slog"
	"os"
	"path/filepath"
	"sync"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"hotline/cmd/hotline/certs"
	"hotline/telephony/tlstest"
)

// lines is a log that may be read while it is written.
type lines struct {
	mu sync.Mutex
	b  bytes.Buffer
}

func (l *lines) Write(p []byte) (int, error) {
	l.mu.Lock()
	defer l.mu.Unlock()
	return l.b.Write(p)
}

func (l *lines) String() string {
	l.mu.Lock()
	defer l.mu.Unlock()
	return l.b.String()
}

func TestRenewal(t *testing.T) {
	dir := t.TempDir()
	cert, key := filepath.Join(dir, "cert.pem"), filepath.Join(dir, "key.pem")
	first, err := tlstest.NewAuthority()
	require.NoError(t, err)
	second, err := tlstest.NewAuthority()
	require.NoError(t, err)
	_, err = certs.Load(cert, key, nil)
	require.ErrorContains(t, err, "--tls-cert "+cert)
	require.NoError(t, first.WriteFiles(cert, key, "127.0.0.1"))
	log := &lines{}
	source, err := certs.Load(cert, key, slog.New(slog.NewTextHandler(log, nil)))
	require.NoError(t, err)
	ln, err := tls.Listen("tcp", "127.0.0.1:0", source.TLS())
	require.NoError(t, err)
	defer ln.Close()
	go func() {
		for {
			c, err := ln.Accept()
			if err != nil {
				return
			}
			go func() { _ = c.(*tls.Conn).Handshake(); _ = c.Close() }()
		}
	}()
	trusts := func(a *tlstest.Authority) bool {
		c, err := tls.Dial("tcp", ln.Addr().String(), a.Client())
		if err == nil {
			_ = c.Close()
		}
		return err == nil
	}
	require.True(t, trusts(first))

	ctx, cancel := context.WithCancel(t.Context())
	watched := make(chan struct{})
	go func() { source.Watch(ctx, 10*time.Millisecond); close(watched) }()
	require.NoError(t, os.WriteFile(cert, []byte("broken"), 0o600))
	require.Eventually(t, func() bool { return bytes.Contains([]byte(log.String()), []byte("the old one stays")) }, 20*time.Second, time.Millisecond)
	require.True(t, trusts(first))
	require.Error(t, source.Reload())
	require.NoError(t, second.WriteFiles(cert, key, "127.0.0.1"))
	require.Eventually(t, func() bool { return trusts(second) }, 20*time.Second, time.Millisecond)
	require.False(t, trusts(first))
	cancel()
	<-watched
	require.NoError(t, first.WriteFiles(cert, key, "127.0.0.1"))
	require.NoError(t, source.Reload(), "without anybody who watches, as on SIGHUP")
	require.True(t, trusts(first))
}
