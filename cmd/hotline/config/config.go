package config

import (
	"errors"
	"fmt"
	"maps"
	"net"
	"net/netip"
	"net/url"
	"os"
	"path/filepath"
	"slices"
	"strconv"
	"strings"
	"time"

	"github.com/knadh/koanf/parsers/yaml"
	"github.com/knadh/koanf/providers/env"
	"github.com/knadh/koanf/providers/file"
	"github.com/knadh/koanf/v2"
	"github.com/spf13/pflag"

	"hotline/search/assist"
	"hotline/telephony"
	"hotline/telephony/ivr"
	"hotline/telephony/vault"
	"hotline/ticketing"
	"hotline/ticketing/sealing"
	"hotline/web/sso"
)

// Role is a part of the work that a node takes on.
type Role string

// The roles of a node.
const (
	SIP    Role = "sip"
	Web    Role = "web"
	Worker Role = "worker"
)

// Config is everything that a node needs to know to start.
type Config struct {
	Data    string        // folder of the embedded engines and of the spool; absolute
	Node    string        // name among the nodes that share the call centre; empty when it is alone
	NodeURL string        // at which the others reach its API
	HTTP    string        // host:port
	TLSCert string        // PEM file; with TLSKey, HTTP speaks TLS
	TLSKey  string        // PEM file
	SIP     []string      // host:port (UDP and TCP) or a URL of udp, tcp, tls, ws or wss
	Drain   time.Duration // for calls to end by themselves when the node stops

	// When a call's sound counts as dead, and how long one may last.
	MediaTimeout, OneSideTimeout, LongestTalk, SeatTimeout, SeatReturn time.Duration
	Origins                                                            []string // pages that may open a WebSocket to SIP; all when empty
	Scanners                                                           []string // words that mark SIP scanners
	Store                                                              string   // sqlite:///…, postgres://…
	Queue                                                              string   // mem://, redis://…, rediss://…
	Search                                                             string   // fts:///…, elasticsearch+http(s)://…
	Blobs                                                              string   // file:///…
	Roles                                                              []Role
	RTPLow                                                             int // first port of the range for RTP
	RTPHigh                                                            int // last port of it
	PublicIP                                                           string
	Trunks                                                             []netip.Prefix // addresses that may send calls from the public network
	Lines                                                              []string       // numbers that are answered
	Gateway                                                            string         // host:port that outbound calls go to; empty for none
	// TrunkList are the trunks with settings of their own, from the file alone.
	TrunkList []telephony.Trunk
	// Queues are from the file alone; QueueOf is which of them takes the calls of a line, the first where a line is not in it.
	Queues       []telephony.QueueConfig
	QueueOf      map[string]string
	Flows        []ivr.Flow                  // from the file alone
	Prompts      string                      // folder of WAV files that are played in place of the shipped ones, and beside them; empty for none
	Proxies      []netip.Prefix              // whose X-Forwarded-For is believed
	Scrapers     []netip.Prefix              // that may read /metrics; loopback and private networks when empty
	OIDC         sso.Config                  // identity provider; none when its issuer is empty
	OIDCName     string                      // of it, on the button
	OIDCRoles    map[string][]ticketing.Role // of its groups
	OIDCHome     string                      // URL of the platform as browsers know it
	Assist       assist.Config               // language model; none when its URL is empty
	ClamAV       string                      // clamd of attachments; empty for none
	Webhook      string                      // URL that notifications are posted to; empty for none
	Secret       string                      // that signs them
	Realm        string                      // of SIP digests
	LogLevel     string                      // debug, info, warn, error
	NoRecord     bool                        // calls are not recorded
	RTCPort      int                         // UDP port of browsers' sound; 0 for any
	SRTP         bool                        // required of seats' phones that registered over TLS
	UserRequests int                         // of one user in ten seconds; 0: any number
	PasswordDays int                         // 0: passwords do not grow old
	SecondFactor []ticketing.Role            // whose users have to have one
	KeyFile      string                      // the installation's keys; in the data folder when not given
	Cipher       sealing.Cipher              // of what is encrypted from now on
	Anchors      string                      // folder for anchors of the ledger; in the data folder when not given
	// RecordingKeys encrypt recordings; without any they are kept as they are.
	RecordingKeys *vault.Keys
}

