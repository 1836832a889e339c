package interop

import (
	"context"
	"fmt"
	"maps"
	"net"
	"os"
	"path/filepath"
	"strconv"
	"strings"
	"time"

	"github.com/stretchr/testify/require"

	"hotline/cmd/hotline/testbed"
	"hotline/telephony/media"
	"hotline/telephony/phone"
)

// sippOptions of one run of sipp.
type sippOptions struct {
	network string // udp, tcp
	to      string // host:port
	called  string // user part of whom it calls
	caller  string
	values  map[string]string // more [[names]] of the scenario
	args    []string
}

// sipp is a run of sipp.
type sipp struct {
	*testbed.Process
	s    *stage
	name string
	port int // of SIP
}

// pieces are the parts of messages that scenarios share. Those of requests may
// have their CSeq appended to the name; without it is 1, and 2 for BYE.
func pieces(caller string) map[string]string {
	head := func(method, to string, cseq int) string {
		return fmt.Sprintf("%[1]s %[2]s SIP/2.0\nVia: SIP/2.0/[transport] [local_ip]:[local_port];branch=[branch]\n"+
			"From: <sip:%[3]s@[local_ip]:[local_port]>;tag=[pid]sipp[call_number]\nTo: <sip:[service]@[remote_ip]:[remote_port]>%[5]s\n"+
			"Call-ID: [call_id]\nCSeq: %[4]d %[1]s\nContact: <sip:%[3]s@[local_ip]:[local_port];transport=[transport]>\nMax-Forwards: 70\n"+
			"Allow: INVITE, ACK, BYE, CANCEL, PRACK, UPDATE, REFER, NOTIFY",
			method, to, caller, cseq, map[bool]string{true: "[peer_tag_param]"}[strings.HasPrefix(to, "[next")])
	}
	const line, dialog = "sip:[service]@[remote_ip]:[remote_port]", "[next_url]"
	p := map[string]string{
		"invite": head("INVITE", line, 1), "invite2": head("INVITE", line, 2),
		"ack": head("ACK", dialog, 1), "ack2": head("ACK", dialog, 2),
		"register1": head("REGISTER", "sip:[remote_ip]:[remote_port]", 1), "register2": head("REGISTER", "sip:[remote_ip]:[remote_port]", 2),
		"bye": head("BYE", dialog, 2), "prack3": head("PRACK", dialog, 3),
		"ok": "SIP/2.0 200 OK\n[last_Via:]\n[last_From:]\n[last_To:]\n[last_Call-ID:]\n[last_CSeq:]\nContact: <sip:[local_ip]:[local_port];transport=[transport]>",
	}
	for _, m := range []string{"UPDATE", "BYE", "REFER"} {
		for n := 2; n < 6; n++ {
			p[strings.ToLower(m)+strconv.Itoa(n)] = head(m, dialog, n) + "\n[routes]"
		}
	}
	reply := "[last_Via:]\n[last_From:]\n[last_To:];tag=[pid]sipp[call_number]\n[last_Call-ID:]\n[last_CSeq:]\n[last_Record-Route:]\n" +
		"Contact: <sip:[local_ip]:[local_port];transport=[transport]>\nAllow: INVITE, ACK, BYE, CANCEL, PRACK, UPDATE, REFER, NOTIFY"
	p["ringing"], p["answer"] = "SIP/2.0 180 Ringing\n"+reply, "SIP/2.0 200 OK\n"+reply
	for name, d := range map[string]struct {
		version   int
		direction string
	}{"sdp": {1, "sendrecv"}, "sdp-hold": {2, "sendonly"}, "sdp-resumed": {3, "sendrecv"}} {
		p[name] = fmt.Sprintf("v=0\no=sipp 53655765 %d IN IP4 [local_ip]\ns=-\nc=IN IP4 [media_ip]\nt=0 0\nm=audio [media_port] RTP/AVP 8 101\n"+
			"a=rtpmap:8 PCMA/8000\na=rtpmap:101 telephone-event/8000\na=fmtp:101 0-15\na=%s", d.version, d.direction)
	}
	p["digit"] = "/usr/share/sip-tester/dtmf_2833_2.pcap"
	return p
}

