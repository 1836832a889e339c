package config

import (
	"fmt"
	"slices"
	"time"

	"hotline/telephony"
	"hotline/telephony/acd"
)

// queueList is the key of the queues with settings of their own. As with the
// trunks it is for the file alone.
const queueList = "queue-list"

// queueEntry is one queue as the file has it.
type queueEntry struct {
	Name      string        `yaml:"name"`
	Lines     []string      `yaml:"lines"`
	Seats     []string      `yaml:"seats"`
	Rules     skillRules    `yaml:"rules"`
	Strategy  string        `yaml:"strategy"`
	Priority  int           `yaml:"priority"`
	Headstart time.Duration `yaml:"headstart"`
	Reserve   int           `yaml:"reserve"`
	MaxLength int           `yaml:"max-length"`
	MaxWait   time.Duration `yaml:"max-wait"`
	Overflow  struct {
		To      string        `yaml:"to"`
		Number  string        `yaml:"number"`
		After   time.Duration `yaml:"after"`
		Full    bool          `yaml:"full"`
		MaxWait bool          `yaml:"max-wait"`
	} `yaml:"overflow"`
	NoAgent        string        `yaml:"no-agent"`
	NoAgentAfter   time.Duration `yaml:"no-agent-after"`
	Sealed         bool          `yaml:"sealed"`
	Callback       bool          `yaml:"callback"`
	CallbackMissed bool          `yaml:"callback-missed"`
	CallbackTries  int           `yaml:"callback-tries"`
	CallbackRetry  time.Duration `yaml:"callback-retry"`
	Rate           bool          `yaml:"rate"`
	WrapUp         time.Duration `yaml:"wrap-up"`
	SetAside       time.Duration `yaml:"set-aside"`
	AnnounceEvery  time.Duration `yaml:"announce-every"`
	Handle         time.Duration `yaml:"handle"`
}

// skillRules are such as "wait<30s: dialect>=2; else any".
type skillRules acd.Rules

// UnmarshalText implements encoding.TextUnmarshaler.
func (r *skillRules) UnmarshalText(text []byte) error {
	parsed, err := acd.ParseRules(string(text))
	*r = skillRules(parsed)
	return err
}

// readQueues reads the queues of a file, and which of them takes the calls of
// a line. The queues are checked by the call centre.
func readQueues(file sections) ([]telephony.QueueConfig, map[string]string, error) {
	var entries []queueEntry
	if err := file.read(queueList, &entries); err != nil {
		return nil, nil, err
	}
	var queues []telephony.QueueConfig
	of := map[string]string{}
	for _, e := range entries {
		for _, line := range e.Lines {
			if other, taken := of[line]; taken {
				return nil, nil, fmt.Errorf("configuration file %s: line %s goes to the queues %q and %q: name it once", file.path, line, other, e.Name)
			}
			of[line] = e.Name
		}
		queues = append(queues, e.queue())
	}
	return queues, of, nil
}

func (e queueEntry) queue() telephony.QueueConfig {
	return telephony.QueueConfig{
		Name: e.Name, Seats: e.Seats, Rules: acd.Rules(e.Rules), Strategy: acd.Strategy(e.Strategy), Priority: e.Priority, Headstart: e.Headstart, Reserve: e.Reserve,
		MaxLength: e.MaxLength, MaxWait: e.MaxWait, Overflow: acd.Overflow(e.Overflow), NoAgent: acd.NoAgent(e.NoAgent), NoAgentAfter: e.NoAgentAfter,
		Sealed: e.Sealed, Callback: e.Callback, CallbackMissed: e.CallbackMissed, CallbackTries: e.CallbackTries, CallbackRetry: e.CallbackRetry,
		Rate: e.Rate, WrapUp: e.WrapUp, SetAside: e.SetAside, AnnounceEvery: e.AnnounceEvery, Handle: e.Handle,
	}
}

// checkLines refuses queues of lines that are not answered.
func checkLines(lines []string, queueOf map[string]string) error {
	for line, queue := range queueOf {
		if !slices.Contains(lines, line) {
			return fmt.Errorf("queue %q takes the calls of line %s, which is not one of `lines`: name it there", queue, line)
		}
	}
	return nil
}