// setting is one row of the table that flags, variables and keys come from.
type setting struct {
	name, value, help string
	secret            bool // no flag: every user of the machine sees a command line
}

var settings = []setting{
	{name: "data", value: "data", help: "folder for the database, the index, recordings and attachments"},
	{name: "http", value: "127.0.0.1:8080", help: "address of the web server, host:port"},
	{name: "node", value: "", help: "name of this node among several that share lines, seats and queues over the Redis of --queue; it must stay the same (alone when not given)"},
	{name: "node-url", value: "", help: "URL at which the other nodes reach this node's web server (--http when not given)"},
	{name: "tls-cert", value: "", help: "PEM file with the certificate chain, of HTTP and of SIP over tls and wss; needs --tls-key; read again when it changes and on SIGHUP"},
	{name: "tls-key", value: "", help: "PEM file with the private key; needs --tls-cert"},
	{name: "sip", value: "127.0.0.1:5060", help: "where to listen for SIP: host:port (UDP and TCP), or a list of udp://, tcp://, tls://, ws:// and wss:// URLs; tls and wss need --tls-cert"},
	{name: "sip-origins", value: "", help: "web pages that may open a WebSocket to SIP, a list of https://host:port (all when not given)"},
	{name: "sip-scanners", value: strings.Join(telephony.DefaultScanners(), ","), help: "words in User-Agent or From of a SIP request that mark a scanner, which gets no answer; none for none"},
	{name: "drain", value: "20s", help: "how long calls may go on after the node was told to stop; a second signal ends them at once"},
	{name: "store", value: "", help: "database: sqlite:///path or postgres://… (sqlite in the data folder when not given)"},
	{name: "queue", value: "mem://", help: "task queue: mem://, redis://… or rediss://…"},
	{name: "search", value: "", help: "index: fts:///path or elasticsearch+http(s)://… (fts in the data folder when not given)"},
	{name: "blobs", value: "", help: "recordings and attachments: file:///path (in the data folder when not given) or s3://bucket/prefix?endpoint=host:port&region=…"},
	{name: "roles", value: "sip,web,worker", help: "what this node does"},
	{name: "rtp", value: "30000-39999", help: "UDP ports for RTP, LOW-HIGH"},
	{name: "public-ip", value: "", help: "address that phones reach this node at, when it differs from the one it listens on"},
	{name: "trunks", value: "127.0.0.0/8", help: "addresses that may send calls from the public network, a list of prefixes"},
	{name: "lines", value: "12345,12315,12388,12340", help: "numbers that are answered"},
	{name: "gateway", value: "", help: "where outbound calls go, host:port"},
	{name: "trusted-proxies", value: "", help: "proxies whose X-Forwarded-For is believed, a list of prefixes"},
	{name: "metrics-from", value: "", help: "who may read /metrics, a list of prefixes (loopback and private networks when not given)"},
	{name: "notify-webhook", value: "", help: "URL that notifications are posted to; signed with the key notify-secret"},
	{name: "notify-secret", secret: true},
	{name: "recording-key", secret: true},
	{name: "key-file", value: "", help: "file with the installation's keys, one on each line, the present one first; the same on all nodes (keys in the data folder, made at the first start, when not given)"},
	{name: "ledger-anchors", value: "", help: "folder that the ledger's head is noted in every hour; better on another disk or machine (ledger in the data folder when not given)"},
	{name: "cipher", value: "aes-256-gcm", help: "how citizens' data, sealed partitions and recordings are encrypted from now on: aes-256-gcm or sm4-gcm; what is there already stays readable"},
	{name: "assist-url", value: "", help: "OpenAI-compatible endpoint of a language model that drafts and summarises, such as http://127.0.0.1:8000/v1 (none when not given); its key, if it has one, is the key assist-key"},
	{name: "assist-model", value: "", help: "model that the endpoint has, such as qwen3-8b"},
	{name: "assist-key", secret: true},
	{name: "oidc-issuer", value: "", help: "identity provider (OpenID Connect) that people may sign in at, the URL of its issuer (none when not given)"},
	{name: "oidc-client", value: "", help: "id of this platform at the identity provider; its secret, if it has one, is the key oidc-secret"},
	{name: "oidc-secret", secret: true},
	{name: "oidc-home", value: "", help: "URL of the platform as browsers know it, such as https://12345.example.gov.cn; the provider sends them back to /api/v1/session/oidc/callback there"},
	{name: "oidc-name", value: "统一身份认证", help: "name of the identity provider, on the button"},
	{name: "oidc-scopes", value: "profile", help: "scopes to ask for beside openid"},
	{name: "oidc-groups", value: "groups", help: "claim with a person's groups"},
	{name: "oidc-roles", value: "", help: "roles of groups, a list of group=role; without it roles are granted here"},
	{name: "oidc-department", value: "", help: "claim with the code of a clerk's or head's department"},
	{name: "clamav", value: "", help: "clamd that looks through attachments, unix:///path or tcp://host:port (none when not given)"},
	{name: "user-requests", value: "3000", help: "how many requests a user may send in ten seconds; 0 for any number"},
	{name: "password-days", value: "90", help: "after how many days a password has to be changed; 0 for never"},
	{name: "second-factor", value: "", help: "roles whose users have to set up one-time codes, a list such as admin,secadmin,auditor"},
	{name: "realm", value: "hotline", help: "realm of SIP digests; changing it makes the seats' stored secrets invalid"},
	{name: "prompts", value: "", help: "folder of WAV files (8 kHz, mono) that are played in place of the shipped sentences of the same names, and of those that flows name"},
	{name: "record", value: "on", help: "recording of calls: on or off"},
	{name: "rtc-port", value: "0", help: "UDP port that the sound of all browsers (WebRTC) goes over; 0 for any free one"},
	{name: "srtp", value: "accept", help: "encrypted sound: accept where a phone offers it, or tls to call phones that registered over TLS with nothing else"},
	{name: "media-timeout", value: "45s", help: "a call ends when no sound comes from either side for so long, or from one that used to report and does no more"},
	{name: "one-side-timeout", value: "10m", help: "a call ends when no sound comes from one side for so long"},
	{name: "seat-timeout", value: "10s", help: "a seat whose phone reported regularly (RTCP) is lost when nothing comes from it for so long"},
	{name: "seat-return", value: "15s", help: "how long a citizen hears music while a seat whose phone failed is rung again"},
	{name: "longest-talk", value: "4h", help: "the longest that a conversation may last"},
	{name: "log-level", value: "info", help: "debug, info, warn or error"},
}

