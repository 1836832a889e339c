package telephony

import (
	"crypto/tls"
	"errors"
	"fmt"
	"io/fs"
	"net"
	"net/netip"
	"os"
	"path/filepath"
	"strings"
	"time"

	"hotline/telephony/invite"
	"hotline/telephony/ivr"
	"hotline/telephony/prompts"
	"hotline/telephony/vault"
)

// Line is a number that citizens call.
type Line struct {
	Number string // as dialled, such as 12345
	Name   string
	Queue  string // name of a queue
}

// Config is what a city sets. The zero value of a field means its default.
type Config struct {
	Listen          []string             // "host:port" (UDP and TCP), or a URL: udp://, tcp://, tls://, ws:// or wss://
	TLS             *tls.Config          // certificate of tls:// and wss://; GetCertificate lets it change
	DialTLS         *tls.Config          // roots for gateways over TLS; nil: the system's
	Origins         []string             // pages that may open a WebSocket, "https://host:port"; empty: all
	Scanners        []string             // words that mark scanners; nil: DefaultScanners
	Edge            invite.Limits        // of what comes from the network; zero fields take the defaults
	PublicIP        string               // put into SDP and Contact; empty: the listening address
	RTPLow, RTPHigh int                  // UDP ports for sound; 0 is 30000–39999
	Trunks          []netip.Prefix       // addresses that may bring calls from outside
	Gateway         string               // "host:port" that outbound calls go to; empty: no outbound calls
	Realm           string               // of the digest; empty is "hotline"
	SpoolDir        string               // recordings while calls run; must be given
	RingTimeout     time.Duration        // 0 is 15 s
	Lines           []Line               // empty: 12345
	Queues          []QueueConfig        // empty: "default"
	Flows           []ivr.Flow           // what callers of their lines are led through; other lines have ivr.Default
	Zone            *time.Location       // of the flows' hours; nil: the process's own
	Workday         func(time.Time) bool // calendar of the flows' hours; nil: Monday to Friday
	Prompts         fs.FS                // WAV files; nil: the ones shipped
	RTCPort         int                  // UDP port that all browsers' sound goes over; 0: any free one
	SecureSeats     bool                 // seats' phones that registered over TLS are called with SRTP alone
	MaxCalls        int                  // that go on at once; 0 is 1,000. Twice as many there may be with those whose records wait for the store
	MinExpires      time.Duration        // of a registration; 0 is 60 s
	MaxExpires      time.Duration        // 0 is 1 h
	T1              time.Duration        // RFC 3261 timer; 0 is 500 ms, one value per process
	MediaTimeout    time.Duration        // nothing from both sides, or from one that used to report; 0 is 45 s
	OneSideTimeout  time.Duration        // nothing from one side; 0 is 10 min
	LongestTalk     time.Duration        // of a conversation; 0 is 4 h
	SeatTimeout     time.Duration        // nothing from a seat that reports at least every 7.5 s; 0 is 10 s
	SeatReturn      time.Duration        // that a citizen waits for the seat whose phone failed; 0 is 15 s
	RecordingKeys   *vault.Keys          // that recordings are encrypted with; nil: they are not
	NoRecording     bool                 // tests and lines without recording
	Session         invite.SessionTimer  // session timers (RFC 4028); zero is 30 min, refreshed at half of it

	// TrunkList are trunks with settings of their own, beside the one that
	// Trunks makes and the one that Gateway makes.
	TrunkList []Trunk
}

// DefaultQueue is the name of the queue that exists when none is configured.
const DefaultQueue = "default"

func (c Config) withDefaults() Config {
	def := func(d *time.Duration, v time.Duration) {
		if *d == 0 {
			*d = v
		}
	}
	if c.RTPLow == 0 && c.RTPHigh == 0 {
		c.RTPLow, c.RTPHigh = 30000, 39999
	}
	if c.Realm == "" {
		c.Realm = "hotline"
	}
	if len(c.Listen) == 0 {
		c.Listen = []string{"127.0.0.1:5060"}
	}
	if c.Zone == nil {
		c.Zone = time.Local
	}
	if c.Prompts == nil {
		c.Prompts = prompts.FS()
	}
	if c.Workday == nil {
		c.Workday = ivr.Weekday
	}
	def(&c.RingTimeout, 15*time.Second)
	def(&c.MinExpires, time.Minute)
	def(&c.MediaTimeout, 45*time.Second)
	def(&c.OneSideTimeout, 10*time.Minute)
	def(&c.LongestTalk, 4*time.Hour)
	def(&c.SeatTimeout, 10*time.Second)
	def(&c.SeatReturn, 15*time.Second)
	def(&c.MaxExpires, time.Hour)
	if c.MaxCalls == 0 {
		c.MaxCalls = 1000
	}
	if len(c.Queues) == 0 {
		c.Queues = []QueueConfig{{Name: DefaultQueue}}
	}
	queues := make([]QueueConfig, len(c.Queues))
	for i, q := range c.Queues {
		queues[i] = q.withDefaults()
	}
	c.Queues = queues
	if len(c.Lines) == 0 {
		c.Lines = []Line{{Number: "12345", Name: "12345", Queue: c.Queues[0].Name}}
	}
	lines := make([]Line, len(c.Lines))
	for i, l := range c.Lines {
		if l.Queue == "" {
			l.Queue = c.Queues[0].Name
		}
		lines[i] = l
	}
	c.Lines = lines
	return c
}

