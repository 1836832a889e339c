package web

import (
	"context"
	"crypto/tls"
	"errors"
	"fmt"
	"io"
	"net"
	"sync/atomic"
	"syscall"
	"time"
)

const (
	writeTimeout = 20 * time.Second // per write: a client that takes nothing for so long is gone
	lingerTime   = 700 * time.Millisecond
	lingerBytes  = 64 << 20
)

// listen opens the address; the error says what to do.
func listen(ctx context.Context, addr string) (net.Listener, error) {
	ln, err := (&net.ListenConfig{}).Listen(ctx, "tcp", addr)
	switch {
	case err == nil:
		return &listener{Listener: ln}, nil
	case errors.Is(err, syscall.EADDRINUSE):
		return nil, fmt.Errorf("web: %s is taken by another process; stop it or choose another --http: %w", addr, err)
	case errors.Is(err, syscall.EACCES):
		return nil, fmt.Errorf("web: no right to listen on %s; use a port from 1024 up or grant CAP_NET_BIND_SERVICE: %w", addr, err)
	case errors.Is(err, syscall.EADDRNOTAVAIL):
		return nil, fmt.Errorf("web: %s is no address of this machine; correct --http: %w", addr, err)
	}
	return nil, fmt.Errorf("web: cannot listen on %q; --http wants host:port: %w", addr, err)
}

// loadTLS reads the certificate; the error says which files.
func loadTLS(certFile, keyFile string) (*tls.Config, error) {
	cert, err := tls.LoadX509KeyPair(certFile, keyFile)
	if err != nil {
		return nil, fmt.Errorf("web: cannot use --tls-cert %s with --tls-key %s: %w", certFile, keyFile, err)
	}
	return &tls.Config{Certificates: []tls.Certificate{cert}, MinVersion: tls.VersionTLS12, NextProtos: []string{"http/1.1"}}, nil
}

type listener struct{ net.Listener }

func (l *listener) Accept() (net.Conn, error) {
	c, err := l.Listener.Accept()
	if err != nil {
		return nil, err
	}
	return &conn{Conn: c}, nil
}

// conn gives every write a deadline of its own, so that streams may live for
// hours and yet no stalled client holds a goroutine; and it can close slowly.
type conn struct {
	net.Conn
	linger atomic.Bool
}

func (c *conn) Write(b []byte) (int, error) {
	if err := c.SetWriteDeadline(time.Now().Add(writeTimeout)); err != nil {
		return 0, err
	}
	return c.Conn.Write(b)
}

// Close closes at once, or, after a refusal of a body that is still on its way,
// reads on for a moment: closing with unread data would reset the connection
// and could take the answer with it (RFC 9112 section 9.6).
func (c *conn) Close() error {
	if c.linger.Load() {
		if half, ok := c.Conn.(interface{ CloseWrite() error }); ok && half.CloseWrite() == nil {
			if err := c.SetReadDeadline(time.Now().Add(lingerTime)); err == nil {
				_, _ = io.Copy(io.Discard, io.LimitReader(c.Conn, lingerBytes))
			}
		}
	}
	return c.Conn.Close()
}

// lingerOn marks a connection to be closed slowly.
func lingerOn(c net.Conn) {
	if t, ok := c.(*tls.Conn); ok {
		c = t.NetConn()
	}
	if l, ok := c.(*conn); ok {
		l.linger.Store(true)
	}
}
