package telephony_test

import (
	"context"
	"net/netip"
	"slices"
	"testing"
	"time"

	"github.com/emiago/sipgo/sip"
	"github.com/stretchr/testify/require"

	"hotline/telephony"
	"hotline/telephony/phone"
	"hotline/telephony/trunk"
)

// severalTrunks are four operators with habits of their own.
func severalTrunks(c *telephony.Config) {
	at := func(s string) []netip.Prefix { return []netip.Prefix{netip.MustParsePrefix(s)} }
	c.Lines = []telephony.Line{{Number: "12345"}, {Number: "12315"}}
	c.Trunks = []netip.Prefix{netip.MustParsePrefix("127.0.0.0/24")}
	c.TrunkList = []telephony.Trunk{
		{Name: "telecom", From: at("127.0.0.2/32"), Lines: []string{"12345"}, DIDs: map[string]string{"01066554433": "12345"},
			Rewrite: telephony.Rewrites{
				CallerIn: []trunk.Rule{{Match: `9(\d+)`, Replace: "$1"}},
				CalledIn: []trunk.Rule{{Prefix: "66", Replace: "01066"}},
			}},
		{Name: "unicom", From: at("127.0.0.3/32"), Called: telephony.FromTo, Distrust: true},
		{Name: "mobile", From: at("127.0.0.4/32"), Called: telephony.FromCalledParty, RemoteParty: true, MaxIn: 1},
		{Name: "forwarded", From: at("127.0.0.5/32"), Called: telephony.FromDiversion},
	}
}

func TestWhoCallsAndWhichLine(t *testing.T) {
	r := newRig(t, severalTrunks)
	header := func(name, value string) sip.Header { return sip.NewHeader(name, value) }
	asserted := header("P-Asserted-Identity", `"Wang" <tel:+86-138-0013-8001>`)
	for name, test := range map[string]struct {
		source, called, from string
		headers              []sip.Header
		want                 telephony.CDR // what the trunk decides
	}{
		"simple setting": {"127.0.0.1", "12345", "+8613800138000", nil,
			telephony.CDR{Trunk: "trunks", Caller: "13800138000", Line: "12345", Called: "12345"}},
		"asserted": {"127.0.0.2", "12345", "13900139000", []sip.Header{asserted},
			telephony.CDR{Trunk: "telecom", Caller: "13800138001", CallerName: "Wang", Line: "12345", Called: "12345"}},
		"dialled in": {"127.0.0.2", "66554433", "902112345678", nil,
			telephony.CDR{Trunk: "telecom", Caller: "02112345678", Line: "12345", Called: "01066554433"}},
		"withheld but known": {"127.0.0.2", "12345", "anonymous", []sip.Header{asserted, header("Privacy", "id")},
			telephony.CDR{Trunk: "telecom", Caller: "13800138001", CallerName: "Wang", Private: true, Line: "12345", Called: "12345"}},
		"withheld": {"127.0.0.2", "12345", "anonymous", nil,
			telephony.CDR{Trunk: "telecom", Caller: telephony.Anonymous, Private: true, Line: "12345", Called: "12345"}},
		"not believed": {"127.0.0.3", "12315", "013800138000", []sip.Header{asserted},
			telephony.CDR{Trunk: "unicom", Caller: "13800138000", Line: "12315", Called: "12315"}},
		"called party": {"127.0.0.4", "hunt-group", "1", []sip.Header{header("P-Called-Party-ID", "<sip:12315@ims>"),
			header("Remote-Party-ID", "<sip:02112345678@ims>;privacy=off")},
			telephony.CDR{Trunk: "mobile", Caller: "02112345678", Line: "12315", Called: "12315"}},
		"diverted": {"127.0.0.5", "hunt-group", "13800138000", []sip.Header{header("Diversion", "<sip:88@x>;reason=unconditional"),
			header("Diversion", "<sip:12345@x>;reason=unconditional")},
			telephony.CDR{Trunk: "forwarded", Caller: "13800138000", Line: "12345", Called: "12345"}},
	} {
		t.Run(name, func(t *testing.T) {
			p := r.phone(phone.Options{Listen: test.source + ":0"})
			c, err := p.DialWith(t.Context(), test.called, phone.DialOptions{From: test.from, Headers: test.headers})
			require.NoError(t, err)
			require.NoError(t, c.WaitAnswered(r.ctx()))
			c.Hangup()
			cdr := r.endedCall()
			got := telephony.CDR{Trunk: cdr.Trunk, Caller: cdr.Caller, CallerName: cdr.CallerName, Private: cdr.Private, Line: cdr.Line, Called: cdr.Called}
			require.Equal(t, test.want, got)
			r.awaitClean()
		})
	}
}

// What a trunk does not carry is refused, and one trunk's crowd leaves the
// channels of the others alone.
func TestTrunkRefuses(t *testing.T) {
	r := newRig(t, severalTrunks)
	refused := func(source, called string, headers ...sip.Header) int {
		c, err := r.phone(phone.Options{Listen: source + ":0"}).DialWith(t.Context(), called, phone.DialOptions{Headers: headers})
		require.NoError(t, err)
		r.done(c)
		return c.Cause().Code
	}
	require.Equal(t, 404, refused("127.0.0.2", "12315"), "another trunk's line")
	require.Equal(t, 404, refused("127.0.0.1", "999"))
	require.Equal(t, 403, refused("127.0.1.1", "12345"), "no trunk")
	party := sip.NewHeader("P-Called-Party-ID", "<sip:12345@ims>")
	first, err := r.phone(phone.Options{Listen: "127.0.0.4:0"}).DialWith(t.Context(), "x", phone.DialOptions{Headers: []sip.Header{party}})
	require.NoError(t, err)
	require.NoError(t, first.WaitAnswered(r.ctx()))
	require.Equal(t, 486, refused("127.0.0.4", "x", party), "its only channel is in use")
	other := r.dial(r.phone(phone.Options{}))
	first.Hangup()
	other.Hangup()
	r.endedCall()
	r.endedCall()
	r.awaitClean()
	again, err := r.phone(phone.Options{Listen: "127.0.0.4:0"}).DialWith(t.Context(), "x", phone.DialOptions{Headers: []sip.Header{party}})
	require.NoError(t, err)
	require.NoError(t, again.WaitAnswered(r.ctx()), "the channel is free again")
	again.Hangup()
	r.endedCall()
	r.awaitClean()
}

