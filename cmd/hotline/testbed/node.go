package testbed

import (
	"context"
	"log/slog"
	"net/netip"
	"path/filepath"
	"testing"

	"github.com/stretchr/testify/require"

	"hotline/cmd/hotline/app"
	"hotline/cmd/hotline/config"
)

// StartNode starts a whole node with the sample city on loopback; change, when
// given, has the last word on its settings.
func StartNode(t testing.TB, opts app.Options, change func(*config.Config)) *app.App {
	t.Helper()
	dir := t.TempDir()
	cfg := config.Config{
		Data: dir, HTTP: "127.0.0.1:0", SIP: []string{"127.0.0.1:0"}, Store: "sqlite://" + filepath.Join(dir, "hotline.db"), Queue: "mem://",
		Search: "fts://" + filepath.Join(dir, "search.db"), Blobs: "file://" + filepath.Join(dir, "blobs"),
		Roles: []config.Role{config.SIP, config.Web, config.Worker}, RTPLow: 20000, RTPHigh: 29999,
		Trunks: []netip.Prefix{netip.MustParsePrefix("127.0.0.0/8")}, Lines: []string{"12345", "12315"}, Realm: "hotline",
	}
	if change != nil {
		change(&cfg)
	}
	opts.Prepare = app.SampleCity
	if opts.Log == nil {
		opts.Log = slog.New(slog.NewTextHandler(t.Output(), &slog.HandlerOptions{Level: slog.LevelWarn}))
	}
	n := app.New(cfg, opts)
	require.NoError(t, n.Start(t.Context()))
	t.Cleanup(func() {
		ctx, cancel := context.WithTimeout(context.Background(), Patience)
		defer cancel()
		require.NoError(t, n.Stop(ctx))
	})
	return n
}
