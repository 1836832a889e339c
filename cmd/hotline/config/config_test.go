package config_test

import (
	"os"
	"path/filepath"
	"testing"

	"github.com/spf13/pflag"
	"github.com/stretchr/testify/require"

	"hotline/cmd/hotline/config"
)

func load(t *testing.T, args ...string) (config.Config, error) {
	t.Helper()
	flags := pflag.NewFlagSet("serve", pflag.ContinueOnError)
	config.Flags(flags)
	require.NoError(t, flags.Parse(args))
	return config.Load(flags)
}

func TestFlagsOverrideVariablesOverrideFile(t *testing.T) {
	file := filepath.Join(t.TempDir(), "hotline.yaml")
	require.NoError(t, os.WriteFile(file, []byte("http: 127.0.0.1:1\nrealm: file\npublic-ip: 192.0.2.1\ntrunks: [192.0.2.0/24, 198.51.100.7]\n"), 0o600))
	t.Setenv("HOTLINE_HTTP", "127.0.0.1:2")
	t.Setenv("HOTLINE_PUBLIC_IP", "192.0.2.2")
	c, err := load(t, "--config", file, "--http", "127.0.0.1:3")
	require.NoError(t, err)
	require.Equal(t, "127.0.0.1:3", c.HTTP)
	require.Equal(t, "192.0.2.2", c.PublicIP)
	require.Equal(t, "file", c.Realm)
	require.Len(t, c.Trunks, 2)
	require.Equal(t, "198.51.100.7/32", c.Trunks[1].String())
}

func TestEmbeddedEnginesLiveInTheDataFolder(t *testing.T) {
	dir := t.TempDir()
	c, err := load(t, "--data", dir)
	require.NoError(t, err)
	require.Equal(t, "sqlite://"+dir+"/hotline.db", c.Store)
	require.Equal(t, "fts://"+dir+"/search.db", c.Search)
	require.Equal(t, "file://"+dir+"/blobs", c.Blobs)
	require.Equal(t, "mem://", c.Queue)
}

func TestBadSettingsNameTheFlagAndTheWayOut(t *testing.T) {
	for name, test := range map[string]struct {
		args []string
		want string
	}{
		"role":          {[]string{"--roles", "web,cook"}, `--roles: unknown role "cook"; use sip, web and worker`},
		"rtp":           {[]string{"--rtp", "40000"}, "--rtp: \"40000\" is not a range of ports such as 30000-39999"},
		"trunk":         {[]string{"--trunks", "ten"}, "--trunks: \"ten\" is not an address or prefix"},
		"half a TLS":    {[]string{"--tls-cert", "a.pem"}, "give --tls-cert and --tls-key together"},
		"no TLS":        {[]string{"--sip", "udp://127.0.0.1:5060,wss://127.0.0.1:5062"}, "--sip: wss://127.0.0.1:5062 needs a certificate: give --tls-cert and --tls-key"},
		"http":          {[]string{"--http", "8080"}, "--http: \"8080\" is not host:port"},
		"node's queue":  {[]string{"--node", "a", "--store", "postgres://x"}, "--node: nodes share the call centre over Redis; give --queue redis://"},
		"node's store":  {[]string{"--node", "a", "--queue", "redis://127.0.0.1:1"}, "--node: nodes share one database; give --store postgres://"},
		"node's name":   {[]string{"--node", "a b"}, "--node: \"a b\": give letters, digits, points and dashes"},
		"node's http":   {[]string{"--node", "a", "--http", "0.0.0.0:8080"}, "--node-url: --http listens on every address"},
		"node's URL":    {[]string{"--node", "a", "--node-url", "10.1.2.3:8080"}, "--node-url: \"10.1.2.3:8080\" is not a URL such as"},
		"URL of nobody": {[]string{"--node-url", "http://10.1.2.3:8080"}, "--node-url: give --node too"},
		"level":         {[]string{"--log-level", "loud"}, "--log-level: unknown level"},
	} {
		t.Run(name, func(t *testing.T) {
			_, err := load(t, test.args...)
			require.ErrorContains(t, err, test.want)
		})
	}
}

func TestWhereOtherNodesReachANode(t *testing.T) {
	shared := []string{"--node", "a", "--queue", "redis://127.0.0.1:1", "--store", "postgres://x"}
	for want, args := range map[string][]string{
		"http://10.1.2.3:8080":  {"--http", "10.1.2.3:8080"},
		"https://h.example:443": {"--node-url", "https://h.example:443/", "--http", "0.0.0.0:8080"},
	} {
		c, err := load(t, append(args, shared...)...)
		require.NoError(t, err)
		require.Equal(t, want, c.NodeURL)
	}
}

func TestUnknownKeyIsNamed(t *testing.T) {
	file := filepath.Join(t.TempDir(), "hotline.yaml")
	require.NoError(t, os.WriteFile(file, []byte("htpp: 127.0.0.1:1\n"), 0o600))
	_, err := load(t, "--config", file)
	require.ErrorContains(t, err, `unknown key "htpp"`)
}