// Flags adds a flag for every setting.
func Flags(flags *pflag.FlagSet) {
	for _, s := range settings {
		if s.secret {
			continue
		}
		flags.String(s.name, s.value, s.help+" ["+variable(s.name)+"]")
	}
	flags.String("config", "", "YAML file with the same keys as the flags [HOTLINE_CONFIG]")
}

// isFolder tells whether there is such a folder; no name is none that could be missed.
func isFolder(name string) bool {
	if name == "" {
		return true
	}
	info, err := os.Stat(name)
	return err == nil && info.IsDir()
}

func variable(name string) string {
	return "HOTLINE_" + strings.ToUpper(strings.ReplaceAll(name, "-", "_"))
}

// Load reads file, variables and flags, in that order, and checks the outcome.
func Load(flags *pflag.FlagSet) (Config, error) {
	k := koanf.New("\x00")
	var trunks []telephony.Trunk
	var queues []telephony.QueueConfig
	var queueOf map[string]string
	var flows []ivr.Flow
	path := os.Getenv("HOTLINE_CONFIG")
	if f := flags.Lookup("config"); f != nil && f.Changed {
		path = f.Value.String()
	}
	if path != "" {
		if err := k.Load(file.Provider(path), yaml.Parser()); err != nil {
			return Config{}, fmt.Errorf("configuration file %s: %w", path, err)
		}
		if err := knownKeys(path, k.Keys()); err != nil {
			return Config{}, err
		}
		sections, err := openSections(path)
		if err != nil {
			return Config{}, err
		}
		if trunks, err = readTrunks(sections); err != nil {
			return Config{}, err
		}
		if queues, queueOf, err = readQueues(sections); err != nil {
			return Config{}, err
		}
		if flows, err = readFlows(sections); err != nil {
			return Config{}, err
		}
	}
	known := map[string]string{}
	for _, s := range settings {
		known[variable(s.name)] = s.name
	}
	if err := k.Load(env.Provider("HOTLINE_", "\x00", func(v string) string { return known[v] }), nil); err != nil {
		return Config{}, fmt.Errorf("reading HOTLINE_ variables: %w", err)
	}
	values := map[string]string{}
	for _, s := range settings {
		values[s.name] = s.value
		if k.Exists(s.name) {
			values[s.name] = joined(k.Get(s.name))
		}
		if f := flags.Lookup(s.name); f != nil && f.Changed {
			values[s.name] = f.Value.String()
		}
	}
	c, err := build(values)
	c.TrunkList, c.Queues, c.QueueOf, c.Flows = trunks, queues, queueOf, flows
	if err != nil {
		return c, err
	}
	return c, checkLines(c.Lines, queueOf)
}

