package web

import (
	"bufio"
	"context"
	"encoding/binary"
	"errors"
	"fmt"
	"net"
	"net/http"
	"net/url"
	"strings"
	"time"
)

// Scanner looks for malicious content in a file.
type Scanner interface {
	// Scan names what was found; empty when the file is clean.
	Scan(ctx context.Context, data []byte) (found string, err error)
}

// clamTime bounds one scan.
const clamTime = 20 * time.Second

// clam asks a clamd daemon (clamd(8), command INSTREAM).
type clam struct{ network, address string }

// NewClam makes a scanner of the daemon at unix:///path or tcp://host:port.
func NewClam(rawURL string) (Scanner, error) {
	u, err := url.Parse(rawURL)
	switch {
	case err != nil:
	case u.Scheme == "unix" && u.Host == "" && u.Path != "":
		return clam{"unix", u.Path}, nil
	case u.Scheme == "tcp" && u.Port() != "" && u.Path == "":
		return clam{"tcp", u.Host}, nil
	}
	return nil, errors.New("give unix:///path or tcp://host:port of clamd")
}

func (c clam) Scan(ctx context.Context, data []byte) (string, error) {
	ctx, cancel := context.WithTimeout(ctx, clamTime)
	defer cancel()
	conn, err := (&net.Dialer{}).DialContext(ctx, c.network, c.address)
	if err != nil {
		return "", fmt.Errorf("clamd: %w", err)
	}
	defer func() { _ = conn.Close() }() // what it said is known by then
	deadline, _ := ctx.Deadline()
	if err := conn.SetDeadline(deadline); err != nil {
		return "", fmt.Errorf("clamd: %w", err)
	}
	// One chunk with its length, and an empty one for the end.
	message := append([]byte("zINSTREAM\x00"), binary.BigEndian.AppendUint32(nil, uint32(len(data)))...) //nolint:gosec // bounded by the size of a body
	message = append(append(message, data...), 0, 0, 0, 0)
	if _, err := conn.Write(message); err != nil {
		return "", fmt.Errorf("clamd: %w", err)
	}
	said, err := bufio.NewReaderSize(conn, 4096).ReadString(0)
	if err != nil {
		return "", fmt.Errorf("clamd: %w", err)
	}
	verdict := strings.TrimPrefix(strings.TrimSuffix(said, "\x00"), "stream: ")
	if verdict == "OK" {
		return "", nil
	}
	if name, infected := strings.CutSuffix(verdict, " FOUND"); infected {
		return name, nil
	}
	return "", fmt.Errorf("clamd: %s", clip(verdict, 200))
}

// scanned refuses a file in which something malicious was found, and one that
// cannot be looked through where there is a scanner.
func (s *Server) scanned(ctx context.Context, data []byte) error {
	if s.opts.Scanner == nil {
		return nil
	}
	found, err := s.opts.Scanner.Scan(ctx, data)
	if err != nil {
		return problem(http.StatusServiceUnavailable, "scan_unavailable", "Files cannot be looked through at the moment, and none is taken unseen. Try again shortly.").after(30).because(err)
	}
	if found != "" {
		s.opts.Log.Warn("a malicious file was refused", "trace_id", requestOf(ctx).trace, "found", found)
		return problem(http.StatusUnprocessableEntity, "file_malicious", "The file holds something malicious and was not taken. Look through the device that it comes from.")
	}
	return nil
}
