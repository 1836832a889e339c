package e2e

import (
	"net/http"
	"os"
	"os/exec"
	"path/filepath"
	"regexp"
	"strconv"
	"strings"
	"testing"

	"github.com/stretchr/testify/require"

	"hotline/cmd/hotline/app"
)

// notFuzzed are operations with which a client would end its own session, and
// the stream that does not end.
var notFuzzed = []string{"sign-in", "sign-out", "events", "end-own-session", "end-user-sessions", "change-password", "grant-roles", "change-user"}

var generated = regexp.MustCompile(`([0-9]+) generated`)

// TestFuzzedFromTheDocument and its drill have schemathesis make requests for
// every operation of the OpenAPI document, valid and not: none is answered with a
// fault of the server.
func TestFuzzedFromTheDocument(t *testing.T) { fuzz(t, "1", "lead1", "secadmin") }

func TestFuzzedFromTheDocumentDrill(t *testing.T) {
	if os.Getenv("HOTLINE_DRILL") == "" {
		t.Log("the short form is TestFuzzedFromTheDocument; make drill runs this one")
		return
	}
	fuzz(t, "20", "agent1", "lead1", "secadmin", "admin", "auditor", "clerk-transport", "sealed1")
}

func fuzz(t *testing.T, examples string, logins ...string) {
	t.Helper()
	out, err := exec.CommandContext(t.Context(), filepath.Join("..", "..", "..", ".ci", "setup"), "schemathesis").Output()
	require.NoError(t, err)
	program := filepath.Join(strings.TrimSpace(string(out)), "bin", "schemathesis")
	require.FileExists(t, program, "schemathesis is a package of PyPI: run .ci/setup")
	n := startNode(t, embedded, app.Options{})
	for _, login := range logins {
		t.Run(login, func(t *testing.T) {
			d := signIn(t, n.URL(), login)
			args := []string{
				"run", n.URL() + "/openapi.json", "--header", "Authorization: Bearer " + d.token, "--checks", "not_a_server_error",
				"--max-examples", examples, "--phases", "examples,coverage,fuzzing", "--workers", "2", "--seed", "12345", "--no-color", "--generation-deterministic",
			}
			for _, id := range notFuzzed {
				args = append(args, "--exclude-operation-id", id)
			}
			cmd := exec.CommandContext(t.Context(), program, args...)
			cmd.Dir = t.TempDir() // it keeps what it found there
			said, err := cmd.CombinedOutput()
			require.NoError(t, err, "%s", said)
			found := generated.FindSubmatch(said)
			require.NotNil(t, found, "%s", said)
			count, err := strconv.Atoi(string(found[1]))
			require.NoError(t, err)
			require.Greater(t, count, 1000)
			status, _, _ := d.send(http.MethodGet, "/api/v1/me", nil)
			require.Equal(t, http.StatusOK, status, "its session lasted to the end")
		})
	}
}
