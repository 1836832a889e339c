package telephony

import (
	"errors"
	"fmt"
	"log/slog"
	"net"
	"net/netip"
	"slices"
	"strconv"
	"strings"
	"time"

	"hotline/telephony/media"
	"hotline/telephony/trunk"
)

// Trunk is a way to and from the public network. The zero value of a field
// means its default.
type Trunk struct {
	Name  string         // unique; in records, figures and logs
	Lines []string       // numbers of lines that it carries; empty: all
	From  []netip.Prefix // addresses that its calls come from

	Gateways []Gateway // where its calls go; empty: to its registrar, or it only takes calls
	MaxIn    int       // calls at once from it; 0: no bound of its own
	MaxOut   int       // calls at once to it; 0: no bound of its own
	Codecs   []string  // in the order of preference; empty: PCMA, PCMU

	Called CalledFrom        // where the called number stands; "" is the Request-URI
	DIDs   map[string]string // called number, after rewriting → number of a line

	// Distrust makes P-Asserted-Identity count for nothing (RFC 3325 section 5).
	Distrust bool
	// RemoteParty believes Remote-Party-ID where there is no P-Asserted-Identity.
	RemoteParty bool

	// SRTP lets calls to it have encrypted sound only, with keys in the SDP;
	// its gateways must be called over TLS. What it offers is always taken.
	SRTP bool
	// Redirects follows a gateway's 3xx, five times at most, to an address that
	// is one of the trunk's own; any other ends the attempt.
	Redirects bool

	Rewrite Rewrites
	Present Presentation
	Auth    TrunkAuth // answers digest challenges of gateways and registrar

	Register Registration

	Ping Ping
	// Patience is how long an INVITE may stay without any response before the
	// next gateway is tried; 0 is 1.5 s.
	Patience time.Duration
}

// Rewrites change numbers: on the way in before they are brought into the
// national form, on the way out after they were brought into the form that
// Presentation.Form asks for.
type Rewrites struct {
	CalledIn, CallerIn, CalledOut, CallerOut []trunk.Rule
}

// CalledFrom says where an INVITE from a trunk has the number that was called.
type CalledFrom string

// The places of the called number.
const (
	FromRequestURI  CalledFrom = "request-uri"
	FromTo          CalledFrom = "to"
	FromCalledParty CalledFrom = "p-called-party-id" // RFC 7315 section 4.2
	FromDiversion   CalledFrom = "diversion"         // RFC 5806
)

// Presentation is how outbound calls are shown.
type Presentation struct {
	Number   string     // shown in place of the line's
	Name     string     // display name
	Form     NumberForm // of numbers on the way out; "" is National
	Domain   string     // host in From and P-Asserted-Identity; "" is that of Register, else the centre's own address
	Asserted bool       // sends P-Asserted-Identity
	Withhold bool       // From is anonymous, Privacy: id; the number is in P-Asserted-Identity
}

// NumberForm is a form of numbers.
type NumberForm string

// The forms of numbers.
const (
	NationalForm NumberForm = "national"
	E164Form     NumberForm = "e164"
)

// Gateway is one place that a trunk's calls go to.
type Gateway struct {
	Name      string // unique in the trunk; "" is Host
	Host      string // "host:port"; without port, 5060, or what DNS SRV says
	Transport string // "udp" ("" too), "tcp" or "tls"
	Priority  int    // lower is tried first
	Weight    int    // share among those of one priority; 0 is 1
	Domain    string // host of the addresses that are called there; "" is Host's
}

// TrunkAuth is an account at the trunk's operator.
type TrunkAuth struct {
	User   string
	Secret Secret
}

// Secret is a password. It prints as stars.
type Secret string

// String implements fmt.Stringer.
func (s Secret) String() string {
	if s == "" {
		return ""
	}
	return "***"
}

// GoString implements fmt.GoStringer.
func (s Secret) GoString() string { return s.String() }

