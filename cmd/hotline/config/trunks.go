package config

import (
	"errors"
	"fmt"
	"os"
	"strings"
	"time"

	"hotline/telephony"
	"hotline/telephony/trunk"
)

// trunkList is the key of the trunks with settings of their own. It has
// neither flag nor variable: it holds more than a line can say.
const trunkList = "trunk-list"

// trunkEntry is one trunk as the file has it.
type trunkEntry struct {
	Name        string            `yaml:"name"`
	Lines       []string          `yaml:"lines"`
	From        []string          `yaml:"from"`
	Gateways    []gatewayEntry    `yaml:"gateways"`
	MaxIn       int               `yaml:"max-in"`
	MaxOut      int               `yaml:"max-out"`
	Codecs      []string          `yaml:"codecs"`
	Called      string            `yaml:"called"`
	DIDs        map[string]string `yaml:"dids"`
	Distrust    bool              `yaml:"distrust"`
	RemoteParty bool              `yaml:"remote-party-id"`
	Redirects   bool              `yaml:"redirects"`
	SRTP        bool              `yaml:"srtp"`
	Rewrite     struct {
		CalledIn  []ruleEntry `yaml:"called-in"`
		CallerIn  []ruleEntry `yaml:"caller-in"`
		CalledOut []ruleEntry `yaml:"called-out"`
		CallerOut []ruleEntry `yaml:"caller-out"`
	} `yaml:"rewrite"`
	Present struct {
		Number   string `yaml:"number"`
		Name     string `yaml:"name"`
		Form     string `yaml:"form"`
		Domain   string `yaml:"domain"`
		Asserted bool   `yaml:"asserted"`
		Withhold bool   `yaml:"withhold"`
	} `yaml:"present"`
	Ping struct {
		Interval  time.Duration `yaml:"interval"`
		Timeout   time.Duration `yaml:"timeout"`
		Fails     int           `yaml:"fails"`
		Successes int           `yaml:"successes"`
		Bad       []int         `yaml:"bad"`
		Off       bool          `yaml:"off"`
	} `yaml:"ping"`
	Patience time.Duration `yaml:"patience"`
	Register struct {
		Registrar string        `yaml:"registrar"`
		Domain    string        `yaml:"domain"`
		Proxy     string        `yaml:"proxy"`
		Transport string        `yaml:"transport"`
		Expires   time.Duration `yaml:"expires"`
	} `yaml:"register"`
	Auth struct {
		User   string `yaml:"user"`
		Secret string `yaml:"secret"`
	} `yaml:"auth"`
}

type gatewayEntry struct {
	Name      string `yaml:"name"`
	Host      string `yaml:"host"`
	Transport string `yaml:"transport"`
	Priority  int    `yaml:"priority"`
	Weight    int    `yaml:"weight"`
	Domain    string `yaml:"domain"`
}

type ruleEntry struct {
	Prefix  string `yaml:"prefix"`
	Match   string `yaml:"match"`
	Replace string `yaml:"replace"`
}

// readTrunks reads the trunks of a file. Their contents are checked by the
// call centre, which knows the lines.
func readTrunks(file sections) ([]telephony.Trunk, error) {
	var entries []trunkEntry
	if err := file.read(trunkList, &entries); err != nil {
		return nil, err
	}
	var errs []error
	var err error
	trunks := make([]telephony.Trunk, len(entries))
	for i, e := range entries {
		if trunks[i], err = e.trunk(); err != nil {
			errs = append(errs, fmt.Errorf("configuration file %s: trunk %q: %w", file.path, e.Name, err))
		}
	}
	return trunks, errors.Join(errs...)
}

func (e trunkEntry) trunk() (telephony.Trunk, error) {
	t := telephony.Trunk{
		Name: e.Name, Lines: e.Lines, MaxIn: e.MaxIn, MaxOut: e.MaxOut, Codecs: e.Codecs,
		Called: telephony.CalledFrom(e.Called), DIDs: e.DIDs, Distrust: e.Distrust, RemoteParty: e.RemoteParty, Redirects: e.Redirects, SRTP: e.SRTP,
		Rewrite: telephony.Rewrites{
			CalledIn: rules(e.Rewrite.CalledIn), CallerIn: rules(e.Rewrite.CallerIn),
			CalledOut: rules(e.Rewrite.CalledOut), CallerOut: rules(e.Rewrite.CallerOut),
		},
		Present: telephony.Presentation{
			Number: e.Present.Number, Name: e.Present.Name, Form: telephony.NumberForm(e.Present.Form), Domain: e.Present.Domain,
			Asserted: e.Present.Asserted, Withhold: e.Present.Withhold,
		},
		Ping: telephony.Ping{
			Interval: e.Ping.Interval, Timeout: e.Ping.Timeout, Fails: e.Ping.Fails, Successes: e.Ping.Successes, Bad: e.Ping.Bad,
		},
		Patience: e.Patience,
		Register: telephony.Registration(e.Register),
		Auth:     telephony.TrunkAuth{User: e.Auth.User, Secret: telephony.Secret(e.Auth.Secret)},
	}
	if e.Ping.Off {
		t.Ping.Interval = -1
	}
	if s := os.Getenv(secretVariable(e.Name)); s != "" {
		t.Auth.Secret = telephony.Secret(s)
	}
	var errs []error
	for _, p := range e.From {
		prefix, err := prefixOf(p)
		if err != nil {
			errs = append(errs, fmt.Errorf("from: %q is not an address or prefix such as 10.1.2.0/24", p))
		}
		t.From = append(t.From, prefix)
	}
	for _, g := range e.Gateways {
		t.Gateways = append(t.Gateways, telephony.Gateway(g))
	}
	return t, errors.Join(errs...)
}

// secretVariable is the variable that may hold a trunk's secret.
func secretVariable(name string) string {
	return "HOTLINE_TRUNK_SECRET_" + strings.Map(func(r rune) rune {
		switch {
		case r >= 'a' && r <= 'z':
			return r - 'a' + 'A'
		case r >= 'A' && r <= 'Z', r >= '0' && r <= '9':
			return r
		}
		return '_'
	}, name)
}

func rules(entries []ruleEntry) []trunk.Rule {
	var all []trunk.Rule
	for _, r := range entries {
		all = append(all, trunk.Rule(r))
	}
	return all
}
