package drill

import (
	"context"
	"encoding/json"
	"fmt"
	"math/rand/v2"
	"net/http"
	"os"
	"path/filepath"
	"sync"
	"syscall"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"hotline/cmd/city"
	"hotline/cmd/hotline/engines"
	"hotline/ticketing"
	"hotline/ticketing/sla"
)

// lives leads tickets through their life over HTTP, whether anybody answers or
// not: each step is asked for under a key of its own until there is an answer.
type lives struct {
	*load
	tokens sync.Map // login → token
	told   sync.Map // number → the types of events that the steps must have made
	count  int
	mu     sync.Mutex
}

// life is one ticket on its way.
type life struct {
	l      *lives
	name   string
	number string
	unit   string
	steps  int
	events []string
}

func (l *lives) token(ctx context.Context, login string) (string, error) {
	if known, ok := l.tokens.Load(login); ok {
		return known.(string), nil
	}
	token, err := l.session(ctx, login)
	if err != nil {
		return "", err
	}
	l.tokens.Store(login, token)
	return token, nil
}

// ask sends a request as somebody until it is answered. Without fields it is a GET.
func (l *lives) ask(ctx context.Context, login, key, path string, in map[string]any, out any) error {
	var body []byte
	if in != nil {
		var err error
		if body, err = json.Marshal(in); err != nil {
			return err
		}
	}
	for {
		status, answer, err := l.once(ctx, login, key, path, body)
		switch {
		case err == nil && status < 300:
			return json.Unmarshal(answer, out)
		case err == nil && status == http.StatusUnauthorized:
			l.tokens.Delete(login)
		case err == nil && status != http.StatusServiceUnavailable:
			return fmt.Errorf("%s %s: status %d: %.300s", login, path, status, answer)
		default:
			l.book.lost()
		}
		if !Sleep(ctx, 20*time.Millisecond) {
			return ctx.Err()
		}
	}
}

func (l *lives) once(ctx context.Context, login, key, path string, body []byte) (int, []byte, error) {
	ctx, cancel := context.WithTimeout(ctx, 20*time.Second)
	defer cancel()
	token, err := l.token(ctx, login)
	if err != nil {
		return 0, nil, err
	}
	return l.send(ctx, http.DefaultClient, token, key, path, body)
}

type seenTicket struct {
	ID         string          `json:"id"`
	Number     string          `json:"number"`
	State      ticketing.State `json:"state"`
	Department string          `json:"department"`
	AtDesk     bool            `json:"at_desk"`
	Answer     string          `json:"answer"`
}

func (f *life) do(ctx context.Context, login, action, event string, fields map[string]any) error {
	in := map[string]any{"action": action}
	for k, v := range fields {
		in[k] = v
	}
	f.steps++
	var after seenTicket
	if err := f.l.ask(ctx, login, fmt.Sprintf("%s step %d", f.name, f.steps), "/api/v1/tickets/"+f.number+"/actions", in, &after); err != nil {
		return err
	}
	if after.Number != "" {
		f.number = after.Number
	}
	f.events = append(f.events, event)
	return nil
}

// until waits for what a worker does.
func (f *life) until(ctx context.Context, is func(seenTicket) bool) (seenTicket, error) {
	for {
		var seen seenTicket
		if err := f.l.ask(ctx, "lead1", "", "/api/v1/tickets/"+f.number, nil, &seen); err != nil {
			return seen, err
		}
		if is(seen) {
			return seen, nil
		}
		if !Sleep(ctx, 20*time.Millisecond) {
			return seen, ctx.Err()
		}
	}
}

// begin opens and accepts a ticket and follows it to a department.
func (l *lives) begin(ctx context.Context, name string) (*life, error) {
	f := &life{l: l, name: name, events: []string{"created"}}
	var draft seenTicket
	err := l.ask(ctx, "agent1", "open "+name, "/api/v1/tickets", map[string]any{
		"appeal":  map[string]any{"type": "complaint", "title": name, "description": "路灯不亮", "category": "transport-streetlights"},
		"citizen": map[string]any{"phone": "14200000000"},
	}, &draft)
	if err != nil {
		return nil, err
	}
	f.number = draft.ID
	if err := f.do(ctx, "agent1", "accept", "accepted", nil); err != nil {
		return nil, err
	}
	seen, err := f.until(ctx, func(s seenTicket) bool { return s.State == ticketing.Dispatched || s.AtDesk })
	if err != nil {
		return nil, err
	}
	if seen.AtDesk {
		f.events = append(f.events, "to_desk")
		if err := f.do(ctx, "dispatcher1", "dispatch", "dispatched", map[string]any{"department": "transport", "reason": "按职责"}); err != nil {
			return nil, err
		}
		f.unit = "transport"
		return f, nil
	}
	f.events, f.unit = append(f.events, "dispatched"), seen.Department
	return f, nil
}

// walk is one step: who, what, the event that it makes, and its fields.
type walk struct {
	login, action, event string
	fields               map[string]any
}

