package main

import (
	"errors"
	"fmt"
	"net"
	"net/netip"
	"slices"
	"strconv"
	"strings"
	"time"

	"github.com/spf13/cobra"

	"hotline/telephony/media"
	"hotline/telephony/phone"
)

// options of all commands; each command shows those it has.
type options struct {
	Target, Network, To, From, Digits, Codec string
	Seats, Secret                            string
	Calls, Concurrency                       int
	Rate, Abandon, Reject, MaxLoss           float64
	Duration, Talk, Ring, Wait, DigitsAfter  time.Duration
	AbandonAfter                             time.Duration
	Arrivals                                 string
	Tone, SeatTone, Expect                   float64
	Seed                                     uint64
	AllowRemote, Details, Quick              bool

	target netip.AddrPort
	local  netip.Addr
	codecs []media.Codec
	seats  []string
}

// poisson is the way of arriving of callers who know nothing of one another.
const poisson = "poisson"

func defaults() *options {
	return &options{
		Target: "127.0.0.1:5060", Network: "udp", To: "12345", Codec: "any", Arrivals: "even", Secret: "hotline-demo",
		Calls: 10, Concurrency: 50, Rate: 1, MaxLoss: 1,
		Duration: time.Minute, Talk: 10 * time.Second, Ring: time.Second, Wait: time.Minute, DigitsAfter: time.Second,
		Tone: 440, SeatTone: 1000, Seed: 1,
	}
}

func (o *options) common(cmd *cobra.Command) {
	f := cmd.Flags()
	f.StringVar(&o.Target, "target", o.Target, "SIP server, host:port")
	f.StringVar(&o.Network, "transport", o.Network, "udp, tcp or ws; over ws phones are browsers, with WebRTC")
	f.StringVar(&o.Codec, "codec", o.Codec, "pcma, pcmu or any")
	f.DurationVar(&o.Duration, "duration", o.Duration, "end of the run; calls that last are hung up (up to 24h)")
	f.Float64Var(&o.Tone, "tone", o.Tone, "frequency that callers play, in Hz; use multiples of 50")
	f.Uint64Var(&o.Seed, "seed", o.Seed, "seed of all that varies")
	f.BoolVar(&o.AllowRemote, "allow-remote", o.AllowRemote, "allow a target that is not this machine")
}

func (o *options) caller(cmd *cobra.Command) {
	f := cmd.Flags()
	f.StringVar(&o.To, "to", o.To, "number to call")
	f.StringVar(&o.From, "from", o.From, "caller's number; the next call has the next one (default: made from --seed)")
	f.StringVar(&o.Digits, "digits", o.Digits, "keys to press once the call is answered")
	f.BoolVar(&o.Quick, "quick", o.Quick, "hang up as soon as the call is answered, without a sound: measures signalling")
	f.DurationVar(&o.DigitsAfter, "digits-after", o.DigitsAfter, "how long after the answer the keys are pressed")
	f.DurationVar(&o.Talk, "talk", o.Talk, "time from the connection to hanging up; load varies it by a half (up to 24h)")
	f.DurationVar(&o.Wait, "wait", o.Wait, "patience for the answer, and then for --expect")
	f.Float64Var(&o.Expect, "expect", o.Expect, "frequency that the caller must hear to be connected, in Hz; 0: any sound (with --seats: --seat-tone)")
	f.Float64Var(&o.MaxLoss, "max-loss", o.MaxLoss, "a call with more of its packets lost has failed, in per cent")
}

func (o *options) seat(cmd *cobra.Command) {
	f := cmd.Flags()
	f.StringVar(&o.Seats, "seats", o.Seats, "accounts to register: 8001-8010 or 8001,8005")
	f.StringVar(&o.Secret, "secret", o.Secret, "secret of all seats")
	f.DurationVar(&o.Ring, "ring", o.Ring, "how long a seat rings before it answers, varied by a half")
	f.Float64Var(&o.Reject, "reject", o.Reject, "share of calls that a seat rejects (0 to 1)")
	f.Float64Var(&o.SeatTone, "seat-tone", o.SeatTone, "frequency that seats play, in Hz; use multiples of 50")
}

