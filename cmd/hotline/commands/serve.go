package commands

import (
	"context"
	"errors"
	"fmt"
	"log/slog"
	"os"
	"os/signal"
	"runtime"
	"runtime/debug"
	"syscall"
	"time"

	"github.com/spf13/cobra"

	"hotline/cmd/hotline/app"
	"hotline/cmd/hotline/config"
	"hotline/telephony/media"
)

// gcPercent lets the heap grow to three times what is in use.
const gcPercent = 200

func newServe(version string) *cobra.Command {
	c := &cobra.Command{
		Use:   "serve",
		Short: "Run a node: telephony, web and workers",
		Args:  cobra.NoArgs,
		RunE: func(c *cobra.Command, _ []string) error {
			cfg, log, err := settings(c)
			if err != nil {
				return err
			}
			if os.Getenv("GOGC") == "" { // calls make much garbage and keep little: a larger heap is cheaper than collecting often
				debug.SetGCPercent(gcPercent)
			}
			if os.Getenv("GOMAXPROCS") == "" { // the threads that read RTP are for the most part in system calls, and hold a processor of the scheduler each
				runtime.GOMAXPROCS(runtime.GOMAXPROCS(0) + media.Readers())
			}
			node := app.New(cfg, app.Options{Log: log, Version: version})
			return runNode(c, node, cfg, log, func(context.Context) error { return nil })
		},
	}
	config.Flags(c.Flags())
	return c
}

// runNode starts a node, says where it is, and stops it when the command is
// told to end. then runs beside it and may end it by returning an error.
func runNode(c *cobra.Command, node *app.App, cfg config.Config, log *slog.Logger, then func(context.Context) error) error {
	began := time.Now()
	if err := node.Start(c.Context()); err != nil {
		return err
	}
	for _, one := range node.Issued {
		fmt.Fprintf(c.OutOrStdout(), "first start: user %[1]s, one-time password %[2]s (shown once; change it with: hotline user password %[1]s)\n", one.Login, one.Password)
	}
	log.Info("ready", "took_ms", time.Since(began).Milliseconds(), "http", node.URL(), "sip", cfg.SIP, "roles", cfg.Roles)
	ctx, cancel := context.WithCancel(c.Context())
	defer cancel()
	defer reloadOnHangup(node, log)()
	ended := make(chan error, 1)
	go func() { ended <- then(ctx) }()
	var err error
	select {
	case <-ctx.Done():
		cancel()
		err = <-ended
	case err = <-ended:
		if err == nil {
			<-ctx.Done()
		}
	}
	log.Info("stopping")
	// A second signal is impatience: calls are ended at once, in order.
	patient, quick := signal.NotifyContext(context.WithoutCancel(ctx), os.Interrupt, syscall.SIGTERM)
	defer quick()
	stop, done := context.WithTimeout(patient, cfg.Drain)
	defer done()
	err = errors.Join(err, node.Stop(stop))
	log.Info("stopped")
	return err
}

// reloadOnHangup reads the certificate again on SIGHUP, until the function
// that it returns is called.
func reloadOnHangup(node *app.App, log *slog.Logger) func() {
	hup, done := make(chan os.Signal, 1), make(chan struct{})
	signal.Notify(hup, syscall.SIGHUP)
	go func() {
		defer close(done)
		for range hup {
			if err := node.Reload(); err != nil {
				log.Error("nothing changed on SIGHUP", "error", err)
			}
		}
	}()
	return func() {
		signal.Stop(hup)
		close(hup)
		<-done
	}
}