// sipp starts sipp with a scenario out of testdata. It sends back the sound that it gets.
func (s *stage) sipp(scenario string, o sippOptions) *sipp {
	s.Helper()
	dir := s.TempDir()
	if o.caller == "" {
		o.caller = "13912345678"
	}
	values := pieces(o.caller)
	maps.Copy(values, o.values)
	// Pieces may have pieces.
	for name, v := range values {
		for inner, with := range values {
			v = strings.ReplaceAll(v, "[["+inner+"]]", with)
		}
		values[name] = v
	}
	file := testbed.Fill(s, filepath.Join("testdata", scenario+".xml"), filepath.Join(dir, "scenario.xml"), values)
	port := testbed.FreePort(s)
	for i, a := range o.args {
		if a == "-p" {
			port, _ = strconv.Atoi(o.args[i+1])
		}
	}
	args := []string{
		"-sf", file, "-i", "127.0.0.1", "-mi", "127.0.0.1", "-mp", strconv.Itoa(testbed.FreePort(s)), "-m", "1", "-nostdin",
		"-rtp_echo", "-trace_err", "-error_file", filepath.Join(dir, "errors.log"), "-trace_msg", "-message_file", filepath.Join(dir, "messages.log"),
		"-timeout", "50s", "-timeout_error", "-t", map[string]string{"": "u1", "udp": "u1", "tcp": "t1"}[o.network],
	}
	args = append(args, o.args...)
	if o.called != "" {
		args = append(args, "-s", o.called)
	}
	if !strings.Contains(strings.Join(o.args, " "), "-p ") {
		args = append(args, "-p", strconv.Itoa(port))
	}
	if o.to != "" {
		args = append(args, o.to)
	}
	r := &sipp{s: s, name: scenario, port: port}
	s.Cleanup(func() {
		if !s.Failed() {
			return
		}
		for _, name := range []string{"errors.log", "messages.log"} {
			if raw, err := os.ReadFile(filepath.Join(dir, name)); err == nil {
				s.Logf("%s, %s:\n%s", scenario, name, raw)
			}
		}
	})
	r.Process = testbed.Launch(s, dir, "sipp is in Debian's package sip-tester", "sipp", args...)
	return r
}

// done waits until the scenario has come to its end as it is written.
func (r *sipp) done() {
	r.s.Helper()
	ctx, cancel := context.WithTimeout(r.s.Context(), testbed.Patience)
	defer cancel()
	require.NoError(r.s, r.Wait(ctx), "sipp's scenario %s did not come to its end", r.name)
}

// sippSeat registers a seat at a port where sipp then waits for a call.
func (s *stage) sippSeat(which int, scenario string, values map[string]string) *sipp {
	s.Helper()
	_, port := s.sippRegisters(which)
	r := s.sipp(scenario, sippOptions{values: values, args: []string{"-p", port}})
	s.ready(which)
	return r
}

// sippRegisters registers a seat at a port that is free again afterwards.
func (s *stage) sippRegisters(which int) (id, port string) {
	s.Helper()
	id, port = s.provide(which), strconv.Itoa(testbed.FreePort(s))
	s.sipp("register", sippOptions{
		to: s.addr("udp").String(), called: id, caller: id, values: map[string]string{"user": id, "secret": secret}, args: []string{"-p", port},
	}).done()
	return id, port
}

// talk is how long sipp lets a call stand, in milliseconds.
const talk = "3000"

// sippCalls: a citizen on sipp, and a seat that hears its own tone come back.
func sippCalls(network, scenario string, check func(*stage, *phone.Call)) func(*stage) {
	return func(s *stage) {
		seat := s.ourSeat(0, toneOurs)
		r := s.sipp(scenario, sippOptions{network: network, to: s.addr(network).String(), called: s.line, values: map[string]string{"talk": talk}})
		c := testbed.Next(s, "the call at the seat", seat)
		s.hears(c, toneOurs, "sipp sends back what it gets")
		if check != nil {
			check(s, c)
		}
		r.done()
		<-c.Done()
		s.over()
		require.Equal(s, "2", s.record().Digit, "pressed on sipp, by RFC 4733")
	}
}

func sippCells() []cell {
	base := cell{peer: "sipp 3.6", media: "RTP"}
	make := func(over, name, as, shows string, play func(*stage)) cell {
		c := base
		c.over, c.name, c.as, c.shows, c.play = over, name, as, shows, play
		return c
	}
	held := func(s *stage, c *phone.Call) {
		s.silent(c, "held by UPDATE")
		s.sounds(c, "resumed by UPDATE")
		s.hears(c, toneOurs, "resumed by UPDATE")
	}
	return []cell{
		make("UDP", "caller", "citizen", "RFC 3261 basic call; sound there and back; DTMF (RFC 4733)", sippCalls("udp", "uac-basic", nil)),
		make("TCP", "caller", "citizen", "RFC 3261 basic call; sound there and back; DTMF (RFC 4733)", sippCalls("tcp", "uac-basic", nil)),
		make("UDP", "called", "seat", "registration with digest; RFC 3261 basic call; sound there and back", sippCalled("uas-basic", nil)),
		make("UDP", "update", "citizen", "hold and resume by UPDATE, UPDATE without a description (RFC 3311)", sippCalls("udp", "uac-update", held)),
		make("UDP", "prack caller", "seat", "call to another seat with reliable ringing (RFC 3262)", sippPrackCaller),
		make("UDP", "prack called", "seat", "early media that is acknowledged by PRACK, an answer without a description (RFC 3262)", sippCalled("uas-prack", map[string]string{"early": "500"})),
		make("UDP", "session timer", "citizen", "422 for an interval too small; refreshed by the node (RFC 4028)", sippTimer),
		make("UDP", "session timer lapsed", "citizen", "hung up on when it does not refresh (RFC 4028)", sippTimerSilent),
		make("UDP", "refer", "seat", "blind transfer to another seat: REFER, 202, NOTIFY (RFC 3515)", sippRefers),
		make("UDP", "3pcc", "controller", "third party call control, flow I (RFC 3725): late offer, the two calls' sound goes from one to the other", sipp3PCC),
	}
}

