package logging_test

import (
	"bytes"
	"errors"
	"log/slog"
	"testing"

	"github.com/stretchr/testify/require"

	"hotline/cmd/hotline/logging"
)

func TestNumbersOfPeopleNeverPass(t *testing.T) {
	var out bytes.Buffer
	log, err := logging.New(&out, "debug")
	require.NoError(t, err)
	log = log.With("caller", "13812345678")
	log.Info("call from 13987654321,13711112222", "id", "320402199001011234", "error", errors.New("bad +8613612345678"),
		slog.Group("g", "x", []string{"15912345678"}))
	text := out.String()
	for _, secret := range []string{"13812345678", "13987654321", "13711112222", "320402199001011234", "13612345678", "15912345678"} {
		require.NotContains(t, text, secret)
	}
	require.Contains(t, text, "138****5678")
}

func TestOtherNumbersStay(t *testing.T) {
	for _, text := range []string{
		"20261122-000318", "0192f3a1-13812345678-7abc", "call_13812345678", "1732271400123", "took 1234ms", "a13812345678",
	} {
		require.Equal(t, text, logging.Mask(text))
	}
}
