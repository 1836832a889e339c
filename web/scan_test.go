package web_test

import (
	"bytes"
	"context"
	"encoding/binary"
	"errors"
	"io"
	"net"
	"net/http"
	"path/filepath"
	"strings"
	"testing"

	"github.com/stretchr/testify/require"

	"hotline/web"
)

// daemon speaks clamd's INSTREAM: what holds "EICAR" is found, "HANG" is hung up on.
func daemon(t *testing.T) string {
	t.Helper()
	path := filepath.Join(t.TempDir(), "clamd.ctl")
	ln, err := (&net.ListenConfig{}).Listen(t.Context(), "unix", path)
	require.NoError(t, err)
	t.Cleanup(func() { _ = ln.Close() })
	go func() {
		for {
			conn, err := ln.Accept()
			if err != nil {
				return
			}
			go serveScan(conn)
		}
	}()
	return "unix://" + path
}

func serveScan(conn net.Conn) {
	defer func() { _ = conn.Close() }()
	head := make([]byte, len("zINSTREAM\x00"))
	if _, err := io.ReadFull(conn, head); err != nil || string(head) != "zINSTREAM\x00" {
		return
	}
	var data []byte
	for {
		var size [4]byte
		if _, err := io.ReadFull(conn, size[:]); err != nil {
			return
		}
		n := binary.BigEndian.Uint32(size[:])
		if n == 0 {
			break
		}
		chunk := make([]byte, n)
		if _, err := io.ReadFull(conn, chunk); err != nil {
			return
		}
		data = append(data, chunk...)
	}
	switch {
	case bytes.Contains(data, []byte("HANG")):
	case bytes.Contains(data, []byte("EICAR")):
		_, _ = io.WriteString(conn, "stream: Eicar-Test-Signature FOUND\x00")
	default:
		_, _ = io.WriteString(conn, "stream: OK\x00")
	}
}

type kept struct{ names []string }

func (k *kept) Put(_ context.Context, name string, _ io.Reader) error {
	k.names = append(k.names, name)
	return nil
}

func (k *kept) Open(context.Context, string) (io.ReadSeekCloser, error) {
	return nil, errors.New("not asked for")
}

func TestFilesAreLookedThrough(t *testing.T) {
	scanner, err := web.NewClam(daemon(t))
	require.NoError(t, err)
	files := &kept{}
	w := newWorld(t, func(d *web.Deps, o *web.Options) {
		d.Blobs, o.Scanner = files, scanner
	})
	agent := w.as("agent1")
	ticket := agent.accepted()
	send := func(text string) reply {
		return agent.send("POST", "/api/v1/tickets/"+ticket.Number+"/attachments?name=a.txt", []byte(text), "Content-Type", "application/octet-stream")
	}
	send("a text without harm").want(http.StatusCreated)
	send("a text with EICAR in it").problem(http.StatusUnprocessableEntity, "file_malicious")
	send("a text that makes it HANG up").problem(http.StatusServiceUnavailable, "scan_unavailable")
	require.Len(t, files.names, 1, "nothing else was stored")
	require.True(t, strings.Contains(w.log.String(), "Eicar-Test-Signature"))
	for _, bad := range []string{"", "clamd", "unix://host/x", "tcp://host", "http://host:1"} {
		_, err := web.NewClam(bad)
		require.Error(t, err, bad)
	}
}