// MarshalText implements encoding.TextMarshaler.
func (s Secret) MarshalText() ([]byte, error) { return []byte(s.String()), nil }

// LogValue implements slog.LogValuer.
func (s Secret) LogValue() slog.Value { return slog.StringValue(s.String()) }

// Names of the trunks that Config.Trunks and Config.Gateway make.
const (
	simpleTrunk   = "trunks"
	simpleGateway = "gateway"
)

// trunkList are all trunks of a configuration: those that it lists, and one
// each for the simple settings.
func (c Config) trunkList() []Trunk {
	all := slices.Clone(c.TrunkList)
	if len(c.Trunks) > 0 {
		all = append(all, Trunk{Name: simpleTrunk, From: c.Trunks})
	}
	if c.Gateway != "" {
		all = append(all, Trunk{Name: simpleGateway, Gateways: []Gateway{{Host: c.Gateway}}})
	}
	for i := range all {
		all[i] = all[i].withDefaults()
	}
	return all
}

func (t Trunk) withDefaults() Trunk {
	if t.Called == "" {
		t.Called = FromRequestURI
	}
	if t.Present.Form == "" {
		t.Present.Form = NationalForm
	}
	if t.Patience <= 0 {
		t.Patience = 1500 * time.Millisecond
	}
	t.Ping = t.Ping.withDefaults()
	t.Gateways = slices.Clone(t.Gateways)
	if t.Register = t.Register.withDefaults(); t.Register.Registrar != "" {
		if t.Present.Domain == "" {
			t.Present.Domain = t.Register.Domain
		}
		if len(t.Gateways) == 0 {
			t.Gateways = []Gateway{{Name: "registrar", Host: t.Register.nextHop(), Transport: t.Register.Transport, Domain: t.Register.Domain}}
		}
	}
	for i := range t.Gateways {
		g := &t.Gateways[i]
		if g.Name == "" {
			g.Name = g.Host
		}
		if g.Transport == "" {
			g.Transport = "udp"
		}
		g.Weight = max(g.Weight, 1)
	}
	return t
}

const (
	maxTrunks   = 200
	maxGateways = 32 // of one trunk
)

// validateTrunks reports what is wrong with the trunks.
func (c Config) validateTrunks() error {
	all := c.trunkList()
	lines := map[string]bool{}
	for _, l := range c.Lines {
		lines[l.Number] = true
	}
	var errs []error
	if len(all) > maxTrunks {
		errs = append(errs, fmt.Errorf("%w: %d trunks, at most %d are taken", ErrInvalid, len(all), maxTrunks))
	}
	names := map[string]bool{}
	for _, t := range all {
		if t.Name == "" || names[t.Name] {
			errs = append(errs, fmt.Errorf("%w: trunk %q: names must be given and differ", ErrInvalid, t.Name))
		}
		names[t.Name] = true
		for _, problem := range t.problems(lines) {
			errs = append(errs, fmt.Errorf("%w: trunk %q: %w", ErrInvalid, t.Name, problem))
		}
	}
	return errors.Join(errs...)
}