// check refuses what is out of bounds and works out what follows from the options.
func (o *options) check() error {
	within := func(name string, v, low, high float64) error {
		if v < low || v > high {
			return fmt.Errorf("--%s: %v is not within %v to %v", name, v, low, high)
		}
		return nil
	}
	day := (24 * time.Hour).Seconds()
	err := errors.Join(
		within("calls", float64(o.Calls), 1, 1_000_000), within("concurrency", float64(o.Concurrency), 1, 2000),
		within("rate", o.Rate, 0.001, 100_000), within("abandon", o.Abandon, 0, 1), within("reject", o.Reject, 0, 1),
		within("max-loss", o.MaxLoss, 0, 100), within("duration", o.Duration.Seconds(), 0.001, day),
		within("talk", o.Talk.Seconds(), 0, day), within("ring", o.Ring.Seconds(), 0, 600), within("wait", o.Wait.Seconds(), 0.001, day),
		within("abandon-after", o.AbandonAfter.Seconds(), 0, 3600), within("digits-after", o.DigitsAfter.Seconds(), 0, 600), within("tone", o.Tone, 100, 3500),
		within("seat-tone", o.SeatTone, 100, 3500), within("expect", o.Expect, 0, 3500),
	)
	if !slices.Contains([]string{"udp", "tcp", "ws"}, o.Network) {
		err = errors.Join(err, fmt.Errorf("--transport: %q is not udp, tcp or ws", o.Network))
	}
	switch strings.ToLower(o.Codec) {
	case "any":
	case "pcma":
		o.codecs = []media.Codec{media.PCMA}
	case "pcmu":
		o.codecs = []media.Codec{media.PCMU}
	default:
		err = errors.Join(err, fmt.Errorf("--codec: %q is none of pcma, pcmu, any", o.Codec))
	}
	if o.Arrivals != "even" && o.Arrivals != poisson {
		err = errors.Join(err, fmt.Errorf("--arrivals: %q is none of even, poisson", o.Arrivals))
	}
	if strings.Trim(o.Digits, "0123456789*#ABCDabcd") != "" || len(o.Digits) > 32 {
		err = errors.Join(err, fmt.Errorf("--digits: %q: up to 32 of 0-9 * # A-D", o.Digits))
	}
	var seatErr error
	o.seats, seatErr = parseSeats(o.Seats)
	return errors.Join(err, seatErr, o.resolve())
}

// resolve finds the target and the local address that reaches it.
func (o *options) resolve() error {
	addr, err := net.ResolveUDPAddr("udp", o.Target)
	if err != nil {
		return fmt.Errorf("--target: %w", err)
	}
	a := addr.AddrPort()
	o.target = netip.AddrPortFrom(a.Addr().Unmap(), a.Port())
	if !o.target.Addr().IsValid() || o.target.Port() == 0 {
		return fmt.Errorf("--target: %q: need host:port", o.Target)
	}
	if !o.target.Addr().IsLoopback() && !o.AllowRemote {
		return fmt.Errorf("--target: %s is not this machine; say --allow-remote if calling it is really meant", o.Target)
	}
	conn, err := net.DialUDP("udp", nil, net.UDPAddrFromAddrPort(o.target))
	if err != nil {
		return fmt.Errorf("--target: %w", err)
	}
	o.local = conn.LocalAddr().(*net.UDPAddr).AddrPort().Addr().Unmap()
	if err := conn.Close(); err != nil {
		return fmt.Errorf("--target: %w", err)
	}
	return nil
}

// parseSeats reads "8001-8010,8020"; at most 1,000 seats.
func parseSeats(list string) ([]string, error) {
	var seats []string
	for part := range strings.SplitSeq(list, ",") {
		part = strings.TrimSpace(part)
		if part == "" {
			continue
		}
		from, to, isRange := strings.Cut(part, "-")
		if !isRange {
			seats = append(seats, part)
			continue
		}
		low, err1 := strconv.ParseUint(from, 10, 31)
		high, err2 := strconv.ParseUint(to, 10, 31)
		if err1 != nil || err2 != nil || high < low || high-low >= 1000 {
			return nil, fmt.Errorf("--seats: %q: need numbers as in 8001-8010, at most 1,000", part)
		}
		for n := low; n <= high; n++ {
			seats = append(seats, fmt.Sprintf("%0*d", len(from), n))
		}
	}
	if len(seats) > 1000 {
		return nil, fmt.Errorf("--seats: %d seats, at most 1,000", len(seats))
	}
	return seats, nil
}

// ports are where the phones of a run hear.
func (o *options) ports() (*media.Ports, error) {
	return media.NewPorts(media.PortOptions{IP: o.local.String(), FullICE: o.browsers()})
}

// browsers tells that the phones are browsers.
func (o *options) browsers() bool { return o.Network == "ws" }

// phone is what the phones of a run have in common.
func (o *options) phone(ports *media.Ports) phone.Options {
	p := phone.Options{Registrar: o.target.String(), Network: o.Network, Ports: ports, Codecs: o.codecs, WebRTC: o.browsers()}
	if !o.browsers() { // a browser is called over the connection that it opened
		p.Listen = o.local.String() + ":0"
	}
	return p
}
