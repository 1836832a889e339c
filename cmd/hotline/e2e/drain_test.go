package e2e

import (
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"syscall"
	"testing"

	"github.com/stretchr/testify/require"

	"hotline/cmd/hotline/testbed"
	"hotline/telephony/media"
	"hotline/telephony/phone"
	"hotline/telephony/tlstest"
)

// The built binary takes a renewed certificate on SIGHUP, and on SIGTERM lets
// the call in progress end, refuses new ones with 503, and exits cleanly.
func TestBinaryReloadsAndDrains(t *testing.T) {
	dir := t.TempDir()
	binary := filepath.Join(dir, "hotline")
	out, err := exec.CommandContext(t.Context(), "go", "build", "-o", binary, "hotline/cmd/hotline").CombinedOutput()
	require.NoError(t, err, string(out))
	cert, key := filepath.Join(dir, "cert.pem"), filepath.Join(dir, "key.pem")
	before, err := tlstest.NewAuthority()
	require.NoError(t, err)
	after, err := tlstest.NewAuthority()
	require.NoError(t, err)
	require.NoError(t, before.WriteFiles(cert, key, "127.0.0.1"))
	sip := fmt.Sprintf("127.0.0.1:%d", testbed.FreePort(t))
	log, err := os.Create(filepath.Join(dir, "log"))
	require.NoError(t, err)
	defer log.Close()
	said := func(what string) bool {
		raw, err := os.ReadFile(log.Name())
		require.NoError(t, err)
		return strings.Contains(string(raw), what)
	}
	cmd := exec.CommandContext(t.Context(), binary, "serve", "--data", filepath.Join(dir, "data"), "--http", "127.0.0.1:0", "--rtp", "20000-29999",
		"--sip", "wss://"+sip, "--tls-cert", cert, "--tls-key", key, "--drain", "1m")
	cmd.Stdout, cmd.Stderr = log, log
	require.NoError(t, cmd.Start())
	testbed.Await(t, "the node is ready", func() bool { return said(`"msg":"ready"`) })
	citizen := func(a *tlstest.Authority) *phone.Phone {
		p, err := phone.New(phone.Options{User: "13800138000", Network: "wss", Registrar: sip, TLS: a.Client()})
		require.NoError(t, err)
		require.NoError(t, p.Start(t.Context()))
		t.Cleanup(func() { _ = p.Stop(t.Context()) })
		return p
	}
	first, err := citizen(before).Dial(t.Context(), "12345")
	require.NoError(t, err)
	require.NoError(t, first.WaitAnswered(testbed.Within(t)))

	require.NoError(t, after.WriteFiles(cert, key, "127.0.0.1"))
	require.NoError(t, cmd.Process.Signal(syscall.SIGHUP))
	testbed.Await(t, "the certificate is in use", func() bool { return said("certificate taken into use") })
	later := citizen(after)
	second, err := later.Dial(t.Context(), "12345")
	require.NoError(t, err)
	require.NoError(t, second.WaitAnswered(testbed.Within(t)), "who trusts the new one alone")
	second.Hangup()

	require.NoError(t, cmd.Process.Signal(syscall.SIGTERM))
	testbed.Await(t, "it stops", func() bool { return said(`"msg":"stopping"`) })
	testbed.Await(t, "new calls are refused", func() bool {
		c, err := later.Dial(t.Context(), "12345")
		require.NoError(t, err)
		if c.WaitAnswered(testbed.Within(t)) == nil { // it came a moment too soon
			c.Hangup()
			return false
		}
		return c.Cause().Code == 503
	})
	first.Play(media.Tone(440, -10, 0), false)
	require.NoError(t, first.WaitSound(testbed.Within(t)), "the call goes on")
	first.Hangup()
	require.NoError(t, cmd.Wait())
	require.True(t, said(`"msg":"stopped"`))
}
