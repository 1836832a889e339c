package notify

import (
	"bytes"
	"context"
	"crypto/hmac"
	"crypto/sha256"
	"encoding/hex"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"net/http"
	"net/url"
	"strconv"
	"strings"
	"time"
)

// Headers of a webhook request.
const (
	HeaderID        = "X-Hotline-Id"        // Message.ID, the same on every try
	HeaderEvent     = "X-Hotline-Event"     // Message.Kind
	HeaderSignature = "X-Hotline-Signature" // "t=<Unix seconds>,v1=<hex HMAC-SHA256 of "<t>.<body>">"
)

// Errors of webhooks.
var (
	ErrWebhook   = errors.New("webhook misconfigured")
	ErrRefused   = errors.New("webhook refused")
	ErrSignature = errors.New("webhook signature not valid")
)

// minSecret is the shortest secret taken, in bytes.
const minSecret = 16

// WebhookOptions are the optional settings of a webhook; the zero value works.
type WebhookOptions struct {
	Timeout time.Duration // of one request; 10 s when zero
	Now     func() time.Time
	Client  *http.Client // a client of its own when nil
}

// Webhook posts messages as JSON to a URL, signed with a shared secret.
type Webhook struct {
	url    string
	host   string
	secret []byte
	opts   WebhookOptions
	client *http.Client
}

// NewWebhook returns a webhook to an http or https URL. The secret has at least 16 bytes.
func NewWebhook(rawURL, secret string, opts WebhookOptions) (*Webhook, error) {
	u, err := url.Parse(rawURL)
	if err != nil || (u.Scheme != "http" && u.Scheme != "https") || u.Host == "" {
		return nil, fmt.Errorf("%w: the URL must be like https://host/path", ErrWebhook)
	}
	if len(secret) < minSecret {
		return nil, fmt.Errorf("%w: the secret of %s must have %d bytes or more", ErrWebhook, u.Host, minSecret)
	}
	if opts.Timeout <= 0 {
		opts.Timeout = 10 * time.Second
	}
	if opts.Now == nil {
		opts.Now = time.Now
	}
	client := opts.Client
	if client == nil {
		client = &http.Client{Transport: http.DefaultTransport.(*http.Transport).Clone()}
	}
	// A redirect would carry the message to somebody who was not configured.
	own := *client
	own.CheckRedirect = func(*http.Request, []*http.Request) error { return http.ErrUseLastResponse }
	return &Webhook{url: rawURL, host: u.Host, secret: []byte(secret), opts: opts, client: &own}, nil
}

// Name implements [Sender]; the URL's path may hold a token and is left out.
func (w *Webhook) Name() string { return "webhook " + w.host }

// Close gives idle connections back.
func (w *Webhook) Close() { w.client.CloseIdleConnections() }

// Send implements [Sender]. Every status but 2xx is an error that matches [ErrRefused].
func (w *Webhook) Send(ctx context.Context, m Message) error {
	body, err := json.Marshal(m)
	if err != nil {
		return fmt.Errorf("encode message %s: %w", m.ID, err)
	}
	ctx, cancel := context.WithTimeout(ctx, w.opts.Timeout)
	defer cancel()
	req, err := http.NewRequestWithContext(ctx, http.MethodPost, w.url, bytes.NewReader(body))
	if err != nil {
		return fmt.Errorf("%w: %s", ErrWebhook, w.host)
	}
	req.Header.Set("Content-Type", "application/json")
	req.Header.Set("User-Agent", "hotline")
	req.Header.Set(HeaderID, m.ID)
	req.Header.Set("Idempotency-Key", m.ID)
	req.Header.Set(HeaderEvent, m.Kind)
	req.Header.Set(HeaderSignature, Sign(w.secret, w.opts.Now(), body))
	res, err := w.client.Do(req)
	if err != nil {
		var ue *url.Error
		if errors.As(err, &ue) {
			err = ue.Err // without the URL, whose path may hold a token
		}
		return fmt.Errorf("post message %s: %w", m.ID, err)
	}
	defer res.Body.Close()
	_, _ = io.Copy(io.Discard, io.LimitReader(res.Body, 64<<10)) // lets the connection be used again
	if res.StatusCode < 200 || res.StatusCode > 299 {
		return fmt.Errorf("%w: message %s: status %d", ErrRefused, m.ID, res.StatusCode)
	}
	return nil
}

// Sign returns the signature header of a body.
func Sign(secret []byte, at time.Time, body []byte) string {
	t := strconv.FormatInt(at.Unix(), 10)
	return "t=" + t + ",v1=" + hex.EncodeToString(mac(secret, t, body))
}

// Verify checks a signature header; tolerance bounds its age and its lead over now.
func Verify(secret []byte, header string, body []byte, now time.Time, tolerance time.Duration) error {
	t, sum, ok := strings.Cut(strings.TrimPrefix(header, "t="), ",v1=")
	at, err := strconv.ParseInt(t, 10, 64)
	if !ok || err != nil {
		return fmt.Errorf("%w: not of the form t=…,v1=…", ErrSignature)
	}
	got, err := hex.DecodeString(sum)
	if err != nil || !hmac.Equal(got, mac(secret, t, body)) {
		return ErrSignature
	}
	if age := now.Sub(time.Unix(at, 0)); age > tolerance || age < -tolerance {
		return fmt.Errorf("%w: too old or too new", ErrSignature)
	}
	return nil
}

func mac(secret []byte, t string, body []byte) []byte {
	h := hmac.New(sha256.New, secret)
	h.Write([]byte(t + "."))
	h.Write(body)
	return h.Sum(nil)
}
