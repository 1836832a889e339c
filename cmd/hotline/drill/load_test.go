package drill

import (
	"bytes"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"math/rand/v2"
	"net"
	"net/http"
	"sync"
	"time"

	"hotline/cmd/city"
	"hotline/cmd/hotline/accounts"
	"hotline/ticketing"
)

// book is what the load was told: the truth that the store is held against.
type book struct {
	mu       sync.Mutex
	accepted map[string]string // title → number
	filed    map[string]string // title → number
	unsure   int               // requests that had to be sent again: their answer was lost
	errs     []error           // answers that no crash explains
}

func (b *book) note(list map[string]string, title, number string) {
	b.mu.Lock()
	defer b.mu.Unlock()
	list[title] = number
}

func (b *book) lost() {
	b.mu.Lock()
	defer b.mu.Unlock()
	b.unsure++
}

func (b *book) fail(err error) {
	b.mu.Lock()
	defer b.mu.Unlock()
	b.errs = append(b.errs, err)
}

// load sends requests at one address, whether anybody answers there or not. A
// request without an answer is sent again under the same key until there is
// one, as a client that fears for its ticket does.
type load struct {
	base  string
	book  *book
	seed  uint64
	cases []city.Case

	token   sync.Mutex
	bearer  string
	closing chan struct{} // closed: begin nothing new
	workers sync.WaitGroup
}

func newLoad(base string, seed uint64, cases []city.Case) *load {
	return &load{
		base: base, seed: seed, cases: cases, closing: make(chan struct{}),
		book: &book{accepted: map[string]string{}, filed: map[string]string{}},
	}
}

// start sets operators and citizens to work until finish or the context's end.
func (l *load) start(ctx context.Context, operators, citizens int) {
	for w := range operators + citizens {
		l.workers.Go(func() {
			random := rand.New(rand.NewPCG(l.seed, uint64(w)))
			work := l.operator
			if w >= operators {
				work = l.citizen
			}
			for i := 0; ; i++ {
				select {
				case <-l.closing:
					return
				case <-ctx.Done():
					return
				case <-time.After(time.Duration(random.IntN(20)) * time.Millisecond):
				}
				one := l.cases[random.IntN(len(l.cases))]
				one.Appeal.Title = fmt.Sprintf("演练 %d-%d-%d", l.seed, w, i) // tells this request from all others
				if err := work(ctx, w, i, one); err != nil && ctx.Err() == nil {
					l.book.fail(err)
					return
				}
			}
		})
	}
}

// finish lets each worker carry its request to the end.
func (l *load) finish() {
	close(l.closing)
	l.workers.Wait()
}

func (l *load) operator(ctx context.Context, _, _ int, c city.Case) error {
	client := http.DefaultClient
	var draft, ticket struct {
		ID     string `json:"id"`
		Number string `json:"number"`
	}
	key := c.Appeal.Title
	err := l.insist(ctx, client, "open "+key, "/api/v1/tickets", map[string]any{
		"channel": "phone", "line": "12345", "appeal": appealOf(c), "citizen": map[string]any{"name": c.Citizen.Name, "phone": "14200000000"},
	}, &draft)
	if err != nil {
		return err
	}
	if err := l.insist(ctx, client, "accept "+key, "/api/v1/tickets/"+draft.ID+"/actions", map[string]any{"action": "accept"}, &ticket); err != nil {
		return err
	}
	l.book.note(l.book.accepted, key, ticket.Number)
	return nil
}

// citizen files online, a dozen times from each address: public intake is
// limited by address.
func (l *load) citizen(ctx context.Context, w, i int, c city.Case) error {
	from := &net.TCPAddr{IP: net.IPv4(127, byte(1+w), byte(1+i/12/250), byte(1+i/12%250))}
	dialer := &net.Dialer{LocalAddr: from, Timeout: 5 * time.Second}
	client := &http.Client{Transport: &http.Transport{DialContext: dialer.DialContext, DisableKeepAlives: true}}
	var filed struct {
		Number string `json:"number"`
		Code   string `json:"query_code"`
	}
	appeal := appealOf(c)
	delete(appeal, "category")
	err := l.insist(ctx, client, "file "+c.Appeal.Title, "/api/public/v1/appeals", map[string]any{
		"appeal": appeal, "citizen": map[string]any{"name": c.Citizen.Name, "phone": "14200000000"},
	}, &filed)
	if err != nil {
		return err
	}
	if filed.Number == "" || filed.Code == "" {
		return fmt.Errorf("filed without number or code: %+v", filed)
	}
	l.book.note(l.book.filed, c.Appeal.Title, filed.Number)
	return nil
}

