package demo

import (
	"context"
	"errors"
	"hash/fnv"
	"net/http"
	"sync"
	"time"

	"hotline/ticketing"
)

// maxPlans bounds how many tickets the staff keep an eye on.
const maxPlans = 5000

// maxSteps bounds how many of the staff work at the same moment.
const maxSteps = 4

// plan is the next step on one ticket.
type plan struct {
	version int64
	at      time.Time
	running bool
}

// staff keeps the plans.
type staff struct {
	d    *Demo
	free chan struct{} // one for each who may begin a step

	mu    sync.Mutex
	plans map[string]plan
}

// departments lets the dispatcher, the clerks, the heads and the centre's
// follow-up work through what is open. The lead sees every ticket; each step
// is taken by whose it is.
func (d *Demo) departments(ctx context.Context) {
	s := &staff{d: d, free: make(chan struct{}, maxSteps), plans: map[string]plan{}}
	// What is in progress has a list of its own, so that a long one does not
	// hide the rest.
	states := []string{"draft,accepted,dispatched,in_review,follow_up", "in_progress"}
	every := min(1500*time.Millisecond, d.opts.Pace)
	for {
		for _, state := range states {
			var page struct {
				Items []ticket `json:"items"`
			}
			if err := d.client.do(ctx, "lead1", http.MethodGet, "/api/v1/tickets?limit=200&state="+state, nil, &page); err != nil {
				if ctx.Err() == nil {
					d.log.Info("the simulated staff cannot list tickets", "error", err)
				}
				continue
			}
			for _, t := range page.Items {
				s.consider(ctx, t)
			}
		}
		s.prune()
		if !wait(ctx, every) {
			return
		}
	}
}

// consider takes the step on a ticket when its time has come and somebody is
// free.
func (s *staff) consider(ctx context.Context, t ticket) {
	part := s.d.part(t)
	if part == 0 || ctx.Err() != nil {
		return
	}
	s.mu.Lock()
	defer s.mu.Unlock()
	p, ok := s.plans[t.ID]
	if p.running {
		return
	}
	if !ok || p.version != t.Version {
		p = plan{version: t.Version, at: time.Now().Add(s.d.delay(part))}
		s.plans[t.ID] = p
	}
	if time.Now().Before(p.at) {
		return
	}
	select {
	case s.free <- struct{}{}:
	default:
		return
	}
	p.running = true
	s.plans[t.ID] = p
	s.d.spawn(func() {
		defer func() { <-s.free }()
		s.done(ctx, t, s.d.step(ctx, t))
	})
}

// done forgets a step that was taken and puts off one that failed.
func (s *staff) done(ctx context.Context, t ticket, err error) {
	s.mu.Lock()
	defer s.mu.Unlock()
	delete(s.plans, t.ID)
	var r *refused
	switch {
	case err == nil || ctx.Err() != nil:
	case errors.As(err, &r) && (r.status == http.StatusConflict || r.status == http.StatusNotFound):
		// A person was faster.
	default:
		s.d.log.Warn("a simulated step failed", "ticket", t.ID, "state", t.State, "error", err)
		s.plans[t.ID] = plan{version: t.Version, at: time.Now().Add(4 * s.d.opts.Pace)}
	}
}

// prune drops plans when there are too many; they are made again at the next look.
func (s *staff) prune() {
	s.mu.Lock()
	defer s.mu.Unlock()
	for id, p := range s.plans {
		if len(s.plans) <= maxPlans {
			return
		}
		if !p.running {
			delete(s.plans, id)
		}
	}
}

// part is how long the step takes, in paces; 0: not ours.
func (d *Demo) part(t ticket) float64 {
	slow := luck(t.ID)%10 == 0 // some matters take their time
	switch ticketing.State(t.State) {
	case ticketing.Draft:
		if t.Channel == string(ticketing.ByPhone) {
			return 0 // its operator writes it
		}
		return 1
	case ticketing.Accepted:
		if !t.AtDesk {
			return 0 // a worker dispatches it
		}
		return 1.5
	case ticketing.Dispatched:
		return 1
	case ticketing.InProgress:
		switch {
		case !contacted(t):
			return 1.5
		case d.busyBeside(t):
			return 2
		case slow:
			return 60
		}
		return 4
	case ticketing.InReview:
		return 1.5
	case ticketing.FollowUp:
		return 3
	}
	return 0
}