// lateStore writes records only once it is let.
type lateStore struct {
	telephony.Store
	let <-chan struct{}
}

func (s lateStore) WriteLog(ctx context.Context, events []telephony.Event, records []telephony.CallRecord) error {
	select {
	case <-s.let:
		return s.Store.WriteLog(ctx, events, records)
	case <-ctx.Done():
		return ctx.Err()
	}
}

// A trunk's channel is free when its caller has gone, however slow the store is.
func TestTrunkChannelDoesNotWaitForTheStore(t *testing.T) {
	r := prepareRig(t, severalTrunks)
	let := make(chan struct{})
	r.wrap = func(s telephony.Store) telephony.Store { return lateStore{s, let} }
	r.start()
	party := sip.NewHeader("P-Called-Party-ID", "<sip:12345@ims>")
	for range 2 {
		c, err := r.phone(phone.Options{Listen: "127.0.0.4:0"}).DialWith(t.Context(), "x", phone.DialOptions{Headers: []sip.Header{party}})
		require.NoError(t, err)
		require.NoError(t, c.WaitAnswered(r.ctx()))
		c.Hangup()
		// The centre waits for the store for five seconds.
		require.Eventually(t, func() bool {
			return !slices.ContainsFunc(r.center.Trunks(), func(s telephony.TrunkState) bool { return s.In > 0 })
		}, 3*time.Second, time.Millisecond)
	}
	close(let)
	r.endedCall()
	r.endedCall()
	r.awaitClean()
}

// A caller who withholds the number is not shown on the seat's phone; the
// handler, who makes the ticket, is told the number that the network vouches for.
func TestPrivateCallerAtTheSeat(t *testing.T) {
	r := newRig(t)
	_, calls := r.seat("8001")
	c, err := r.phone(phone.Options{}).DialWith(t.Context(), "12345", phone.DialOptions{From: "anonymous",
		Headers: []sip.Header{sip.NewHeader("P-Asserted-Identity", "<tel:+8613800138000>"), sip.NewHeader("Privacy", "id")}})
	require.NoError(t, err)
	require.NoError(t, c.WaitAnswered(r.ctx()))
	require.NoError(t, c.SendDigits(r.ctx(), "0"))
	require.Equal(t, "anonymous", r.next(calls).Remote())
	offer := r.events.offersSeen()[0]
	require.Equal(t, "13800138000", offer.Caller)
	require.True(t, offer.Private)
	c.Hangup()
	r.endedCall()
	r.awaitClean()
}

func TestTrunksAreChecked(t *testing.T) {
	from := []netip.Prefix{netip.MustParsePrefix("127.0.0.2/32")}
	gateways := []telephony.Gateway{{Host: "192.0.2.1:5060"}}
	for want, tr := range map[string]telephony.Trunk{
		"names must be given":                             {From: from},
		`there is no line "1"`:                            {Name: "t", From: from, Lines: []string{"1"}},
		`called number "5": there is no line "1"`:         {Name: "t", From: from, DIDs: map[string]string{"5": "1"}},
		"say where its calls come from or go to":          {Name: "t"},
		"want request-uri, to, p-called-party-id":         {Name: "t", From: from, Called: "contact"},
		"want national or e164":                           {Name: "t", From: from, Present: telephony.Presentation{Form: "x"}},
		`codec "G729" is not known`:                       {Name: "t", From: from, Codecs: []string{"G729"}},
		"cannot be fewer than none":                       {Name: "t", From: from, MaxIn: -1},
		"give user and secret together":                   {Name: "t", From: from, Auth: telephony.TrunkAuth{User: "u"}},
		"called-out: trunk: rule for numbers: rule 1":     {Name: "t", From: from, Rewrite: telephony.Rewrites{CalledOut: []trunk.Rule{{}}}},
		`gateway "a:b:c:": want host:port or host`:        {Name: "t", Gateways: []telephony.Gateway{{Host: "a:b:c:"}}},
		`gateway "h:0": want host:port or host`:           {Name: "t", Gateways: []telephony.Gateway{{Host: "h:0"}}},
		`gateway "192.0.2.1:5060": names must differ`:     {Name: "t", Gateways: append(gateways, gateways...)},
		`transport "sctp": want udp, tcp or tls`:          {Name: "t", Gateways: []telephony.Gateway{{Host: "h", Transport: "sctp"}}},
		`trunk "trunks": names must be given and differ`:  {Name: "trunks", From: from},
		`trunk "gateway": names must be given and differ`: {Name: "gateway", From: from},
	} {
		cfg := telephony.Config{SpoolDir: t.TempDir(), Trunks: from, Gateway: "192.0.2.1:5060", TrunkList: []telephony.Trunk{tr}}
		_, err := telephony.New(cfg, nil, nil, nil, telephony.Options{})
		require.ErrorIs(t, err, telephony.ErrInvalid, want)
		require.ErrorContains(t, err, want)
	}
}