func knownKeys(path string, keys []string) error {
	names := map[string]bool{trunkList: true, queueList: true, flowList: true}
	for _, s := range settings {
		names[s.name] = true
	}
	for _, key := range keys {
		if top, _, _ := strings.Cut(key, "\x00"); !names[top] {
			return fmt.Errorf("configuration file %s: unknown key %q; known are %s",
				path, top, strings.Join(slices.Sorted(maps.Keys(names)), ", "))
		}
	}
	return nil
}

// joined lets a list be written as YAML's or with commas.
func joined(v any) string {
	if list, ok := v.([]any); ok {
		words := make([]string, len(list))
		for i, w := range list {
			words[i] = fmt.Sprint(w)
		}
		return strings.Join(words, ",")
	}
	return fmt.Sprint(v)
}

// oneOf tells whether a setting of two values has the first.
func oneOf(v map[string]string, fail func(name, format string, args ...any), name, first, second string) bool {
	if v[name] != first && v[name] != second {
		fail(name, "%q is neither %s nor %s", v[name], second, first)
	}
	return v[name] == first
}

func build(v map[string]string) (Config, error) {
	c := Config{
		HTTP: v["http"], TLSCert: v["tls-cert"], TLSKey: v["tls-key"], SIP: list(v["sip"]),
		Origins: list(v["sip-origins"]), Scanners: list(v["sip-scanners"]),
		Store: v["store"], Queue: v["queue"], Search: v["search"], Blobs: v["blobs"],
		PublicIP: v["public-ip"], Lines: list(v["lines"]), Realm: v["realm"], LogLevel: v["log-level"],
		Prompts: v["prompts"], Gateway: v["gateway"], Webhook: v["notify-webhook"], Secret: v["notify-secret"], KeyFile: v["key-file"], ClamAV: v["clamav"], Anchors: v["ledger-anchors"],
	}
	var errs []error
	fail := func(name, format string, args ...any) {
		errs = append(errs, fmt.Errorf("--%s: %s", name, fmt.Sprintf(format, args...)))
	}
	var err error
	if c.Data, err = filepath.Abs(v["data"]); err != nil || v["data"] == "" {
		fail("data", "name a folder")
	}
	c.fill()
	c.among(v, fail)
	if !isFolder(c.Prompts) {
		fail("prompts", "%q is no folder that can be read", c.Prompts)
	}
	for _, r := range list(v["roles"]) {
		if !slices.Contains([]Role{SIP, Web, Worker}, Role(r)) {
			fail("roles", "unknown role %q; use sip, web and worker", r)
		}
		c.Roles = append(c.Roles, Role(r))
	}
	if len(c.Roles) == 0 {
		fail("roles", "give at least one of sip, web and worker")
	}
	if c.RTPLow, c.RTPHigh, err = portRange(v["rtp"]); err != nil {
		fail("rtp", "%v", err)
	}
	c.times(v, fail)
	if c.PublicIP != "" && net.ParseIP(c.PublicIP) == nil {
		fail("public-ip", "%q is not an IP address", c.PublicIP)
	}
	for name, into := range map[string]*[]netip.Prefix{"trunks": &c.Trunks, "trusted-proxies": &c.Proxies, "metrics-from": &c.Scrapers} {
		for _, p := range list(v[name]) {
			prefix, err := prefixOf(p)
			if err != nil {
				fail(name, "%q is not an address or prefix such as 10.1.2.0/24", p)
			}
			*into = append(*into, prefix)
		}
	}
	if c.RecordingKeys, err = vault.ParseKeys(v["recording-key"]); err != nil {
		fail("recording-key", "%v; the present key first, then old ones, as HOTLINE_RECORDING_KEY or in the file", err)
	}
	if (c.Webhook == "") != (c.Secret == "") {
		fail("notify-webhook", "give the URL and, as HOTLINE_NOTIFY_SECRET or in the file, notify-secret; or neither")
	}
	if _, _, err := net.SplitHostPort(c.HTTP); err != nil {
		fail("http", "%q is not host:port", c.HTTP)
	}
	if (c.TLSCert == "") != (c.TLSKey == "") {
		fail("tls-cert", "give --tls-cert and --tls-key together, or neither")
	}
	if len(c.Scanners) == 1 && c.Scanners[0] == "none" {
		c.Scanners = []string{}
	}
	if at := slices.IndexFunc(c.SIP, needsTLS); at >= 0 && c.TLSCert == "" && c.Has(SIP) {
		fail("sip", "%s needs a certificate: give --tls-cert and --tls-key, or listen on udp://, tcp:// and ws:// alone", c.SIP[at])
	}
	if len(c.SIP) == 0 && c.Has(SIP) {
		fail("sip", "give at least one address, or leave sip out of --roles")
	}
	c.NoRecord = oneOf(v, fail, "record", "off", "on")
	if c.Cipher, err = sealing.ParseCipher(v["cipher"]); err != nil {
		fail("cipher", "%v", err)
	}
	c.people(v, fail)
	c.outside(v, fail)
	if c.RTCPort, err = strconv.Atoi(v["rtc-port"]); err != nil || c.RTCPort < 0 || c.RTCPort > 65535 {
		fail("rtc-port", "%q is not a port", v["rtc-port"])
	}
	c.SRTP = oneOf(v, fail, "srtp", "tls", "accept")
	if !slices.Contains([]string{"debug", "info", "warn", "error"}, c.LogLevel) {
		fail("log-level", "unknown level %q; use debug, info, warn or error", c.LogLevel)
	}
	return c, errors.Join(errs...)
}