func (f *life) walk(ctx context.Context, steps ...walk) error {
	for _, s := range steps {
		if err := f.do(ctx, s.login, s.action, s.event, s.fields); err != nil {
			return err
		}
	}
	return nil
}

type with = map[string]any

// answered is the way from the department's work to the follow-up.
func (f *life) answered() []walk {
	return []walk{
		{"clerk-" + f.unit, "resolve", "resolved", with{"answer": "已修复"}}, {"head-" + f.unit, "approve_review", "review_endorsed", nil},
		{"qc1", "approve_review", "review_approved", nil},
	}
}

func (l *lives) lead(ctx context.Context, name string, kind int) error {
	f, err := l.begin(ctx, name)
	if err != nil {
		return err
	}
	clerk := "clerk-" + f.unit
	why := with{"reason": "理由"}
	switch kind {
	case 0: // asked for, paused, helped
		err = f.walk(ctx, append([]walk{
			{clerk, "sign", "signed", nil}, {clerk, "request_extension", "extension_requested", with{"days": 2, "reason": "采购"}},
			{"dispatcher1", "approve_extension", "extended", nil}, {"dispatcher1", "co_handle", "co_handled", with{"department": "water", "reason": "涉水"}},
			{"clerk-water", "sign_share", "share_signed", nil}, {clerk, "request_suspension", "suspension_requested", with{"until": time.Now().Add(time.Hour), "reason": "等待"}},
			{"dispatcher1", "approve_suspension", "suspended", nil}, {"clerk-water", "answer_share", "share_answered", with{"answer": "管网正常"}},
			{clerk, "resume", "resumed", nil}, {"supervisor1", "supervise", "supervised", with{"reason": "督办", "until": time.Now().Add(time.Hour)}},
		}, f.answered()...)...)
	case 1: // returned, designated, withdrawn
		other := "urban"
		if f.unit == other {
			other = "gardens"
		}
		err = f.walk(ctx, walk{clerk, "request_return", "return_requested", with{"reason": "非本单位", "basis": "三定"}}, walk{"dispatcher1", "approve_return", "returned", nil},
			walk{"lead1", "designate", "dispatched", with{"department": other, "reason": "终裁"}}, walk{"clerk-" + other, "sign", "signed", nil},
			walk{"agent1", "request_withdrawal", "withdrawal_requested", why}, walk{"lead1", "approve_withdrawal", "cancelled", nil})
	case 2: // merged
		err = l.merged(ctx, f)
	default: // followed up, reopened, rated, rectified
		steps := append([]walk{{clerk, "sign", "signed", nil}}, f.answered()...)
		steps = append(steps, walk{"follow1", "follow_up", "reopened", with{"contacted": true, "solved": false}})
		steps = append(append(steps, f.answered()...), walk{"follow1", "follow_up", "followed_up", with{"contacted": true, "solved": true, "rating": 1}},
			walk{clerk, "rectify", "rectified", with{"answer": "已整改"}}, walk{"head-" + f.unit, "appeal", "appealed", with{"item": "bad_rating", "reason": "不可抗力"}},
			walk{"qc1", "uphold_appeal", "appeal_upheld", why})
		err = f.walk(ctx, steps...)
	}
	if err != nil {
		return err
	}
	f.done()
	return nil
}

func (f *life) done() {
	f.l.told.Store(f.number, f.events)
	f.l.mu.Lock()
	defer f.l.mu.Unlock()
	f.l.count++
}

// merged joins a repeat to a main ticket, whose reply it gets.
func (l *lives) merged(ctx context.Context, main *life) error {
	repeat, err := l.begin(ctx, main.name+" 重复")
	if err != nil {
		return err
	}
	if err := main.do(ctx, "clerk-"+main.unit, "sign", "signed", nil); err != nil {
		return err
	}
	if err := repeat.do(ctx, "dispatcher1", "merge", "merged", with{"ticket": main.number, "reason": "同一盏灯"}); err != nil {
		return err
	}
	main.events = append(main.events, "joined")
	if err := main.walk(ctx, main.answered()...); err != nil {
		return err
	}
	seen, err := repeat.until(ctx, func(s seenTicket) bool { return s.State == ticketing.FollowUp })
	if err != nil {
		return err
	}
	if seen.Answer != "已修复" {
		return fmt.Errorf("the repeat %s got the reply %q", repeat.number, seen.Answer)
	}
	repeat.events = append(repeat.events, "merged_answered")
	if err := repeat.do(ctx, "follow1", "follow_up", "followed_up", with{"contacted": true, "solved": true, "rating": 5}); err != nil {
		return err
	}
	repeat.done()
	return nil
}

// run leads tickets until the load is told to finish; each goes to its end.
func (l *lives) run(ctx context.Context, workers int) {
	for w := range workers {
		l.workers.Go(func() {
			for i := 0; ; i++ {
				select {
				case <-l.closing:
					return
				case <-ctx.Done():
					return
				default:
				}
				if err := l.lead(ctx, fmt.Sprintf("一生 %d-%d-%d", l.seed, w, i), (w+i)%4); err != nil && ctx.Err() == nil {
					l.book.fail(err)
					return
				}
			}
		})
	}
}

