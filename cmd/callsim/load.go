package main

import (
	"cmp"
	"context"
	"errors"
	"fmt"
	"math/rand/v2"
	"strconv"
	"sync"
	"time"

	"hotline/telephony/media"
	"hotline/telephony/phone"
)

// endTime bounds how long a call may take to end after it was hung up: the BYE's transaction (RFC 3261 §17.1.2.2, 32 s).
const endTime = 40 * time.Second

// steady is a second of a tone that loops without a click for whole frequencies; it costs less than a sine for each packet.
func steady(frequency float64) media.Source {
	clip := make(media.Clip, media.SampleRate)
	media.Tone(frequency, -10, 0).Fill(clip, 0)
	return clip
}

// plan is all that is random about one call, drawn before it begins so that a seed gives the same calls again.
type plan struct {
	from    string
	talk    time.Duration
	abandon time.Duration // 0: stays
}

// vary gives d times 0.5 to 1.5.
func vary(r *rand.Rand, d time.Duration) time.Duration {
	return time.Duration(float64(d) * (0.5 + r.Float64()))
}

func (o *options) plan(r *rand.Rand, i int) plan {
	p := plan{talk: o.Talk}
	if o.Calls > 1 {
		p.talk = vary(r, o.Talk)
	}
	if r.Float64() < o.Abandon {
		p.abandon = max(vary(r, cmp.Or(o.AbandonAfter, o.Ring)), time.Millisecond)
	}
	// 142 is given to no operator's telephones: the numbers reach nobody.
	p.from = fmt.Sprintf("142%08d", r.IntN(100_000_000))
	if o.From == "" {
		return p
	}
	p.from = o.From
	if n, err := strconv.ParseUint(o.From, 10, 63); err == nil {
		p.from = fmt.Sprintf("%0*d", len(o.From), n+uint64(i))
	}
	return p
}

// runLoad makes calls; with seats it runs them too.
func runLoad(ctx context.Context, o *options) (*Summary, error) {
	ports, err := o.ports()
	if err != nil {
		return nil, err
	}
	defer ports.Close()
	var group *seatGroup
	if len(o.seats) > 0 {
		if o.Expect == 0 {
			o.Expect = o.SeatTone
		}
		hears := func(ctx context.Context, call *phone.Call) error { return call.WaitTone(ctx, o.Tone) }
		if group, err = startSeats(ctx, o, ports, 0, hears); err != nil {
			return nil, err
		}
	}
	tally := &callTally{details: o.Details}
	err = makeCalls(ctx, o, ports, tally)
	var seats *SeatCounts
	if group != nil {
		// The seats hear the end of the calls before they are stopped.
		group.idle(endTime)
		seats = group.stop()
	}
	if err != nil {
		return nil, err
	}
	s := tally.summary()
	if seats != nil {
		s.Seats, s.Audio.SeatHeard = seats, seats.Heard
		s.OK = s.OK && len(seats.Failures) == 0
	}
	return s, nil
}

func makeCalls(ctx context.Context, o *options, ports *media.Ports, tally *callTally) error {
	common := o.phone(ports)
	common.User = "callsim"
	caller, err := phone.New(common)
	if err != nil {
		return err
	}
	if err := caller.Start(ctx); err != nil {
		return err
	}
	// The run's end hangs up; each call then ends by itself.
	run, stop := context.WithTimeout(ctx, o.Duration)
	defer stop()
	random := rand.New(rand.NewPCG(o.Seed, 12345))
	tone := steady(o.Tone)
	slots := make(chan struct{}, o.Concurrency)
	var calls sync.WaitGroup
	next := time.Now()
	for i := range o.Calls {
		p := o.plan(random, i)
		due := time.NewTimer(time.Until(next))
		next = next.Add(o.gap(random))
		select {
		case <-due.C:
		case <-run.Done():
			due.Stop()
		}
		select {
		case slots <- struct{}{}:
		case <-run.Done():
		}
		if run.Err() != nil {
			break
		}
		calls.Add(1)
		tally.begin()
		go func() {
			defer calls.Done()
			defer func() { <-slots }()
			detail, stats := makeCall(run, o, caller, p, tone)
			tally.end(detail, stats)
		}()
	}
	calls.Wait()
	stopping, cancel := context.WithTimeout(context.WithoutCancel(ctx), endTime)
	defer cancel()
	return caller.Stop(stopping)
}

