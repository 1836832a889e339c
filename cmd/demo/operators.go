package demo

import (
	"context"
	"errors"
	"net/http"
	"sync"
	"time"

	"hotline/cmd/city"
	"hotline/telephony/media"
	"hotline/telephony/phone"
	"hotline/ticketing"
)

// operator is one simulated person at a seat.
type operator struct {
	d    *Demo
	seat Seat
	news chan struct{} // an offer has come

	mu      sync.Mutex
	draft   string // of the newest offer
	offered time.Time
}

// agentState is a seat as the API shows it.
type agentState struct {
	Seat       string `json:"seat"`
	Status     string `json:"status"`
	State      string `json:"state"`
	Registered bool   `json:"registered"`
}

// work registers the phone, listens for offers and answers calls.
func (o *operator) work(ctx context.Context, ports *media.Ports) {
	d := o.d
	p := d.telephone(ctx, phone.Options{
		User: o.seat.Number, Name: o.seat.Login, Secret: d.opts.Password, Ports: ports,
		OnCall: func(call *phone.Call) { o.answer(ctx, call) },
	})
	if p == nil {
		return
	}
	defer d.hangUp(p)
	for {
		if err := p.Register(ctx, 10*time.Minute); err == nil {
			break
		} else if ctx.Err() == nil {
			d.log.Warn("a simulated seat cannot register", "seat", o.seat.Number, "error", err)
		}
		if !wait(ctx, 2*time.Second) {
			return
		}
	}
	d.spawn(func() {
		for ctx.Err() == nil {
			if err := d.client.listen(ctx, o.seat.Login, o.hear); err != nil && ctx.Err() == nil {
				d.log.Info("a simulated operator lost the live events", "seat", o.seat.Number, "error", err)
			}
			wait(ctx, time.Second)
		}
	})
	for {
		if err := o.sit(ctx); err != nil && ctx.Err() == nil {
			d.log.Warn("a simulated operator cannot take a seat", "seat", o.seat.Number, "error", err)
		}
		if !wait(ctx, 15*time.Second) {
			o.rise(p)
			return
		}
	}
}

// sit makes the seat ready unless it is.
func (o *operator) sit(ctx context.Context) error {
	var page struct {
		Items []agentState `json:"items"`
	}
	if err := o.d.client.do(ctx, o.seat.Login, http.MethodGet, "/api/v1/agents", nil, &page); err != nil {
		return err
	}
	for _, a := range page.Items {
		if a.Seat == o.seat.Number && a.Status == "ready" {
			return nil
		}
	}
	return o.d.client.do(ctx, o.seat.Login, http.MethodPut, "/api/v1/agents/me/status", map[string]string{"status": "ready", "seat": o.seat.Number}, nil)
}

// rise says that the operator is gone and takes the phone off the server's
// list, so that no call is on its way to it when it stops. The server may be
// going too.
func (o *operator) rise(p *phone.Phone) {
	ctx, cancel := context.WithTimeout(context.Background(), 2*time.Second)
	defer cancel()
	if err := p.Unregister(ctx); err != nil {
		o.d.log.Debug("a simulated seat's phone left without a word", "seat", o.seat.Number, "error", err)
	}
	err := o.d.client.do(ctx, o.seat.Login, http.MethodPut, "/api/v1/agents/me/status", map[string]string{"status": "offline", "seat": o.seat.Number}, nil)
	if err != nil {
		o.d.log.Debug("a simulated operator left without a word", "seat", o.seat.Number, "error", err)
	}
}

func (o *operator) hear(e event) {
	if e.Type != ticketing.LiveCallOffered {
		return
	}
	o.mu.Lock()
	o.draft, o.offered = e.ID, time.Now()
	o.mu.Unlock()
	select {
	case o.news <- struct{}{}:
	default:
	}
}

// offer is the draft of the call that began to ring at since; it may arrive a
// little before or after the ringing.
func (o *operator) offer(ctx context.Context, since time.Time) string {
	deadline := time.NewTimer(5 * time.Second)
	defer deadline.Stop()
	for {
		o.mu.Lock()
		draft, at := o.draft, o.offered
		o.mu.Unlock()
		if draft != "" && at.After(since.Add(-3*time.Second)) {
			return draft
		}
		select {
		case <-o.news:
		case <-deadline.C:
			return ""
		case <-ctx.Done():
			return ""
		}
	}
}

// answer takes one call and writes its ticket.
func (o *operator) answer(ctx context.Context, call *phone.Call) {
	d, since := o.d, time.Now()
	if !hold(ctx, call, d.delay(.2)) {
		return
	}
	if err := call.Answer(); err != nil {
		d.log.Info("a simulated operator could not answer", "seat", o.seat.Number, "error", err)
		return
	}
	defer func() {
		call.Hangup()
		<-call.Done()
	}()
	v := d.board.meet(call.Remote())
	for _, clip := range d.voices.pick("operator-greeting") {
		say(ctx, call, clip, nil)
	}
	draft := o.offer(ctx, since)
	if draft == "" {
		d.log.Warn("a simulated operator got a call without its draft", "seat", o.seat.Number)
		if v != nil {
			v.goodbye()
		}
		return
	}
	if v == nil {
		o.stranger(ctx, call, draft)
		return
	}
	d.script.remember(draft, v.c)
	err := o.write(ctx, call, draft, v.c)
	if err != nil && ctx.Err() == nil {
		d.log.Warn("a simulated operator could not write the ticket", "seat", o.seat.Number, "error", err)
	}
	closing := "operator-closing"
	if v.c.Direct {
		closing = "operator-answer"
	}
	for _, clip := range d.voices.pick(closing) {
		say(ctx, call, clip, nil)
	}
	v.goodbye()
	hold(ctx, call, d.delay(1)) // lets the citizen hang up first
}