// TestKilledInALifeDrill: whatever moment the process dies at, and whether the
// disk is full, every step of a ticket's life that was answered happened once,
// in its order, and the clocks derive again.
func TestKilledInALifeDrill(t *testing.T) {
	bin, err := Build(t.Context(), t.TempDir())
	require.NoError(t, err)
	p := planned(t)
	for _, on := range sets(t) {
		t.Run(on.name, func(t *testing.T) {
			dir := t.TempDir()
			if on.wipe == nil {
				smallDisk(t, dir)
			}
			killedInALife(t, bin, on, p, dir)
		})
	}
}

// smallDisk lets a folder be a disk of its own that is easily full.
func smallDisk(t *testing.T, dir string) {
	if err := syscall.Mount("tmpfs", dir, "tmpfs", 0, "size=96m"); err != nil {
		require.NotEqual(t, "true", os.Getenv("CI"), "a disk of its own: %v", err)
		t.Logf("left out: a full disk, for no tmpfs can be mounted here (%v)", err)
		return
	}
	t.Cleanup(func() { require.NoError(t, syscall.Unmount(dir, syscall.MNT_DETACH)) })
}

func killedInALife(t *testing.T, bin Binaries, on set, p plan, dir string) {
	ctx := t.Context()
	s := loggedSetup(t, bin, dir)
	on.fill(t, &s)
	require.NoError(t, s.Prepare(ctx, city.Sample(), 10))
	t.Logf("seed %d (HOTLINE_DRILL_SEED)", p.seed)
	random := rand.New(rand.NewPCG(p.seed, 17)) //nolint:gosec // the same moments again
	l := &lives{load: newLoad("http://"+s.HTTP, p.seed, nil)}
	l.run(ctx, 8)
	began, rounds, full := time.Now(), 0, 0
	for ; rounds < p.rounds || time.Since(began) < p.until; rounds++ {
		node, err := s.Start(ctx)
		require.NoError(t, err, "start %d", rounds+1)
		require.True(t, Sleep(ctx, time.Duration(300+random.IntN(1500))*time.Millisecond))
		if on.wipe == nil {
			full += fillDisk(ctx, t, dir, time.Duration(300+random.IntN(700))*time.Millisecond)
		} else {
			require.NoError(t, on.wipe(ctx))
		}
		require.True(t, Sleep(ctx, time.Duration(random.IntN(1500))*time.Millisecond))
		require.NoError(t, node.Kill())
	}
	node, err := s.Start(ctx)
	require.NoError(t, err)
	l.finish()
	require.Empty(t, l.book.errs)
	require.NoError(t, node.Settle(ctx, 2*time.Minute))
	require.NoError(t, node.Stop())
	e, err := s.Open(ctx)
	require.NoError(t, err)
	defer e.Close()
	l.told.Range(func(number, events any) bool {
		checkLife(t, e, number.(string), events.([]string))
		return true
	})
	require.NotZero(t, l.count)
	t.Logf("%d kills, %d times no room; %d lives led to their end, %d requests sent again", rounds, full, l.count, l.book.unsure)
}

// fillDisk takes all room for a while; it tells whether there was a disk to fill.
func fillDisk(ctx context.Context, t *testing.T, dir string, while time.Duration) int {
	var fs syscall.Statfs_t
	require.NoError(t, syscall.Statfs(dir, &fs))
	if fs.Blocks*uint64(fs.Bsize) > 200<<20 { //nolint:gosec // sizes are positive
		return 0
	}
	filler := filepath.Join(dir, "filler")
	f, err := os.Create(filler) //nolint:gosec // the test's own folder
	require.NoError(t, err)
	block := make([]byte, 64<<10)
	for err == nil {
		_, err = f.Write(block)
	}
	require.ErrorIs(t, err, syscall.ENOSPC)
	require.True(t, Sleep(ctx, while))
	require.NoError(t, f.Close())
	require.NoError(t, os.Remove(filler))
	return 1
}

// checkLife holds a ticket's history against what its steps were answered.
func checkLife(t *testing.T, e *engines.Engines, number string, told []string) {
	t.Helper()
	ticket, err := e.Store.Ticket(t.Context(), number)
	require.NoError(t, err, "the citizen was told %s", number)
	events, err := e.Store.Events(t.Context(), ticket.ID)
	require.NoError(t, err)
	var types []string
	for _, ev := range events {
		if ev.Type != ticketing.EventDeadline {
			types = append(types, ev.Type)
			require.EqualValues(t, len(types), ev.Version)
		}
	}
	require.Equal(t, told, types, "the life of %s", number)
	require.EqualValues(t, len(types), ticket.Version)
	keeper := sla.NewKeeper(sla.DefaultPolicy(), sla.DefaultCalendar())
	for i, again := range keeper.Clocks(ticket, events) {
		require.True(t, again.DueAt.Equal(ticket.Clocks[i].DueAt) && again.StoppedAt.Equal(ticket.Clocks[i].StoppedAt), "%s of %s derives again", again.Key(), number)
	}
}
