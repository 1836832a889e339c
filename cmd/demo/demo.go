package demo

import (
	"context"
	"errors"
	"fmt"
	"log/slog"
	"math/rand/v2"
	"net/url"
	"sync"
	"time"

	"hotline/cmd/city"
	"hotline/telephony/media"
	"hotline/telephony/phone"
	"hotline/ticketing"
)

// Options of the people. HTTPBase and SIPAddr are required.
type Options struct {
	HTTPBase string         // such as http://127.0.0.1:8080
	SIPAddr  string         // host:port of the call centre, UDP
	Password string         // of every user and seat; "" is hotline-demo
	Seed     int64          // of what they say and do; 0 takes the time
	Rate     float64        // calls a minute; 0 is 6, negative none
	Online   float64        // appeals filed online a minute; 0 is 2, negative none
	Pace     time.Duration  // how long one step of a person takes on average; 0 is 5 s
	Seats    []Seat         // nil: 8002…8005 of agent2…agent5
	City     ticketing.City // what they talk about; zero: city.Sample()
	Log      *slog.Logger   // nil discards
	Now      func() time.Time
}

// Seat is one simulated operator.
type Seat struct {
	Number string
	Login  string
}

// Demo runs the people.
type Demo struct {
	opts   Options
	log    *slog.Logger
	client *client
	script *script
	board  *board
	voices *voices

	mu  sync.Mutex
	rng *rand.Rand
	wg  sync.WaitGroup
}

// New takes the options; Run checks them.
func New(opts Options) *Demo {
	if opts.Password == "" {
		opts.Password = "hotline-demo"
	}
	if opts.Now == nil {
		opts.Now = time.Now
	}
	if opts.Seed == 0 {
		opts.Seed = opts.Now().UnixNano()
	}
	if opts.Rate == 0 {
		opts.Rate = 6
	}
	if opts.Online == 0 {
		opts.Online = 2
	}
	if opts.Pace <= 0 {
		opts.Pace = 5 * time.Second
	}
	if opts.Seats == nil {
		for n := 2; n <= 5; n++ {
			opts.Seats = append(opts.Seats, Seat{Number: fmt.Sprint(8000 + n), Login: fmt.Sprintf("agent%d", n)})
		}
	}
	if len(opts.City.Categories) == 0 {
		opts.City = city.Sample()
	}
	if opts.Log == nil {
		opts.Log = slog.New(slog.DiscardHandler)
	}
	return &Demo{
		opts: opts, log: opts.Log, client: newClient(opts.HTTPBase, opts.Password), board: newBoard(),
		rng: rand.New(rand.NewPCG(uint64(opts.Seed), 0xde30)),
	}
}

// Run lets the people work until ctx ends, and returns nil then. It returns
// earlier only when the options or the shipped voices are of no use.
func (d *Demo) Run(ctx context.Context) error {
	if _, err := url.ParseRequestURI(d.opts.HTTPBase); err != nil {
		return fmt.Errorf("demo: address of the web server: %w", err)
	}
	if d.opts.SIPAddr == "" {
		return errors.New("demo: the address of the call centre must be given")
	}
	var err error
	if d.script, err = newScript(d.opts.Seed, d.opts.City, d.opts.Now()); err != nil {
		return err
	}
	defer d.script.close()
	if d.voices, err = loadVoices(); err != nil {
		return err
	}
	ports, err := media.NewPorts(media.PortOptions{IP: "127.0.0.1", Log: d.log})
	if err != nil {
		return fmt.Errorf("demo: %w", err)
	}
	defer ports.Close()
	defer d.client.close()
	for _, s := range d.opts.Seats {
		op := &operator{d: d, seat: s, news: make(chan struct{}, 1)}
		d.spawn(func() { op.work(ctx, ports) })
	}
	d.spawn(func() { d.departments(ctx) })
	if d.opts.Rate > 0 {
		d.spawn(func() { d.callers(ctx, ports) })
	}
	if d.opts.Online > 0 {
		d.spawn(func() { d.filers(ctx) })
	}
	<-ctx.Done()
	d.wg.Wait()
	return nil
}

// spawn runs f until it returns; Run waits for it. A panic of one person must
// not end the demonstration.
func (d *Demo) spawn(f func()) {
	d.wg.Go(func() {
		defer func() {
			if v := recover(); v != nil {
				d.log.Error("a simulated person failed", "panic", fmt.Sprint(v))
			}
		}()
		f()
	})
}

// chance draws from the people's common source.
func (d *Demo) chance(p float64) bool {
	d.mu.Lock()
	defer d.mu.Unlock()
	return d.rng.Float64() < p
}

// delay is about part of the pace: from a half to one and a half.
func (d *Demo) delay(part float64) time.Duration {
	d.mu.Lock()
	defer d.mu.Unlock()
	return time.Duration(part * (.5 + d.rng.Float64()) * float64(d.opts.Pace))
}

// gap is the time to the next arrival at a rate a minute.
func (d *Demo) gap(rate float64) time.Duration {
	d.mu.Lock()
	defer d.mu.Unlock()
	return min(time.Duration(d.rng.ExpFloat64()/rate*float64(time.Minute)), 2*time.Minute)
}

// wait sleeps; false when ctx ended.
func wait(ctx context.Context, d time.Duration) bool {
	t := time.NewTimer(d)
	defer t.Stop()
	select {
	case <-t.C:
		return true
	case <-ctx.Done():
		return false
	}
}

// telephone starts a phone and tries until it stands or ctx ends.
func (d *Demo) telephone(ctx context.Context, o phone.Options) *phone.Phone {
	o.Registrar, o.Log = d.opts.SIPAddr, d.log
	for {
		p, err := phone.New(o)
		if err == nil {
			if err = p.Start(ctx); err == nil {
				return p
			}
		}
		if ctx.Err() != nil {
			return nil
		}
		d.log.Warn("a simulated phone does not start", "error", err)
		if !wait(ctx, 2*time.Second) {
			return nil
		}
	}
}

// hangUp stops a phone after ctx has ended.
func (d *Demo) hangUp(p *phone.Phone) {
	ctx, cancel := context.WithTimeout(context.Background(), 3*time.Second)
	defer cancel()
	if err := p.Stop(ctx); err != nil {
		d.log.Info("a simulated phone stopped late", "error", err)
	}
}