// outside reads the services that a city may have beside the platform.
func (c *Config) outside(v map[string]string, fail func(name, format string, args ...any)) {
	c.oidc(v, fail)
	c.assist(v, fail)
}

// assist reads the language model.
func (c *Config) assist(v map[string]string, fail func(name, format string, args ...any)) {
	c.Assist = assist.Config{URL: v["assist-url"], Model: v["assist-model"], Key: v["assist-key"]}
	if c.Assist.URL == "" {
		return
	}
	if _, err := assist.New(c.Assist); err != nil {
		fail("assist-url", "%s", err)
	}
}

// oidc reads the identity provider. Administrators are made here alone: who runs
// the provider must not be able to become one.
func (c *Config) oidc(v map[string]string, fail func(name, format string, args ...any)) {
	c.OIDC = sso.Config{
		Issuer: v["oidc-issuer"], Client: v["oidc-client"], Secret: v["oidc-secret"], Scopes: list(v["oidc-scopes"]), Groups: v["oidc-groups"], Department: v["oidc-department"],
		Callback: strings.TrimSuffix(v["oidc-home"], "/") + "/api/v1/session/oidc/callback",
	}
	c.OIDCName, c.OIDCHome, c.OIDCRoles = v["oidc-name"], v["oidc-home"], map[string][]ticketing.Role{}
	if c.OIDC.Issuer == "" {
		return
	}
	if c.OIDC.Client == "" {
		fail("oidc-client", "is needed with --oidc-issuer")
	}
	for name, text := range map[string]string{"oidc-issuer": c.OIDC.Issuer, "oidc-home": c.OIDCHome} {
		if u, err := url.Parse(text); err != nil || u.Host == "" || u.Scheme != "https" && u.Scheme != "http" {
			fail(name, "give a URL such as https://host")
		}
	}
	for _, pair := range list(v["oidc-roles"]) {
		group, role, ok := strings.Cut(pair, "=")
		r := ticketing.Role(role)
		switch {
		case !ok || group == "" || !slices.Contains(ticketing.GrantableRoles(), r):
			fail("oidc-roles", "%q is not group=role", pair)
		case slices.Contains(ticketing.Administrators(), r):
			fail("oidc-roles", "%s is an administrator: those are made here alone", r)
		}
		c.OIDCRoles[group] = append(c.OIDCRoles[group], r)
	}
}

