package assist_test

import (
	"encoding/json"
	"net/http"
	"net/http/httptest"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"hotline/search/assist"
)

// endpoint answers as an OpenAI-compatible server does, and keeps what it was asked.
type endpoint struct {
	*httptest.Server
	mu    sync.Mutex // over the fields below: a request that was given up may still be on its way
	say   func(w http.ResponseWriter, r *http.Request)
	asked []string
	auth  string
}

func newEndpoint(t *testing.T) *endpoint {
	e := &endpoint{}
	e.Server = httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		var in struct {
			Model    string `json:"model"`
			Messages []struct{ Role, Content string }
		}
		if r.Method != http.MethodPost || r.URL.Path != "/v1/chat/completions" || json.NewDecoder(r.Body).Decode(&in) != nil || in.Model != "small" || len(in.Messages) != 2 {
			w.WriteHeader(http.StatusBadRequest)
			return
		}
		e.mu.Lock()
		e.asked, e.auth = append(e.asked, in.Messages[1].Content), r.Header.Get("Authorization")
		say := e.say
		e.mu.Unlock()
		say(w, r)
	}))
	t.Cleanup(e.Close)
	return e
}

func (e *endpoint) will(say func(http.ResponseWriter, *http.Request)) {
	e.mu.Lock()
	defer e.mu.Unlock()
	e.say = say
}

func (e *endpoint) says(text string) {
	e.will(func(w http.ResponseWriter, _ *http.Request) {
		w.Header().Set("Content-Type", "application/json")
		_ = json.NewEncoder(w).Encode(map[string]any{"choices": []any{map[string]any{"message": map[string]string{"role": "assistant", "content": text}}}})
	})
}

func (e *endpoint) model(t *testing.T, c assist.Config) *assist.Model {
	c.URL, c.Model, c.Key = e.URL+"/v1/", "small", "word"
	m, err := assist.New(c)
	require.NoError(t, err)
	return m
}

var matter = assist.Matter{Title: "王女士反映路灯不亮", Text: "望江路12号路灯不亮，电话13812345678，身份证110101199003071234，车牌苏A12345，邮箱a.b@example.com", Category: "路灯", Notes: []string{"已派单"}}

func TestWhatIsSentIsMasked(t *testing.T) {
	e := newEndpoint(t)
	e.says("<think>嗯</think> 望江路路灯不亮，已派单。")
	said, err := e.model(t, assist.Config{}).Summary(t.Context(), matter)
	require.NoError(t, err)
	require.Equal(t, "望江路路灯不亮，已派单。", said)
	require.Equal(t, "Bearer word", e.auth)
	for _, secret := range []string{"138", "110101", "苏A", "example.com", "王"} {
		require.NotContains(t, e.asked[0], secret)
	}
	require.Contains(t, e.asked[0], "望江路12号", "where it is stays")
	require.Contains(t, e.asked[0], "已派单")
}

func TestACategoryIsOneOfTheChoices(t *testing.T) {
	e := newEndpoint(t)
	m := e.model(t, assist.Config{})
	choices := []assist.Choice{{"L", "路灯"}, {"N", "噪音"}}
	for said, want := range map[string]string{"L": "L", " `N`。": "N", "无": "", "路灯": "", "LN": ""} {
		e.says(said)
		code, err := m.Category(t.Context(), matter, choices)
		require.NoError(t, err)
		require.Equal(t, want, code, said)
	}
}

func TestAFailingModelIsToldOfWithoutItsWords(t *testing.T) {
	e := newEndpoint(t)
	m := e.model(t, assist.Config{Timeout: 300 * time.Millisecond})
	for name, say := range map[string]func(http.ResponseWriter, *http.Request){
		"refusal": func(w http.ResponseWriter, _ *http.Request) {
			http.Error(w, `{"error":{"message":"望江路"}}`, http.StatusTooManyRequests)
		},
		"no JSON": func(w http.ResponseWriter, _ *http.Request) { _, _ = w.Write([]byte("<html>望江路")) },
		"slow":    func(_ http.ResponseWriter, r *http.Request) { <-r.Context().Done() },
		"elsewhere": func(w http.ResponseWriter, r *http.Request) {
			http.Redirect(w, r, "http://127.0.0.1:9/", http.StatusTemporaryRedirect)
		},
	} {
		e.will(say)
		_, err := m.Reply(t.Context(), matter)
		require.ErrorIs(t, err, assist.ErrUnavailable, name)
		require.NotContains(t, err.Error(), "望江路", name)
	}
	e.says("  ")
	_, err := m.Reply(t.Context(), matter)
	require.ErrorIs(t, err, assist.ErrNothing)
	e.says(strings.Repeat("长", 5000))
	said, err := m.Reply(t.Context(), matter)
	require.NoError(t, err)
	require.Len(t, []rune(said), 1500)
}

func TestOnlySoManyAskAtOnce(t *testing.T) {
	e := newEndpoint(t)
	begun, end := make(chan struct{}), make(chan struct{})
	e.will(func(http.ResponseWriter, *http.Request) {
		close(begun)
		<-end
	})
	m := e.model(t, assist.Config{AtOnce: 1})
	done := make(chan error, 1)
	go func() {
		_, err := m.Summary(t.Context(), matter)
		done <- err
	}()
	<-begun
	_, err := m.Summary(t.Context(), matter)
	require.ErrorIs(t, err, assist.ErrBusy)
	close(end)
	require.Error(t, <-done)
}

func TestAnAddressIsChecked(t *testing.T) {
	for _, bad := range []string{"", "localhost:8000", "ftp://h/v1", "http://"} {
		_, err := assist.New(assist.Config{URL: bad, Model: "m"})
		require.ErrorContains(t, err, "such as http://127.0.0.1:8000/v1", bad)
	}
	_, err := assist.New(assist.Config{URL: "http://h/v1"})
	require.ErrorContains(t, err, "no name")
}
