package config_test

import (
	"testing"

	"github.com/stretchr/testify/require"
)

func TestTheShippedSettingsAreValid(t *testing.T) {
	c, err := load(t, "--config", "../../../deploy/hotline.yaml")
	require.NoError(t, err)
	require.Equal(t, "203.0.113.5", c.PublicIP)
	require.Equal(t, "sqlite:///var/lib/hotline/hotline.db", c.Store)
}
