package main

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"net"
	"os"
	"os/exec"
	"slices"
	"strconv"
	"time"

	"hotline/cmd/hotline/drill"
)

// rtpengine is the media relay of Kamailio's users, as a process of ours, in
// user space: that is what can be compared with a relay that is no kernel module.
type rtpengine struct {
	cmd  *exec.Cmd
	conn net.Conn // of its control protocol, ng
	sent int
}

// errNotInstalled: a baseline is left out.
var errNotInstalled = errors.New("not installed (.ci/setup bench installs it on Debian)")

func startRTPEngine(ctx context.Context) (*rtpengine, error) {
	path, err := exec.LookPath("rtpengine")
	if err != nil {
		return nil, errNotInstalled
	}
	port, err := drill.FreePort(ctx)
	if err != nil {
		return nil, err
	}
	control := fmt.Sprintf("127.0.0.1:%d", port)
	cmd := exec.Command(path, "--config-file=none", "--table=-1", "--foreground", "--log-stderr", "--log-level=3", //nolint:gosec,noctx // the installed program, ended by close
		"--interface=127.0.0.1", "--listen-ng="+control, "--port-min=20000", "--port-max=29999")
	cmd.Stderr = os.Stderr
	if err := cmd.Start(); err != nil {
		return nil, err
	}
	e := &rtpengine{cmd: cmd}
	if e.conn, err = new(net.Dialer).DialContext(ctx, "udp", control); err != nil {
		return nil, errors.Join(err, e.close())
	}
	for range 50 {
		if _, err = e.ask(map[string]any{"command": "ping"}); err == nil {
			return e, nil
		}
		if !drill.Sleep(ctx, 100*time.Millisecond) {
			break
		}
	}
	return nil, errors.Join(fmt.Errorf("rtpengine does not answer: %w", err), e.close())
}

func (e *rtpengine) close() error {
	if e.conn != nil {
		_ = e.conn.Close()
	}
	if err := e.cmd.Process.Signal(os.Interrupt); err != nil {
		return err
	}
	ended := make(chan struct{})
	go func() {
		select {
		case <-ended:
		case <-time.After(5 * time.Second):
			_ = e.cmd.Process.Kill()
		}
	}()
	_ = e.cmd.Wait() // its status tells nothing about the figures
	close(ended)
	return nil
}

// bridge leads a session description through the relay, as a proxy does.
func (e *rtpengine) bridge(command, call string, sdp []byte) ([]byte, error) {
	q := map[string]any{"command": command, "call-id": call, "from-tag": "a", "sdp": string(sdp), "ICE": "remove", "flags": []any{"trust-address"}}
	if command == "answer" {
		q["to-tag"] = "b"
	}
	a, err := e.ask(q)
	if err != nil {
		return nil, err
	}
	out, ok := a["sdp"].(string)
	if !ok {
		return nil, fmt.Errorf("rtpengine: %s: %v", command, a)
	}
	return []byte(out), nil
}

// ask sends one command of the ng protocol: a cookie, a space, a bencoded dictionary.
func (e *rtpengine) ask(q map[string]any) (map[string]any, error) {
	e.sent++
	cookie := strconv.Itoa(e.sent)
	if _, err := e.conn.Write(append([]byte(cookie+" "), bencode(q)...)); err != nil {
		return nil, err
	}
	if err := e.conn.SetReadDeadline(time.Now().Add(2 * time.Second)); err != nil {
		return nil, err
	}
	buf := make([]byte, 65536)
	for {
		n, err := e.conn.Read(buf)
		if err != nil {
			return nil, err
		}
		head, body, ok := bytes.Cut(buf[:n], []byte(" "))
		if !ok || string(head) != cookie {
			continue // of an earlier question
		}
		v, _, err := bdecode(body)
		if err != nil {
			return nil, err
		}
		a, ok := v.(map[string]any)
		if !ok {
			return nil, fmt.Errorf("rtpengine: answer %q", body)
		}
		if a["result"] == "error" {
			return nil, fmt.Errorf("rtpengine: %v", a["error-reason"])
		}
		return a, nil
	}
}

// bencode writes the few types that the ng protocol needs.
func bencode(v any) []byte {
	switch v := v.(type) {
	case string:
		return fmt.Appendf(nil, "%d:%s", len(v), v)
	case []any:
		out := []byte("l")
		for _, e := range v {
			out = append(out, bencode(e)...)
		}
		return append(out, 'e')
	case map[string]any:
		keys := make([]string, 0, len(v))
		for k := range v {
			keys = append(keys, k)
		}
		slices.Sort(keys)
		out := []byte("d")
		for _, k := range keys {
			out = append(append(out, bencode(k)...), bencode(v[k])...)
		}
		return append(out, 'e')
	}
	return nil
}

var errBencode = errors.New("rtpengine: not bencoded")

// bdecode reads one value and gives what follows it.
func bdecode(in []byte) (v any, rest []byte, err error) {
	if len(in) == 0 {
		return nil, nil, errBencode
	}
	switch in[0] {
	case 'i':
		digits, rest, ok := bytes.Cut(in[1:], []byte("e"))
		if !ok {
			return nil, nil, errBencode
		}
		n, err := strconv.ParseInt(string(digits), 10, 64)
		return n, rest, err
	case 'l', 'd':
		return bcontainer(in[0] == 'd', in[1:])
	}
	size, rest, ok := bytes.Cut(in, []byte(":"))
	n, err := strconv.Atoi(string(size))
	if !ok || err != nil || n < 0 || n > len(rest) {
		return nil, nil, errBencode
	}
	return string(rest[:n]), rest[n:], nil
}

func bcontainer(dictionary bool, in []byte) (any, []byte, error) {
	var list []any
	for len(in) > 0 && in[0] != 'e' {
		v, rest, err := bdecode(in)
		if err != nil {
			return nil, nil, err
		}
		list, in = append(list, v), rest
	}
	if len(in) == 0 {
		return nil, nil, errBencode
	}
	if !dictionary {
		return list, in[1:], nil
	}
	m := make(map[string]any, len(list)/2)
	for i := 0; i+1 < len(list); i += 2 {
		if k, ok := list[i].(string); ok {
			m[k] = list[i+1]
		}
	}
	return m, in[1:], nil
}

// rtpengineRelay measures it under the load of a number of calls.
func rtpengineRelay(ctx context.Context, r *run, calls int) (m relayed, err error) {
	p, err := newProbes()
	if err != nil {
		return m, err
	}
	defer p.close()
	ps, err := newParties(2*calls, p)
	if err != nil {
		return m, err
	}
	defer ps.close()
	e, err := startRTPEngine(ctx)
	if err != nil {
		return m, err
	}
	defer func() { err = errors.Join(err, e.close()) }()
	for i := 0; i < len(ps.legs); i += 2 {
		a, b, call := ps.legs[i], ps.legs[i+1], fmt.Sprint("bench-", i)
		offer, err := e.bridge("offer", call, a.Offer())
		if err != nil {
			return m, err
		}
		answer, err := b.Answer(offer)
		if err != nil {
			return m, err
		}
		if answer, err = e.bridge("answer", call, answer); err != nil {
			return m, err
		}
		if err := a.Accept(answer); err != nil {
			return m, err
		}
	}
	return ps.measure(ctx, r, e.cmd.Process.Pid, p)
}