func (d *Demo) busyBeside(t ticket) bool {
	_, ok := d.errand(t)
	return ok
}

func contacted(t ticket) bool {
	for _, c := range t.Clocks {
		if c.Name == ticketing.ClockContact {
			return !c.Running
		}
	}
	return true
}

func luck(id string) uint32 {
	h := fnv.New32a()
	_, _ = h.Write([]byte(id))
	return h.Sum32()
}

// step does what is next on a ticket.
func (d *Demo) step(ctx context.Context, t ticket) error {
	c, known := d.script.about(t.ID, t.Number)
	clerk := "clerk-" + t.Department
	switch ticketing.State(t.State) {
	case ticketing.Draft:
		return d.take(ctx, t)
	case ticketing.Accepted:
		return d.act(ctx, "dispatcher1", t.ID, map[string]any{"action": ticketing.ActDispatch, "department": d.choose(t), "reason": "派单目录未列明，按属地管理原则派单"})
	case ticketing.Dispatched:
		return d.act(ctx, clerk, t.ID, map[string]any{"action": ticketing.ActSign})
	case ticketing.InProgress:
		if !contacted(t) {
			return d.act(ctx, clerk, t.ID, map[string]any{"action": ticketing.ActContact, "note": "已电话联系诉求人，了解具体情况。"})
		}
		if e, ok := d.errand(t); ok {
			return d.act(ctx, e.login, t.ID, e.command)
		}
		answer := "您好！您反映的问题已安排工作人员到现场核实，并督促责任单位处理完毕。感谢您的关心和支持。"
		if known && c.Answer != "" && !c.Direct {
			answer = c.Answer
		}
		return d.act(ctx, clerk, t.ID, map[string]any{"action": ticketing.ActResolve, "answer": answer})
	case ticketing.InReview:
		if t.ReviewBy != "" {
			return d.act(ctx, "head-"+t.ReviewBy, t.ID, map[string]any{"action": ticketing.ActApproveReview})
		}
		if t.Reopened == 0 && luck(t.ID)%12 == 1 {
			return d.act(ctx, "lead1", t.ID, map[string]any{"action": ticketing.ActRejectReview, "reason": "答复过于笼统，请补充处理过程和结果"})
		}
		return d.act(ctx, "lead1", t.ID, map[string]any{"action": ticketing.ActApproveReview})
	case ticketing.FollowUp:
		fields := map[string]any{"action": ticketing.ActFollowUp, "contacted": true, "solved": true, "rating": 4, "note": "来电人对办理结果表示满意。"}
		if known {
			fields["contacted"], fields["solved"], fields["rating"], fields["note"] = c.Contacted, c.Solved, int(c.Rating), c.FollowUp
		}
		return d.act(ctx, "follow1", t.ID, fields)
	}
	return nil
}

// take completes an appeal that was filed online and accepts it. What a person
// filed goes to the dispatch desk, for nobody simulated has read it.
func (d *Demo) take(ctx context.Context, t ticket) error {
	login := d.opts.Seats[int(luck(t.ID))%len(d.opts.Seats)].Login
	appeal := map[string]any{"category": d.other()}
	if c, ok := d.script.about(t.ID, t.Number); ok {
		appeal = map[string]any{"category": c.Appeal.Category, "title": c.Appeal.Title}
	} else if t.Appeal.Category != "" {
		appeal = nil
	}
	if appeal != nil {
		if err := d.edit(ctx, login, t.ID, map[string]any{"appeal": appeal}); err != nil {
			return err
		}
	}
	return d.act(ctx, login, t.ID, map[string]any{"action": ticketing.ActAccept})
}

// other is the category for what no other covers.
func (d *Demo) other() string {
	last := ""
	for _, k := range d.opts.City.Categories {
		if k.Code == "gov-other" {
			return k.Code
		}
		if k.Parent != "" {
			last = k.Code
		}
	}
	return last
}

// choose is the dispatcher's choice: the government of the district.
func (d *Demo) choose(t ticket) string {
	choice := ""
	for _, u := range d.opts.City.Departments {
		if u.Code == "gov-services" && choice == "" {
			choice = u.Code
		}
		if u.District != "" && u.District == t.Appeal.District && u.Parent == "" {
			return u.Code
		}
	}
	if choice == "" {
		choice = d.opts.City.Departments[0].Code
	}
	return choice
}
