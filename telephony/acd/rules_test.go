package acd_test

import (
	"encoding/json"
	"strings"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"hotline/telephony/acd"
)

func TestParseRules(t *testing.T) {
	rules, err := acd.ParseRules("wait<30s: dialect>=2 & english; wait<1m: dialect ; else any")
	require.NoError(t, err)
	require.Equal(t, acd.Rules{
		{Until: 30 * time.Second, Needs: acd.Needs{"dialect": 2, "english": 1}},
		{Until: time.Minute, Needs: acd.Needs{"dialect": 1}},
		{},
	}, rules)
	require.Equal(t, "wait<30s: dialect>=2 & english>=1; wait<1m0s: dialect>=1; else any", rules.String())
	again, err := acd.ParseRules(rules.String())
	require.NoError(t, err)
	require.Equal(t, rules, again)
	data, err := json.Marshal(rules)
	require.NoError(t, err)
	var back acd.Rules
	require.NoError(t, json.Unmarshal(data, &back))
	require.Equal(t, rules, back)
	for _, text := range []string{"", "  "} {
		rules, err := acd.ParseRules(text)
		require.NoError(t, err)
		require.Empty(t, rules)
	}
	rules, err = acd.ParseRules("english>=1;")
	require.NoError(t, err)
	require.Equal(t, acd.Rules{{Needs: acd.Needs{"english": 1}}}, rules)
}

func TestBadRulesAreRefused(t *testing.T) {
	for text, says := range map[string]string{
		"wait<30s dialect":                         "want `wait<30s: SKILL>=LEVEL`",
		"wait>30s: dialect":                        "want `wait<30s: SKILL>=LEVEL`",
		"wait<-1s: dialect":                        "want `wait<30s: SKILL>=LEVEL`",
		"dialect>=0":                               "want 1 to 9",
		"dialect>=ten":                             "want 1 to 9",
		"dialect=2":                                "is no skill",
		"dialect & ":                               "is no skill",
		"any; dialect":                             "rule 2",
		"wait<1m: any; wait<30s: dialect":          "never counts",
		"wait<1m: a;; else any":                    "rule 3",
		strings.Repeat("x", 33):                    "is no skill",
		"wait<1s: a; else b; wait<2s: c; else any": "never counts",
	} {
		_, err := acd.ParseRules(text)
		require.ErrorContains(t, err, says, text)
	}
	var many []string
	for i := range acd.MaxRules + 1 {
		many = append(many, "wait<"+time.Duration(i+1).String()+": a")
	}
	_, err := acd.ParseRules(strings.Join(many, ";"))
	require.ErrorContains(t, err, "at most 16")
}

func FuzzParseRules(f *testing.F) {
	f.Add("wait<30s: dialect>=2 & english; else any")
	f.Add("a>=9;")
	f.Fuzz(func(t *testing.T, text string) {
		rules, err := acd.ParseRules(text)
		if err != nil {
			return
		}
		again, err := acd.ParseRules(rules.String())
		require.NoError(t, err)
		require.Equal(t, rules.String(), again.String())
	})
}
