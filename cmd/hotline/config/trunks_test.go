package config_test

import (
	"fmt"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"hotline/cmd/hotline/config"
	"hotline/telephony"
	"hotline/telephony/trunk"
)

func loadFile(t *testing.T, text string) (config.Config, error) {
	t.Helper()
	file := filepath.Join(t.TempDir(), "hotline.yaml")
	require.NoError(t, os.WriteFile(file, []byte(text), 0o600))
	return load(t, "--config", file)
}

func TestTrunksOfTheFile(t *testing.T) {
	t.Setenv("HOTLINE_TRUNK_SECRET_UNICOM_2", "from-the-variable")
	c, err := loadFile(t, `
realm: city
trunk-list:
  - name: telecom
    lines: [12345, 12315]
    from: [198.51.100.0/24, 198.51.100.130]
    dids: {01066554433: 12345}
    called: p-called-party-id
    max-in: 60
    codecs: [PCMU]
    rewrite:
      caller-in: [{match: '9(\d+)', replace: $1}]
      called-out: [{prefix: "0", replace: "90"}]
    present: {number: "01012345", form: e164, asserted: true}
  - name: unicom-2
    distrust: true
    ping: {interval: 20s, fails: 3, bad: [503]}
    patience: 900ms
    register: {registrar: ims.example, proxy: "192.0.2.2:5060", expires: 5m}
    auth: {user: "8800"}
    gateways:
      - {host: "192.0.2.1:5080", transport: tcp, priority: 1, weight: 5, name: first}
      - host: sbc.example
`)
	require.NoError(t, err)
	trunks := c.TrunkList
	require.Len(t, trunks, 2)
	one, two := trunks[0], trunks[1]
	require.Equal(t, []string{"12345", "12315"}, one.Lines)
	require.Equal(t, "198.51.100.130/32", one.From[1].String())
	require.Equal(t, map[string]string{"01066554433": "12345"}, one.DIDs, "a leading zero stays")
	require.Equal(t, telephony.FromCalledParty, one.Called)
	require.Equal(t, []trunk.Rule{{Match: `9(\d+)`, Replace: "$1"}}, one.Rewrite.CallerIn)
	require.Equal(t, telephony.E164Form, one.Present.Form)
	require.Equal(t, telephony.Gateway{Name: "first", Host: "192.0.2.1:5080", Transport: "tcp", Priority: 1, Weight: 5}, two.Gateways[0])
	require.Equal(t, telephony.Ping{Interval: 20 * time.Second, Fails: 3, Bad: []int{503}}, two.Ping)
	require.Equal(t, telephony.Registration{Registrar: "ims.example", Proxy: "192.0.2.2:5060", Expires: 5 * time.Minute}, two.Register)
	require.Equal(t, 900*time.Millisecond, two.Patience)
	require.Equal(t, telephony.Secret("from-the-variable"), two.Auth.Secret)
	require.NotContains(t, fmt.Sprintf("%v %+v %#v %s", two, two, two, two.Auth.Secret), "variable")
}

func TestBadTrunksAreNamed(t *testing.T) {
	for text, want := range map[string]string{
		"trunk-list: [{name: t, fron: [192.0.2.1]}]":        "field fron not found",
		"trunk-list: [{name: t, from: [ten]}]":              `trunk "t": from: "ten" is not an address or prefix`,
		"trunk-list: {name: t}":                             "cannot unmarshal",
		"trunk-list: [{name: t, auth: {secret: [s3cret]}}]": "cannot unmarshal",
	} {
		_, err := loadFile(t, text)
		require.ErrorContains(t, err, want)
		require.NotContains(t, err.Error(), "s3cret")
	}
}

// The example of the manual and the one of the shipped file are valid.
func TestDocumentedTrunks(t *testing.T) {
	manual, err := os.ReadFile("../../../docs/operations.md")
	require.NoError(t, err)
	_, example, ok := strings.Cut(string(manual), "```yaml\ntrunk-list:")
	require.True(t, ok)
	example, _, _ = strings.Cut(example, "```")
	shipped, err := os.ReadFile("../../../deploy/hotline.yaml")
	require.NoError(t, err)
	_, commented, ok := strings.Cut(string(shipped), "# trunk-list:")
	require.True(t, ok)
	commented, _, _ = strings.Cut(commented, "\n# Shared")
	t.Setenv("HOTLINE_TRUNK_SECRET_MOBILE", "secret")
	for _, text := range []string{example, strings.ReplaceAll(commented, "\n#", "\n")} {
		c, err := loadFile(t, "trunk-list:"+text)
		require.NoError(t, err)
		require.Len(t, c.TrunkList, 2)
		_, err = telephony.New(telephony.Config{
			SpoolDir: t.TempDir(), TrunkList: c.TrunkList, Lines: []telephony.Line{{Number: "12345"}, {Number: "12315"}},
		}, nil, nil, nil, telephony.Options{})
		require.NoError(t, err)
	}
}
