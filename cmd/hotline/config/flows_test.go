package config_test

import (
	"os"
	"strings"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"hotline/telephony"
	"hotline/telephony/ivr"
)

// The example of the manual is valid, and so is what it leads to.
func TestDocumentedFlows(t *testing.T) {
	manual, err := os.ReadFile("../../../docs/operations.md")
	require.NoError(t, err)
	section := func(key string) string {
		_, example, ok := strings.Cut(string(manual), "```yaml\n"+key+":")
		require.True(t, ok)
		example, _, _ = strings.Cut(example, "```")
		return key + ":" + example + "\n"
	}
	c, err := loadFile(t, section("queue-list")+section("flow-list"))
	require.NoError(t, err)
	require.Equal(t, []string{"12345"}, c.Flows[0].Lines)
	require.Equal(t, ivr.Queue{SameAgent: 72 * time.Hour}, *c.Flows[0].Steps["people"].Queue)
	_, err = telephony.New(telephony.Config{SpoolDir: t.TempDir(), Queues: c.Queues, Flows: c.Flows}, nil, nil, nil, telephony.Options{})
	require.NoError(t, err)
}

func TestBadFlowsNameTheFilesPlace(t *testing.T) {
	_, err := loadFile(t, "realm: city\nflow-list:\n  - name: f\n    start: a\n    steps:\n      a: {queue: {nam: x}}\n")
	require.ErrorContains(t, err, `line 6, column 19: "nam" is unknown here`)
	_, err = loadFile(t, "prompts: /nowhere\n")
	require.ErrorContains(t, err, "is no folder that can be read")
}