func (c *Config) people(v map[string]string, fail func(name, format string, args ...any)) {
	var err error
	if c.UserRequests, err = strconv.Atoi(v["user-requests"]); err != nil || c.UserRequests < 0 {
		fail("user-requests", "%q is not a number of requests", v["user-requests"])
	}
	if c.PasswordDays, err = strconv.Atoi(v["password-days"]); err != nil || c.PasswordDays < 0 || c.PasswordDays > 3650 {
		fail("password-days", "%q is not a number of days", v["password-days"])
	}
	for _, r := range list(v["second-factor"]) {
		if !slices.Contains(ticketing.GrantableRoles(), ticketing.Role(r)) {
			fail("second-factor", "unknown role %q", r)
		}
		c.SecondFactor = append(c.SecondFactor, ticketing.Role(r))
	}
}

func (c *Config) times(v map[string]string, fail func(name, format string, args ...any)) {
	for name, of := range map[string]struct {
		into  *time.Duration
		least time.Duration
	}{
		"drain":         {&c.Drain, 0},
		"media-timeout": {&c.MediaTimeout, time.Second}, "one-side-timeout": {&c.OneSideTimeout, time.Second}, "longest-talk": {&c.LongestTalk, time.Second},
		"seat-timeout": {&c.SeatTimeout, time.Second}, "seat-return": {&c.SeatReturn, time.Second},
	} {
		var err error
		if *of.into, err = time.ParseDuration(v[name]); err != nil || *of.into < of.least {
			fail(name, "%q is not a time such as 90s or 10m, of %s at least", v[name], of.least)
		}
	}
}

// fill puts the embedded engines into the data folder where no engine is named.
func (c *Config) fill() {
	inData := func(scheme, name string) string {
		return (&url.URL{Scheme: scheme, Path: filepath.ToSlash(filepath.Join(c.Data, name))}).String()
	}
	if c.Store == "" {
		c.Store = inData("sqlite", "hotline.db")
	}
	if c.Search == "" {
		c.Search = inData("fts", "search.db")
	}
	if c.Blobs == "" {
		c.Blobs = inData("file", "blobs")
	}
	if c.KeyFile == "" {
		c.KeyFile = filepath.Join(c.Data, "keys")
	}
	if c.Anchors == "" {
		c.Anchors = filepath.Join(c.Data, "ledger")
	}
}

// needsTLS tells whether an address of SIP is one that takes a certificate.
func needsTLS(addr string) bool {
	return strings.HasPrefix(addr, "tls://") || strings.HasPrefix(addr, "wss://")
}

// Has tells whether the node takes on a role.
func (c Config) Has(r Role) bool { return slices.Contains(c.Roles, r) }

// Spool is the folder where recordings grow while calls run.
func (c Config) Spool() string { return filepath.Join(c.Data, "spool") }

func list(s string) []string {
	var words []string
	for w := range strings.FieldsFuncSeq(s, func(r rune) bool { return r == ',' || r == ' ' }) {
		words = append(words, w)
	}
	return words
}

func portRange(s string) (low, high int, err error) {
	a, b, found := strings.Cut(s, "-")
	low, errLow := strconv.Atoi(a)
	high, errHigh := strconv.Atoi(b)
	if !found || errLow != nil || errHigh != nil || low < 1024 || high > 65535 || high-low < 3 {
		return 0, 0, fmt.Errorf("%q is not a range of ports such as 30000-39999 (from 1024 to 65535, at least 4)", s)
	}
	return low, high, nil
}

func prefixOf(s string) (netip.Prefix, error) {
	if addr, err := netip.ParseAddr(s); err == nil {
		return netip.PrefixFrom(addr, addr.BitLen()), nil
	}
	return netip.ParsePrefix(s)
}
