package telephony

import (
	"slices"

	"hotline/telephony/ivr"
	"hotline/telephony/media"
)

// Check reports what is wrong with a configuration, as New does, without starting anything; its certificates are not looked at.
// silent are the prompts that cannot be read and that a tone would be played for.
func (c Config) Check() (silent []string, err error) {
	c = c.withDefaults()
	c.Listen = slices.DeleteFunc(slices.Clone(c.Listen), func(l string) bool {
		addrs, err := parseListen(l)
		return err == nil && (addrs[0].network == "tls" || addrs[0].network == "wss")
	})
	if err := c.validate(); err != nil {
		return nil, err
	}
	for _, name := range sentences(c.Flows) {
		if _, err := media.FromWAV(c.Prompts, name+".wav"); err != nil {
			silent = append(silent, name)
		}
	}
	return silent, nil
}

// Served are the queues, with their defaults.
func (c Config) Served() []QueueConfig { return c.withDefaults().Queues }

// Plan is where the callers of a line go.
type Plan struct {
	Line Line
	Flow ivr.Flow
}

// Plans are those of all lines, in the order of the configuration.
func (c Config) Plans() []Plan {
	c = c.withDefaults()
	plans := make([]Plan, len(c.Lines))
	for i, l := range c.Lines {
		plans[i] = Plan{Line: l, Flow: c.flowOf(l.Number)}
	}
	return plans
}

// flowOf is what the callers of a line are led through.
func (c Config) flowOf(line string) ivr.Flow {
	i := slices.IndexFunc(c.Flows, func(f ivr.Flow) bool { return slices.Contains(f.Lines, line) })
	if i < 0 {
		return ivr.Default()
	}
	return c.Flows[i]
}
