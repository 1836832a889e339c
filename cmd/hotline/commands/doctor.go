package commands

import (
	"cmp"
	"fmt"
	"strings"

	"github.com/spf13/cobra"

	"hotline/cmd/hotline/app"
	"hotline/cmd/hotline/config"
	"hotline/telephony"
	"hotline/telephony/acd"
)

func newDoctor() *cobra.Command {
	c := &cobra.Command{
		Use:   "doctor",
		Short: "Check the configuration, draw where callers go, and verify the ledger",
		Args:  cobra.NoArgs,
		RunE: func(c *cobra.Command, _ []string) error {
			cfg, err := config.Load(c.Flags())
			if err != nil {
				return err
			}
			centre := app.CallCentre(cfg)
			silent, err := centre.Check()
			if err != nil {
				return err
			}
			fmt.Fprint(c.OutOrStdout(), examination(centre, silent))
			return examineLedger(c, cfg)
		},
	}
	config.Flags(c.Flags())
	return c
}

// examination is what the doctor says of a valid configuration.
func examination(centre telephony.Config, silent []string) string {
	var b strings.Builder
	for _, p := range centre.Plans() {
		fmt.Fprintf(&b, "line %s, queue %s, flow ", p.Line.Number, p.Line.Queue)
		b.WriteString(p.Flow.Draw())
	}
	for _, q := range centre.Served() {
		fmt.Fprintf(&b, "queue %s: %s\n", q.Name, describe(q))
	}
	for _, name := range silent {
		fmt.Fprintf(&b, "prompt %s.wav cannot be read: a tone is played in its place\n", name)
	}
	if len(silent) == 0 {
		b.WriteString("all prompts can be read\n")
	}
	return b.String()
}

func describe(q telephony.QueueConfig) string {
	parts := []string{string(cmp.Or(q.Strategy, acd.LongestIdle))}
	if len(q.Seats) > 0 {
		parts = append(parts, "seats "+strings.Join(q.Seats, " "))
	}
	if len(q.Rules) > 0 {
		parts = append(parts, fmt.Sprintf("%d rules of skills", len(q.Rules)))
	}
	if to := cmp.Or(q.Overflow.To, q.Overflow.Number); to != "" {
		parts = append(parts, "overflows to "+to)
	}
	if q.NoAgent != "" {
		parts = append(parts, "with nobody at work callers "+map[acd.NoAgent]string{
			acd.NoAgentWait: "wait", acd.NoAgentLeave: "are sent away", acd.NoAgentOverflow: "overflow",
		}[q.NoAgent])
	}
	return strings.Join(parts, ", ")
}