// write fills the draft while the citizen speaks, then accepts it or answers.
func (o *operator) write(ctx context.Context, call *phone.Call, draft string, c city.Case) error {
	d := o.d
	a := c.Appeal
	steps := []map[string]any{
		{"appeal": map[string]any{"type": a.Type, "category": a.Category, "title": a.Title}},
		{"appeal": map[string]any{"description": a.Description, "district": a.District, "address": a.Address, "location": a.Location}, "urgency": c.Urgency},
		{"citizen": map[string]any{"name": c.Citizen.Name, "anonymous": c.Citizen.Anonymous}, "confidential": c.Confidential},
	}
	asks := []string{"operator-address", "operator-note", ""}
	for i, patch := range steps {
		hold(ctx, call, d.delay(.5)) // a citizen who hangs up early leaves the rest to the notes
		if err := d.edit(ctx, o.seat.Login, draft, patch); err != nil {
			return err
		}
		for _, clip := range d.voices.pick(asks[i]) {
			say(ctx, call, clip, nil)
		}
	}
	if c.Direct {
		return d.act(ctx, o.seat.Login, draft, map[string]any{"action": ticketing.ActAnswer, "answer": c.Answer})
	}
	return d.act(ctx, o.seat.Login, draft, map[string]any{"action": ticketing.ActAccept})
}

// stranger is a person with a real telephone: the operator listens, notes what
// the menu told and lets the dispatch desk decide.
func (o *operator) stranger(ctx context.Context, call *phone.Call, draft string) {
	d := o.d
	for _, name := range []string{"operator-address", "operator-note", "operator-closing"} {
		if !hold(ctx, call, d.delay(.7)) {
			break
		}
		for _, clip := range d.voices.pick(name) {
			say(ctx, call, clip, nil)
		}
	}
	if call.Stats().Talk < d.opts.Pace {
		err := d.act(ctx, o.seat.Login, draft, map[string]any{"action": ticketing.ActCancel, "reason": "来电人未说明诉求即挂断"})
		if err != nil && ctx.Err() == nil {
			d.log.Info("a simulated operator could not drop a draft", "seat", o.seat.Number, "error", err)
		}
		return
	}
	patch := map[string]any{"appeal": map[string]any{"type": ticketing.Help, "category": d.other(), "title": "来电诉求登记", "description": "来电人通过电话反映诉求，详见通话录音。"}}
	if err := d.edit(ctx, o.seat.Login, draft, patch); err != nil {
		d.log.Warn("a simulated operator could not note a call", "seat", o.seat.Number, "error", err)
		return
	}
	if err := d.act(ctx, o.seat.Login, draft, map[string]any{"action": ticketing.ActAccept}); err != nil {
		d.log.Warn("a simulated operator could not accept a call", "seat", o.seat.Number, "error", err)
	}
}

// ticket is what the people read of a ticket.
type ticket struct {
	ID         string `json:"id"`
	Number     string `json:"number"`
	Version    int64  `json:"version"`
	State      string `json:"state"`
	Channel    string `json:"channel"`
	Department string `json:"department"`
	AtDesk     bool   `json:"at_desk"`
	ReviewBy   string `json:"review_by"`
	Reopened   int    `json:"reopened"`
	Appeal     struct {
		District string `json:"district"`
		Category string `json:"category"`
	} `json:"appeal"`
	Clocks []struct {
		Name    ticketing.ClockName `json:"name"`
		Running bool                `json:"running"`
	} `json:"clocks"`
	Records []record `json:"records"`
}

// record is what they read of a request or a duty.
type record struct {
	Kind       ticketing.RecordKind  `json:"kind"`
	State      ticketing.RecordState `json:"state"`
	Department string                `json:"department"`
	SignedAt   time.Time             `json:"signed_at"`
}

// record finds the first of a kind.
func (t ticket) record(kind ticketing.RecordKind) *record {
	for i := range t.Records {
		if t.Records[i].Kind == kind {
			return &t.Records[i]
		}
	}
	return nil
}

// edit changes a ticket; when somebody else was faster it looks and tries again.
func (d *Demo) edit(ctx context.Context, login, ref string, patch map[string]any) error {
	var err error
	for range 3 {
		var t ticket
		if err = d.client.do(ctx, login, http.MethodGet, "/api/v1/tickets/"+ref, nil, &t); err != nil {
			return err
		}
		patch["version"] = t.Version
		err = d.client.do(ctx, login, http.MethodPatch, "/api/v1/tickets/"+ref, patch, nil)
		var r *refused
		if !errors.As(err, &r) || r.status != http.StatusConflict {
			return err
		}
	}
	return err
}

// act does an action on the newest version.
func (d *Demo) act(ctx context.Context, login, ref string, command map[string]any) error {
	return d.client.do(ctx, login, http.MethodPost, "/api/v1/tickets/"+ref+"/actions", command, nil)
}
