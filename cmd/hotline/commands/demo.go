package commands

import (
	"context"
	"errors"
	"fmt"
	"os"
	"time"

	"github.com/spf13/cobra"

	"hotline/cmd/demo"
	"hotline/cmd/hotline/accounts"
	"hotline/cmd/hotline/app"
	"hotline/cmd/hotline/config"
)

var errDemoOver = errors.New("the demo's time is over")

func newDemo(version string) *cobra.Command {
	var quiet bool
	var length time.Duration
	c := &cobra.Command{
		Use:   "demo",
		Short: "Run the sample city on loopback, with simulated citizens, operators and departments on real SIP",
		Args:  cobra.NoArgs,
		RunE: func(c *cobra.Command, _ []string) error {
			return runDemo(c, version, !quiet, length)
		},
	}
	config.Flags(c.Flags())
	c.Flags().Lookup("data").Usage = "folder for the demo's data (a temporary one that goes with it when not given)"
	c.Flags().BoolVar(&quiet, "no-traffic", false, "no simulated people")
	c.Flags().DurationVar(&length, "for", 0, "end after this long (not until interrupted)")
	return c
}

func runDemo(c *cobra.Command, version string, traffic bool, length time.Duration) error {
	if !c.Flags().Changed("data") && os.Getenv("HOTLINE_DATA") == "" {
		dir, err := os.MkdirTemp("", "hotline-demo-")
		if err != nil {
			return err
		}
		defer func() { _ = os.RemoveAll(dir) }()
		if err := c.Flags().Set("data", dir); err != nil {
			return err
		}
	}
	if !c.Flags().Changed("log-level") && os.Getenv("HOTLINE_LOG_LEVEL") == "" {
		if err := c.Flags().Set("log-level", "warn"); err != nil {
			return err
		}
	}
	cfg, log, err := settings(c)
	if err != nil {
		return err
	}
	node := app.New(cfg, app.Options{Log: log, Version: version, Prepare: app.SampleCity})
	err = runNode(c, node, cfg, log, func(ctx context.Context) error {
		welcome(c, node, cfg)
		if length > 0 {
			var cancel context.CancelFunc
			ctx, cancel = context.WithTimeoutCause(ctx, length, errDemoOver)
			defer cancel()
		}
		if traffic {
			people := demo.New(demo.Options{HTTPBase: node.URL(), SIPAddr: node.Center.Addr("udp").String(), Password: accounts.DemoPassword, Log: log})
			if err := people.Run(ctx); err != nil && ctx.Err() == nil {
				return fmt.Errorf("simulated people: %w", err)
			}
		}
		<-ctx.Done()
		return context.Cause(ctx)
	})
	if errors.Is(err, errDemoOver) || c.Context().Err() != nil && errors.Is(err, context.Canceled) {
		return nil
	}
	return err
}

func welcome(c *cobra.Command, node *app.App, cfg config.Config) {
	fmt.Fprintf(c.OutOrStdout(), `
  云澜市 12345 演示 · hotline demo

  工作台 desk      %[1]s/desk
  市民端 portal    %[1]s/
  接口 API         %[1]s/docs
  SIP              %[2]s

  用户 users       agent1 … agent5, lead1, dispatcher1, qc1, follow1, supervisor1, analyst1, admin, secadmin, auditor,
                   clerk-<department>, head-<department> (such as clerk-urban)
  密码 password    %[3]s
  坐席 seats       8001 … 8010, the same password; 8001 with agent1 is yours, 8010 with lead1 too: register any SIP phone
  热线 lines       %[4]v

  Ctrl-C 结束 ends it
`, node.URL(), node.Center.Addr("udp"), accounts.DemoPassword, cfg.Lines)
}