func appealOf(c city.Case) map[string]any {
	a := c.Appeal
	if a.Type == "" {
		a.Type = ticketing.Complaint
	}
	return map[string]any{
		"type": a.Type, "title": a.Title, "description": a.Description, "category": a.Category, "district": a.District, "address": a.Address,
	}
}

// insist sends a POST under one key until it is answered.
func (l *load) insist(ctx context.Context, client *http.Client, key, path string, in map[string]any, out any) error {
	body, err := json.Marshal(in)
	if err != nil {
		return err
	}
	for {
		status, answer, err := l.post(ctx, client, key, path, body)
		switch {
		case err == nil && status < 300:
			return json.Unmarshal(answer, out)
		case err == nil && status == http.StatusUnauthorized:
			l.forget()
		case err == nil && status != http.StatusServiceUnavailable:
			return fmt.Errorf("%s: status %d: %.300s", path, status, answer)
		default:
			l.book.lost()
		}
		if !Sleep(ctx, 20*time.Millisecond) {
			return ctx.Err()
		}
	}
}

func (l *load) post(ctx context.Context, client *http.Client, key, path string, body []byte) (int, []byte, error) {
	ctx, cancel := context.WithTimeout(ctx, 20*time.Second)
	defer cancel()
	token := ""
	if path != "/api/public/v1/appeals" {
		var err error
		if token, err = l.signIn(ctx); err != nil {
			return 0, nil, err
		}
	}
	return l.send(ctx, client, token, key, path, body)
}

// send makes a POST, or a GET where there is no body.
func (l *load) send(ctx context.Context, client *http.Client, token, key, path string, body []byte) (int, []byte, error) {
	method := http.MethodPost
	if body == nil {
		method = http.MethodGet
	}
	req, err := http.NewRequestWithContext(ctx, method, l.base+path, bytes.NewReader(body))
	if err != nil {
		return 0, nil, err
	}
	req.Header.Set("Content-Type", "application/json")
	if key != "" {
		req.Header.Set("Idempotency-Key", fmt.Sprintf("%x", key))
	}
	if token != "" {
		req.Header.Set("Authorization", "Bearer "+token)
	}
	resp, err := client.Do(req)
	if err != nil {
		return 0, nil, err
	}
	defer resp.Body.Close()
	answer, err := io.ReadAll(io.LimitReader(resp.Body, 1<<20))
	return resp.StatusCode, answer, err
}

func (l *load) signIn(ctx context.Context) (string, error) {
	l.token.Lock()
	defer l.token.Unlock()
	if l.bearer != "" {
		return l.bearer, nil
	}
	token, err := l.session(ctx, "agent1")
	if err != nil {
		return "", err
	}
	l.bearer = token
	return l.bearer, nil
}

// session signs somebody in and gives the token.
func (l *load) session(ctx context.Context, login string) (string, error) {
	body, err := json.Marshal(map[string]string{"login": login, "password": accounts.DemoPassword})
	if err != nil {
		return "", err
	}
	status, answer, err := l.send(ctx, http.DefaultClient, "", "", "/api/v1/session", body)
	if err != nil {
		return "", err
	}
	var out struct {
		Token string `json:"token"`
	}
	if err := json.Unmarshal(answer, &out); err != nil || out.Token == "" {
		return "", errors.Join(fmt.Errorf("sign in: status %d", status), err)
	}
	return out.Token, nil
}

func (l *load) forget() {
	l.token.Lock()
	defer l.token.Unlock()
	l.bearer = ""
}