// validate reports what is wrong with a configuration that has its defaults,
// in words that say what to do.
func (c Config) validate() error {
	var errs []error
	bad := func(format string, args ...any) {
		errs = append(errs, fmt.Errorf("%w: "+format, append([]any{ErrInvalid}, args...)...))
	}
	if c.SpoolDir == "" {
		bad("a spool directory for recordings must be given")
	}
	if c.RTPLow < 1024 || c.RTPHigh > 65535 || c.RTPHigh-c.RTPLow < 3 {
		bad("RTP ports %d-%d: give a range of at least four ports between 1024 and 65535", c.RTPLow, c.RTPHigh)
	}
	if c.RTCPort != 0 && (c.RTCPort < 1024 || c.RTCPort > 65535 || c.RTCPort >= c.RTPLow && c.RTCPort <= c.RTPHigh) {
		bad("WebRTC port %d: give one between 1024 and 65535 that is not one of %d-%d", c.RTCPort, c.RTPLow, c.RTPHigh)
	}
	if c.PublicIP != "" {
		if _, err := netip.ParseAddr(c.PublicIP); err != nil {
			bad("public IP %q is not an address", c.PublicIP)
		}
	}
	queues, err := validQueues(c.Queues)
	errs = append(errs, err)
	numbers := map[string]bool{}
	for _, l := range c.Lines {
		if l.Number == "" || numbers[l.Number] {
			bad("line %q: numbers must be given and differ", l.Number)
		}
		numbers[l.Number] = true
		if !queues[l.Queue] {
			bad("line %q: there is no queue %q", l.Number, l.Queue)
		}
	}
	errs = append(errs, validFlows(c.Flows, queues, numbers), validSealed(c.Queues, c.Lines, c.Flows))
	if err := c.validateTrunks(); err != nil {
		errs = append(errs, err)
	}
	for _, l := range c.Listen {
		addrs, err := parseListen(l)
		if err != nil {
			errs = append(errs, err)
			continue
		}
		if n := addrs[0].network; (n == "tls" || n == "wss") && c.TLS == nil {
			bad("SIP address %q needs a certificate", l)
		}
	}
	return errors.Join(errs...)
}

// prepareSpool makes the spool directory and proves that it can be written.
func prepareSpool(dir string) error {
	if err := os.MkdirAll(dir, 0o750); err != nil {
		return fmt.Errorf("recordings cannot be spooled under %s: %w; give a folder that can be written", dir, err)
	}
	probe := filepath.Join(dir, ".probe")
	if err := os.WriteFile(probe, []byte("probe"), 0o600); err != nil {
		return fmt.Errorf("recordings cannot be spooled under %s: %w; give a folder that can be written", dir, err)
	}
	return os.Remove(probe)
}

// listenAddr is one transport to listen on.
type listenAddr struct{ network, addr string }

// parseListen reads one entry of Config.Listen.
func parseListen(s string) ([]listenAddr, error) {
	scheme, addr, ok := strings.Cut(s, "://")
	if !ok {
		scheme, addr = "", s
	}
	host, port, err := net.SplitHostPort(addr)
	switch {
	case err == nil && host == "":
		addr = net.JoinHostPort("0.0.0.0", port)
	case err == nil && host == "localhost":
		addr = net.JoinHostPort("127.0.0.1", port)
	}
	if _, err := netip.ParseAddrPort(addr); err != nil {
		return nil, fmt.Errorf("%w: SIP address %q: want IP:port, or a URL such as udp://IP:port, tcp://, tls://, ws:// or wss://", ErrInvalid, s)
	}
	switch scheme {
	case "":
		return []listenAddr{{"udp", addr}, {"tcp", addr}}, nil
	case "udp", "tcp", "tls", "ws", "wss":
		return []listenAddr{{scheme, addr}}, nil
	default:
		return nil, fmt.Errorf("%w: SIP address %q: scheme %q is not supported, use udp, tcp, tls, ws or wss", ErrInvalid, s, scheme)
	}
}