// sippCalled: a citizen of ours, and a seat on sipp that sends back his tone.
func sippCalled(scenario string, values map[string]string) func(*stage) {
	return func(s *stage) {
		if values == nil {
			values = map[string]string{"more": ""}
		}
		r := s.sippSeat(0, scenario, values)
		c := s.ourCitizen(phone.Options{})
		s.hears(c, toneOurs, "sipp sends back what it gets")
		c.Hangup()
		r.done()
		s.over()
	}
}

func sippPrackCaller(s *stage) {
	other := s.ourSeat(1, toneOurs)
	id, port := s.sippRegisters(0)
	r := s.sipp("uac-prack", sippOptions{
		to: s.addr("udp").String(), called: s.seat(1), caller: id, values: map[string]string{"talk": talk, "user": id, "secret": secret},
		args: []string{"-p", port},
	})
	c := testbed.Next(s, "the call at the other seat", other)
	s.hears(c, toneOurs, "sipp sends back what it gets")
	r.done()
	<-c.Done()
	s.over()
}

// refresh is what a scenario does with a refreshing UPDATE.
const refresh = `  <recv request="UPDATE" timeout="10000"><action>
    <ereg regexp="4;refresher=uac" search_in="hdr" header="Session-Expires:" check_it="true" assign_to="7"/>
  </action></recv>
  <send><![CDATA[
[[ok]]
Supported: timer
Require: timer
Session-Expires: 4;refresher=uac
Content-Length: 0

]]></send>
`

func sippTimer(s *stage) {
	s.sipp("uac-timer", sippOptions{to: s.addr("udp").String(), called: s.line, values: map[string]string{"refresh": refresh}}).done()
	s.over()
}

func sippTimerSilent(s *stage) {
	s.sipp("uac-timer-silent", sippOptions{to: s.addr("udp").String(), called: s.line}).done()
	s.over()
}

func sippRefers(s *stage) {
	third := s.ourSeat(1, toneThird)
	r := s.sippSeat(0, "uas-refer", map[string]string{"target": s.seat(1), "node": s.addr("udp").String()})
	c := s.ourCitizen(phone.Options{})
	s.hears(c, toneThird, "transferred by REFER")
	next := testbed.Next(s, "the call at the other seat", third)
	s.hears(next, toneOurs, "transferred by REFER")
	r.done() // the node tells it and hangs up
	c.Hangup()
	<-next.Done()
	s.over()
}

// sipp3PCC: a controller connects the line, which is called without an offer,
// with a phone of ours.
func sipp3PCC(s *stage) {
	seats := s.ourSeat(0, toneThird)
	answered := make(chan *phone.Call, 1)
	citizen := s.phone(phone.Options{User: "13700137000", OnCall: func(c *phone.Call) {
		if c.Answer() == nil {
			answered <- c
			<-c.Done()
		}
	}})
	twin := fmt.Sprintf("127.0.0.1:%d", testbed.FreePort(s))
	b := s.sipp("3pcc-b", sippOptions{to: citizen.Addr().String(), called: citizen.User(), args: []string{"-3pcc", twin}})
	testbed.Await(s, "the controller's other half", func() bool {
		conn, err := net.Listen("tcp", twin) // refused once sipp has it; it takes one connection only
		if err == nil {
			_ = conn.Close()
		}
		return err != nil
	})
	a := s.sipp("3pcc-a", sippOptions{to: s.addr("udp").String(), called: s.line, args: []string{"-3pcc", twin}})
	c := testbed.Next(s, "the citizen's call", answered)
	c.Play(media.Tone(toneOurs, -12, time.Second), true)
	require.NoError(s, c.SendDigits(testbed.Within(s), "2"))
	seat := testbed.Next(s, "the call at the seat", seats)
	s.hears(c, toneThird, "from the seat")
	s.hears(seat, toneOurs, "from the citizen")
	seat.Hangup()
	c.Hangup()
	a.done()
	b.done()
	s.over()
}
