package interop

import (
	"bytes"
	"os"
	"os/exec"
	"path/filepath"
	"strings"

	"github.com/stretchr/testify/require"
)

// pjsua is a phone on pjsip; see pjsua/phone.py.
type pjsua struct {
	*driven
	a access
}

// python finds pjsip's Python environment, which .ci/setup makes.
func (s *stage) python() string {
	s.Helper()
	out, err := exec.CommandContext(s.Context(), filepath.Join("..", "..", "..", ".ci", "setup"), "pjsua").Output()
	require.NoError(s, err)
	return filepath.Join(strings.TrimSpace(string(out)), "bin", "python")
}

// pjsua starts a phone; a seat is registered when it returns.
func (s *stage) pjsua(user string, a access) *pjsua {
	s.Helper()
	log := filepath.Join(s.TempDir(), "pjsip.log")
	script, err := filepath.Abs(filepath.Join("pjsua", "phone.py"))
	require.NoError(s, err)
	cmd := exec.CommandContext(s.Context(), s.python(), script)
	p := &pjsua{a: a, driven: s.drive("pjsip", "pjsip is PyPI's pjsua2-python: run .ci/setup", cmd, func() string {
		raw, _ := os.ReadFile(log)
		return string(bytes.ToValidUTF8(raw, nil))
	})}
	words := map[string]any{"transport": a.network, "user": user, "log": log, "proxy": a.proxy, "registrar": s.addr(a.network).String()}
	if a.seat {
		words["secret"] = secret
	}
	if a.media != "" {
		words["srtp"], words["keying"] = "mandatory", map[string]string{"srtp": "sdes", "dtls": "dtls"}[a.media]
	}
	if a.network == "tls" {
		words["ca"] = s.ca
	}
	p.do("start", words)
	p.do("tone", map[string]any{"frequency": toneForeign})
	if a.seat {
		require.Equal(s, 200, p.event("registered").Code)
	}
	return p
}

func (p *pjsua) dial(to string) { p.do("dial", map[string]any{"to": to}); p.stands() }
func (p *pjsua) answer()        { p.do("answer", nil); p.stands() }

// stands waits for the call, whose sound is encrypted if that was asked for, by pjsip's own word.
func (p *pjsua) stands() {
	p.s.Helper()
	p.state("CONFIRMED")
	require.Equal(p.s, p.a.media != "", strings.Contains(p.do("secure", nil).Dump, "SRTP status: Active"))
}

func pjsuaCells() []cell {
	return phoneCells("pjsip 2.15", func(s *stage, user string, a access) station { return s.pjsua(user, a) },
		access{network: "udp"}, access{network: "tcp"}, access{network: "udp", media: "srtp"},
		access{network: "tls", media: "srtp"})
}
