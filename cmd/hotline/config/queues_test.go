package config_test

import (
	"os"
	"strings"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"hotline/telephony"
	"hotline/telephony/acd"
)

// The example of the manual is valid, and means what it says.
func TestDocumentedQueues(t *testing.T) {
	manual, err := os.ReadFile("../../../docs/operations.md")
	require.NoError(t, err)
	_, example, ok := strings.Cut(string(manual), "```yaml\nqueue-list:")
	require.True(t, ok)
	example, _, _ = strings.Cut(example, "```")
	c, err := loadFile(t, "queue-list:"+example)
	require.NoError(t, err)
	require.Equal(t, map[string]string{"12345": "general", "12340": "general", "12315": "market", "12388": "sealed"}, c.QueueOf)
	require.Equal(t, acd.Overflow{To: "market", After: 90 * time.Second, Full: true}, c.Queues[0].Overflow)
	require.Equal(t, acd.Rules{{Until: 30 * time.Second, Needs: acd.Needs{"dialect": 2}}, {}}, c.Queues[0].Rules)
	market := telephony.QueueConfig{
		Name: "market", Seats: []string{"8001", "8002"}, Strategy: acd.RingAll, Priority: 1, Headstart: time.Minute, Reserve: 1,
		NoAgent: acd.NoAgentLeave, NoAgentAfter: 30 * time.Second, Callback: true, CallbackMissed: true, CallbackTries: 3, CallbackRetry: 5 * time.Minute, Rate: true, WrapUp: 20 * time.Second, SetAside: time.Minute, Handle: 4 * time.Minute,
	}
	require.Equal(t, market, c.Queues[1])
	_, err = telephony.New(telephony.Config{SpoolDir: t.TempDir(), Queues: c.Queues}, nil, nil, nil, telephony.Options{})
	require.NoError(t, err)
}

func TestBadQueuesAreNamed(t *testing.T) {
	for text, want := range map[string]string{
		"queue-list: [{name: a, strategie: x}]":                              "field strategie not found",
		"queue-list: [{name: a, max-wait: soon}]":                            "into time.Duration",
		"queue-list: [{name: a, lines: [12345]}, {name: b, lines: [12345]}]": `line 12345 goes to the queues "a" and "b"`,
		`queue-list: [{name: a, rules: "wait<30: dialect>=2"}]`:              "want `wait<30s: SKILL>=LEVEL`",
		`queue-list: [{name: a, rules: "else any; wait<9s: x"}]`:             "rule 2 of",
		"queue-list: [{name: a, lines: [999]}]":                              "line 999, which is not one of `lines`",
	} {
		_, err := loadFile(t, text)
		require.ErrorContains(t, err, want, text)
	}
}
