package telephony_test

import (
	"fmt"
	"net"
	"strings"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"hotline/telephony"
)

// A trunk that sends its INVITE without an offer gets ours in the 200 and
// answers it in the ACK; one that does not is hung up on.
func TestInviteWithoutOffer(t *testing.T) {
	for _, answers := range []bool{true, false} {
		t.Run(fmt.Sprintf("answers %t", answers), func(t *testing.T) {
			r := newRig(t)
			sound, err := net.ListenUDP("udp4", &net.UDPAddr{IP: net.IPv4(127, 0, 0, 1)})
			require.NoError(t, err)
			defer sound.Close()
			w := r.wire()
			ok := w.send("INVITE", "12345", "Contact: <sip:x@"+w.conn.LocalAddr().String()+">\r\n")
			require.Equal(t, "200", status(ok), ok)
			require.Contains(t, ok, "m=audio")
			body := ""
			if answers {
				body = strings.ReplaceAll(goodSDP, "40000", fmt.Sprint(sound.LocalAddr().(*net.UDPAddr).Port))
			}
			ack := fmt.Sprintf("ACK sip:12345@%s SIP/2.0\r\nVia: SIP/2.0/UDP %s;branch=z9hG4bKack\r\nMax-Forwards: 70\r\nFrom: %s\r\nTo: %s\r\nCall-ID: %s\r\nCSeq: 1 ACK\r\nContent-Type: application/sdp\r\nContent-Length: %d\r\n\r\n%s",
				w.conn.RemoteAddr(), w.conn.LocalAddr(), header(ok, "From"), header(ok, "To"), header(ok, "Call-ID"), len(body), body)
			_, err = w.conn.Write([]byte(ack))
			require.NoError(t, err)
			if !answers {
				cdr := r.endedCall()
				require.Equal(t, telephony.CauseMedia, cdr.Cause)
				require.Equal(t, telephony.PartySystem, cdr.EndedBy)
				require.True(t, cdr.Missed)
				return
			}
			require.NoError(t, sound.SetReadDeadline(time.Now().Add(patience)))
			n, err := sound.Read(make([]byte, 2000))
			require.NoError(t, err, "the welcome is heard")
			require.Equal(t, 172, n)
			live := r.center.Live()
			require.Len(t, live, 1)
			require.NoError(t, r.center.Hangup(t.Context(), live[0].ID, ""))
			r.endedCall()
		})
	}
}