// makeCall is one caller: dial, press keys, wait for the connection, talk, hang up.
func makeCall(run context.Context, o *options, caller *phone.Phone, p plan, tone media.Source) (CallDetail, phone.Stats) {
	d := CallDetail{From: p.from}
	start := time.Now()
	// Calls end by Hangup and not with run, so that their BYE is part of the measurement.
	call, err := caller.DialWith(context.WithoutCancel(run), o.To, phone.DialOptions{From: p.from, RingTimeout: o.Wait})
	if err != nil {
		d.Failure = err.Error()
		return d, phone.Stats{}
	}
	d.CallID = call.CallID()
	ctx := run
	if p.abandon > 0 {
		limited, cancel := context.WithTimeout(run, p.abandon)
		defer cancel()
		ctx = limited
	}
	err = converse(ctx, run, o, call, p.talk, tone, func() { d.Connect = millis(time.Since(start)) })
	call.Hangup()
	select {
	case <-call.Done():
	case <-time.After(endTime):
		err = errors.Join(err, errors.New("the call did not end after it was hung up"))
	}
	stats := call.Stats()
	d.measure(call, stats)
	switch {
	case p.abandon > 0 && d.Connect == 0 && errors.Is(err, context.DeadlineExceeded) && run.Err() == nil:
		d.Abandoned = true
	case run.Err() != nil && (err == nil || errors.Is(err, run.Err())) && d.Connect > 0:
		// The end of the run cut a good call short.
	case err != nil:
		d.Failure = failure(call, err)
	case stats.Media.Expected > 0 && 100*float64(stats.Media.Lost)/float64(stats.Media.Expected) > o.MaxLoss:
		d.Failure = "packets lost"
	}
	return d, stats
}

// gap is the time to the next call.
func (o *options) gap(r *rand.Rand) time.Duration {
	mean := float64(time.Second) / o.Rate
	if o.Arrivals == poisson {
		return time.Duration(mean * r.ExpFloat64())
	}
	return time.Duration(mean)
}

// converse returns nil after the talk, also when the other side hung up during it. ctx bounds the wait for the connection, run the talk.
func converse(ctx, run context.Context, o *options, call *phone.Call, talk time.Duration, tone media.Source, connected func()) error {
	if err := call.WaitAnswered(ctx); err != nil {
		return err
	}
	if o.Quick {
		connected()
		return nil
	}
	call.Play(tone, true)
	if o.Digits != "" {
		if err := pause(ctx, call, o.DigitsAfter); err != nil {
			return err
		}
		if err := call.SendDigits(ctx, o.Digits); err != nil {
			return err
		}
	}
	waiting, cancel := context.WithTimeoutCause(ctx, o.Wait, errPatience)
	defer cancel()
	var err error
	if o.Expect > 0 {
		err = call.WaitTone(waiting, o.Expect)
	} else {
		err = call.WaitSound(waiting)
	}
	if err != nil {
		if errors.Is(context.Cause(waiting), errPatience) {
			return errPatience
		}
		return err
	}
	connected()
	if err := pause(run, call, talk); err != nil && !errors.Is(err, phone.ErrEnded) {
		return err
	}
	return nil
}

// errPatience: nothing was heard within --wait.
var errPatience = errors.New("not connected in time")

func pause(ctx context.Context, call *phone.Call, d time.Duration) error {
	timer := time.NewTimer(d)
	defer timer.Stop()
	select {
	case <-timer.C:
		return nil
	case <-call.Done():
		return phone.ErrEnded
	case <-ctx.Done():
		return ctx.Err()
	}
}

func (d *CallDetail) measure(call *phone.Call, s phone.Stats) {
	cause := call.Cause()
	d.Code, d.EndedBy = cause.Code, cause.By.String()
	d.Setup, d.Answer, d.Talk = millis(s.Setup), millis(s.Answer), millis(s.Talk)
	d.Sent, d.Received, d.Lost, d.Jitter = s.Media.Sent, s.Media.Received, s.Media.Lost, millis(s.Media.Jitter)
	d.Heard = s.Sound > 0
}

// failure names what went wrong, in words that can be counted.
func failure(call *phone.Call, err error) string {
	if errors.Is(err, phone.ErrEnded) {
		if cause := call.Cause(); cause.Code >= 300 {
			return fmt.Sprintf("%d %s", cause.Code, cause.Reason)
		}
		return "ended before it was connected"
	}
	if errors.Is(err, context.Canceled) || errors.Is(err, context.DeadlineExceeded) {
		return "the run ended before it was connected"
	}
	return err.Error()
}