func (t Trunk) problems(lines map[string]bool) []error {
	var errs []error
	bad := func(format string, args ...any) { errs = append(errs, fmt.Errorf(format, args...)) }
	for _, l := range t.Lines {
		if !lines[l] {
			bad("there is no line %q", l)
		}
	}
	for did, l := range t.DIDs {
		if !lines[l] {
			bad("called number %q: there is no line %q", did, l)
		}
	}
	if len(t.From) == 0 && len(t.Gateways) == 0 {
		bad("say where its calls come from or go to")
	}
	switch t.Called {
	case FromRequestURI, FromTo, FromCalledParty, FromDiversion:
	default:
		bad("called number from %q: want request-uri, to, p-called-party-id or diversion", string(t.Called))
	}
	if t.Present.Form != NationalForm && t.Present.Form != E164Form {
		bad("form of numbers %q: want national or e164", string(t.Present.Form))
	}
	if _, err := codecs(t.Codecs); err != nil {
		errs = append(errs, err)
	}
	if strings.ContainsAny(t.Present.Name, "\"\\<>\r\n") || strings.ContainsAny(t.Present.Domain, " \"<>@;?\r\n") {
		bad("name and domain shown: no quotes, brackets, backslashes or line ends")
	}
	if t.MaxIn < 0 || t.MaxOut < 0 {
		bad("channels cannot be fewer than none")
	}
	if (t.Auth.User == "") != (t.Auth.Secret == "") {
		bad("give user and secret together, or neither")
	}
	if _, err := compileRewrites(t.Rewrite); err != nil {
		errs = append(errs, err)
	}
	return append(append(errs, t.Register.problems(t.Auth)...), t.gatewayProblems()...)
}

func (t Trunk) gatewayProblems() []error {
	var errs []error
	if len(t.Gateways) > maxGateways {
		errs = append(errs, fmt.Errorf("%d gateways, at most %d are taken", len(t.Gateways), maxGateways))
	}
	names := map[string]bool{}
	for _, g := range t.Gateways {
		if t.SRTP && g.Transport != "tls" {
			errs = append(errs, fmt.Errorf("gateway %q: srtp sends keys in the SDP, which takes transport tls", g.Host))
		}
		if host, _, err := splitGateway(g.Host); err != nil || host == "" {
			errs = append(errs, fmt.Errorf("gateway %q: want host:port or host", g.Host))
		}
		if names[g.Name] {
			errs = append(errs, fmt.Errorf("gateway %q: names must differ", g.Name))
		}
		names[g.Name] = true
		if !slices.Contains([]string{"udp", "tcp", "tls"}, g.Transport) {
			errs = append(errs, fmt.Errorf("gateway %q: transport %q: want udp, tcp or tls", g.Name, g.Transport))
		}
	}
	return errs
}

// splitGateway reads "host:port" or "host"; the port is 0 when it is not given.
func splitGateway(hostport string) (string, int, error) {
	if _, err := netip.ParseAddr(hostport); err == nil || !strings.Contains(hostport, ":") {
		return hostport, 0, nil
	}
	host, p, err := net.SplitHostPort(hostport)
	if err != nil {
		return "", 0, err
	}
	port, err := strconv.ParseUint(p, 10, 16)
	if err != nil || port == 0 {
		return "", 0, fmt.Errorf("port %q is no number from 1 to 65535", p)
	}
	return host, int(port), nil
}

// codecs reads their names.
func codecs(names []string) ([]media.Codec, error) {
	var all []media.Codec
	for _, n := range names {
		i := slices.IndexFunc([]media.Codec{media.PCMA, media.PCMU}, func(c media.Codec) bool { return strings.EqualFold(c.String(), n) })
		if i < 0 {
			return nil, fmt.Errorf("codec %q is not known: want PCMA or PCMU", n)
		}
		all = append(all, []media.Codec{media.PCMA, media.PCMU}[i])
	}
	return all, nil
}

// rewriters are the compiled rules of a trunk.
type rewriters struct{ calledIn, callerIn, calledOut, callerOut trunk.Rewriter }

func compileRewrites(r Rewrites) (rewriters, error) {
	var w rewriters
	for _, one := range []struct {
		what  string
		rules []trunk.Rule
		into  *trunk.Rewriter
	}{
		{"called-in", r.CalledIn, &w.calledIn}, {"caller-in", r.CallerIn, &w.callerIn},
		{"called-out", r.CalledOut, &w.calledOut}, {"caller-out", r.CallerOut, &w.callerOut},
	} {
		var err error
		if *one.into, err = trunk.Compile(one.rules); err != nil {
			return w, fmt.Errorf("%s: %w", one.what, err)
		}
	}
	return w, nil
}
