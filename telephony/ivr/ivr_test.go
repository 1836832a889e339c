package ivr_test

import (
	"errors"
	"strings"
	"testing"
	"time"

	"github.com/stretchr/testify/require"
	"go.yaml.in/yaml/v3"
	"pgregory.net/rapid"

	"hotline/telephony/acd"
	"hotline/telephony/ivr"
)

const city = `
- name: city
  lines: [12345, "12315"]
  start: open
  steps:
    open: {hours: {open: [workday 08:30-18:00, "sat,sun 10:00-12:00"], then: greeting, else: night}}
    night: {play: {say: closed, then: urgent}}
    urgent: {menu: {say: [press-9], whole: true, wait: 2s, keys: {"9": duty}, none: bye}}
    greeting:
      menu:
        say: [welcome]
        keys: {"1": general, "2": general, "8": english, "0": again}
        none: general
    again: {menu: {say: [welcome], keys: {"0": greeting}, tries: 1, invalid: [], none: general}}
    english: {queue: {name: english, needs: "english>=2", priority: 1}}
    general: {queue: {same-agent: 72h}}
    duty: {transfer: {number: "02512345", say: [connecting]}}
    bye: {hangup: {say: [goodbye]}}
`

func parse(text string) ([]ivr.Flow, error) {
	var doc yaml.Node
	if err := yaml.Unmarshal([]byte(text), &doc); err != nil {
		return nil, err
	}
	return ivr.Parse(doc.Content[0])
}

func cityFlow(t require.TestingT) ivr.Flow {
	flows, err := parse(city)
	require.NoError(t, err)
	return flows[0]
}

// caller presses keys as a script says: a key, '.' for none in time, '!' for hanging up.
type caller struct {
	now     time.Time
	is      string // the word that is true of the caller
	presses string
	heard   []string
	steps   []string
	chosen  string
}

var errOver = errors.New("over")

func (c *caller) press() (rune, error) {
	if c.presses == "" {
		return 0, nil
	}
	key := rune(c.presses[0])
	c.presses = c.presses[1:]
	switch key {
	case '!':
		return 0, errOver
	case '.':
		return 0, nil
	}
	return key, nil
}

func (c *caller) Say(prompts []string, interruptible bool) (rune, error) {
	c.heard = append(c.heard, prompts...)
	if strings.HasPrefix(c.presses, "!") {
		return 0, errOver
	}
	if interruptible && len(c.presses) > 0 && c.presses[0] != '.' {
		return c.press()
	}
	return 0, nil
}
func (c *caller) Key(time.Duration) (rune, error) { return c.press() }
func (c *caller) Now() time.Time                  { return c.now }
func (c *caller) Workday(day time.Time) bool {
	return day.Weekday() != time.Saturday && day.Weekday() != time.Sunday
}
func (c *caller) Caller(word string) bool { return word == c.is }
func (c *caller) Speak(language string)   { c.heard = append(c.heard, "<"+language+">") }
func (c *caller) CanCallBack() bool       { return c.is != "withheld" }
func (c *caller) Progress(digits string) []string {
	if digits != "20261" {
		return nil
	}
	return []string{"progress-processing"}
}
func (c *caller) Entered(step string) { c.steps = append(c.steps, step) }
func (c *caller) Chosen(key rune)     { c.chosen += string(key) }

var (
	monday = time.Date(2026, 11, 23, 9, 0, 0, 0, time.UTC)
	night  = time.Date(2026, 11, 23, 23, 0, 0, 0, time.UTC)
)

func TestWalk(t *testing.T) {
	f := cityFlow(t)
	require.Equal(t, []string{"12345", "12315"}, f.Lines)
	for name, c := range map[string]struct {
		at      time.Time
		presses string
		step    string
		heard   string
	}{
		"nothing":            {monday, "", "general", "welcome"},
		"at once":            {monday, "1", "general", "welcome"},
		"after":              {monday, ".2", "general", "welcome"},
		"english":            {monday, "8", "english", "welcome"},
		"wrong, then right":  {monday, "78", "english", "welcome invalid"},
		"wrong three times":  {monday, "777", "general", "welcome invalid invalid"},
		"round":              {monday, "00008", "english", "welcome welcome welcome welcome welcome"},
		"wrong ends at once": {monday, "07", "general", "welcome welcome"},
		"night":              {night, "", "bye", "closed press-9 goodbye"},
		"night, urgent":      {night, "9", "duty", "closed press-9 connecting"},
	} {
		host := &caller{now: c.at, presses: c.presses}
		exit, err := f.Walk(host)
		require.NoError(t, err, name)
		require.Equal(t, c.step, exit.Step, name)
		require.Equal(t, c.heard, strings.Join(host.heard, " "), name)
		require.Equal(t, c.step, host.steps[len(host.steps)-1], name)
	}
	exit, err := f.Walk(&caller{now: monday, presses: "8"})
	require.NoError(t, err)
	require.Equal(t, ivr.Queue{Name: "english", Needs: acd.Needs{"english": 2}, Priority: 1}, *exit.Queue)
	_, err = f.Walk(&caller{now: monday, presses: "0!"})
	require.ErrorIs(t, err, errOver)
	require.NoError(t, ivr.Default().Validate())
	require.Equal(t, []string{"welcome", "invalid"}, ivr.Default().Prompts())
}

const people = `
- name: people
  start: who
  steps:
    who: {caller: {elder: queue, repeat: same, else: tongue}}
    same: {queue: {same-agent: 72h}}
    tongue: {menu: {say: tongues, keys: {"1": code, "2": english, "3": back, "4": mail}, none: queue}}
    english: {language: {use: en, then: queue}}
    code: {digits: {say: enter-number, most: 5, then: progress, none: queue}}
    progress: {progress: {then: bye, none: queue}}
    back: {callback: {name: default, needs: "dialect>=2", else: queue}}
    mail: {voicemail: {longest: 1m, callback: true}}
    queue: {queue: {}}
    bye: {hangup: {say: goodbye}}
`

func TestWhoCalls(t *testing.T) {
	flows, err := parse(people)
	require.NoError(t, err)
	f := flows[0]
	for name, c := range map[string]struct{ is, presses, step, heard string }{
		"elder":                 {"elder", "", "queue", ""},
		"repeat":                {"repeat", "", "same", ""},
		"english":               {"", "2", "queue", "tongues <en>"},
		"no digits":             {"", "1", "queue", "tongues enter-number"},
		"as many as there are":  {"", "120261", "bye", "tongues enter-number progress-processing goodbye"},
		"ended by hash":         {"", "1202#", "queue", "tongues enter-number"},
		"hash alone":            {"", "1#", "queue", "tongues enter-number"},
		"too late":              {"", "120.", "queue", "tongues enter-number"},
		"called back":           {"", "3", "back", "tongues"},
		"cannot be called back": {"withheld", "3", "queue", "tongues"},
		"message":               {"", "4", "mail", "tongues voicemail"},
	} {
		host := &caller{now: monday, is: c.is, presses: c.presses}
		exit, err := f.Walk(host)
		require.NoError(t, err, name)
		require.Equal(t, c.step, exit.Step, name)
		require.Equal(t, c.heard, strings.Join(host.heard, " "), name)
	}
	_, err = f.Walk(&caller{now: monday, presses: "12!"})
	require.ErrorIs(t, err, errOver)
	exit, err := f.Walk(&caller{now: monday, presses: "4"})
	require.NoError(t, err)
	require.Equal(t, ivr.Voicemail{Say: []string{"voicemail"}, Longest: time.Minute, Callback: true}, *exit.Voicemail)
	exit, err = f.Walk(&caller{now: monday, presses: "3"})
	require.NoError(t, err)
	require.Equal(t, ivr.Callback{Name: "default", Needs: acd.Needs{"dialect": 2}, Else: "queue"}, *exit.Callback)
	require.Equal(t, []string{"default"}, f.Queues())
	require.Equal(t, []string{"en"}, f.Languages())
	require.Equal(t, []string{"tongues", "invalid", "enter-number", "voicemail", "goodbye"}, f.Prompts())
	for text, want := range map[string]string{
		"caller: {else: a}":                          "asks nothing of the caller",
		"caller: {known: a, known: a, else: a}":      `"known" stands there twice`,
		"caller: word":                               "want words with steps",
		"caller: {known: b, else: a}":                `known leads to "b"`,
		"language: {use: ../x, then: a}":             `"../x" is no language`,
		"digits: {most: 41, then: a, none: a}":       "41 digits: give 1 to 40",
		"voicemail: {longest: 11m}":                  "messages of 11m0s: give at most 10m0s",
		"callback: {else: a}, voicemail: {}":         "it is 2 things",
		"progress: {then: x, none: a}":               `then leads to "x"`,
		"callback: {needs: 'dialect>=12', else: a}":  "line 6",
		"language: {use: en, then: a, keys: {1: a}}": `"keys" is unknown here`,
	} {
		_, err := parse("\n- name: f\n  start: s\n  steps:\n    a: {hangup: {}}\n    s: {" + text + "}\n")
		require.ErrorContains(t, err, want, text)
	}
	require.Contains(t, f.Draw(), "mail: voicemail, says voicemail, at most 1m0s, and calls back")
	require.Contains(t, f.Draw(), "calls back, from queue default, dialect>=2")
}

// Whatever is pressed and whatever the time, a walk ends at one of the flow's ends.
func TestEveryWalkEnds(t *testing.T) {
	f := cityFlow(t)
	rapid.Check(t, func(t *rapid.T) {
		host := &caller{
			now:     monday.Add(time.Duration(rapid.IntRange(0, 7*24*60).Draw(t, "minute")) * time.Minute),
			presses: rapid.StringOfN(rapid.RuneFrom([]rune("0123456789*#.")), 0, 400, -1).Draw(t, "presses"),
		}
		exit, err := f.Walk(host)
		require.NoError(t, err)
		ends := 0
		for _, there := range []bool{exit.Queue != nil, exit.Transfer != nil, exit.Hangup != nil} {
			if there {
				ends++
			}
		}
		require.Equal(t, 1, ends)
		require.LessOrEqual(t, len(host.steps), 101)
	})
}

// Flows made at random are refused, or each walk through them ends.
func TestWhatIsValidEnds(t *testing.T) {
	ids := []string{"a", "b", "c", "d"}
	valid := 0
	rapid.Check(t, func(t *rapid.T) {
		f := ivr.Flow{Name: "f", Start: "a", Steps: map[string]ivr.Step{}}
		for i, id := range ids {
			any := func() string { return rapid.SampledFrom(ids).Draw(t, "any") }
			to := func() string { // mostly onwards, from each step to the next
				if rapid.IntRange(0, 9).Draw(t, "where") == 0 {
					return any()
				}
				return ids[min(i+1, len(ids)-1)]
			}
			if i == len(ids)-1 {
				f.Steps[id] = ivr.Step{Hangup: &ivr.Hangup{}}
				break
			}
			switch rapid.IntRange(0, 2).Draw(t, "kind") {
			case 0:
				f.Steps[id] = ivr.Step{Play: &ivr.Play{Say: []string{"x"}, Then: to()}}
			case 1:
				f.Steps[id] = ivr.Step{Menu: &ivr.Menu{Say: []string{"x"}, Tries: 2, Keys: map[rune]string{'1': any()}, None: to()}}
			default:
				f.Steps[id] = ivr.Step{Hours: &ivr.Hours{Open: []ivr.Window{{}}, Then: any(), Else: to()}}
			}
		}
		if f.Validate() != nil {
			return
		}
		valid++
		host := &caller{presses: rapid.StringOfN(rapid.RuneFrom([]rune("12.")), 0, 50, -1).Draw(t, "presses")}
		_, err := f.Walk(host)
		require.NoError(t, err)
		require.LessOrEqual(t, len(host.steps), 101)
		require.NotEmpty(t, f.Draw())
	})
	require.Positive(t, valid)
}

func TestWindows(t *testing.T) {
	day := func(text string) time.Time {
		at, err := time.Parse("2006-01-02 15:04", text)
		require.NoError(t, err)
		return at
	}
	national := func(at time.Time) bool { return at.Month() != time.October || at.Day() > 7 } // also Saturdays work
	for _, c := range []struct {
		window, at string
		calendar   func(time.Time) bool
		open       bool
	}{
		{"mon-fri 08:30-18:00", "2026-11-23 08:30", nil, true},
		{"mon-fri 08:30-18:00", "2026-11-23 18:00", nil, false},
		{"mon-fri 08:30-18:00", "2026-11-22 09:00", nil, false},
		{"sat-mon 00:00-24:00", "2026-11-22 23:59", nil, true},
		{"daily 22:00-06:00", "2026-11-22 05:59", nil, true},
		{"daily 22:00-06:00", "2026-11-22 06:00", nil, false},
		{"fri 22:00-06:00", "2026-11-28 03:00", nil, true}, // Saturday's night belongs to Friday
		{"fri 22:00-06:00", "2026-11-27 03:00", nil, false},
		{"workday 09:00-17:00", "2026-11-28 10:00", nil, false},
		{"workday 09:00-17:00", "2026-11-28 10:00", national, true},
		{"workday 09:00-17:00", "2026-10-01 10:00", national, false},
		{"holiday 09:00-17:00", "2026-10-01 10:00", national, true},
		{"holiday,wed 09:00-00:00", "2026-11-25 23:30", national, true},
	} {
		w, err := ivr.ParseWindow(c.window)
		require.NoError(t, err, c.window)
		require.Equal(t, c.open, w.Includes(day(c.at), c.calendar), "%+v", c)
	}
	for _, bad := range []string{"", "mon", "mon 9-17", "mon 25:00-26:00", "mon 08:00-08:00", "funday 08:00-09:00", "mon 24:00-25:00", "mon 09:60-10:00"} {
		_, err := ivr.ParseWindow(bad)
		require.Error(t, err, bad)
	}
}

func TestErrorsNameThePlace(t *testing.T) {
	flow := func(steps string) string { return "- name: f\n  start: a\n  steps:\n" + steps }
	for text, want := range map[string][]string{
		flow("    a: {queue: {}}\n    a: {queue: {}}\n"):                         {"line 5, column 5", "twice"},
		flow("    a: {queue: {nam: x}}\n"):                                       {"line 4, column 17", `"nam" is unknown here`, "name, needs"},
		flow("    a: {play: {say: x, then: b}}\n"):                               {"line 4, column 5", `then leads to "b", which is none of the steps`},
		flow("    a: {play: {say: x, then: a}}\n"):                               {"circle in which no key is pressed"},
		flow("    a: {queue: {}}\n    b: {queue: {}}\n"):                         {"line 5, column 5", `no step leads to "b"`},
		flow("    a: {queue: {}, hangup: {}}\n"):                                 {"it is 2 things"},
		flow("    a: {menu: {say: x, keys: {\"11\": a}, none: a}}\n"):            {`"11" is no key of a telephone`},
		flow("    a: {menu: {say: x, keys: {\"1\": a}, wait: soon, none: a}}\n"): {"want a time such as 4s"},
		flow("    a: {hours: {open: [never], then: a, else: a}}\n"):              {"no time of the week"},
		flow("    a: {queue: {needs: \"english>=99\"}}\n"):                       {"want 1 to 9"},
		flow("    a: {hangup: {say: ../secret}}\n"):                              {"is no prompt"},
		flow("    a: {queue: {priority: 99}}\n"):                                 {"priority 99"},
		flow("    a: {queue: 5}\n"):                                              {"line 4, column 16", "want settings such as"},
		"- name: f\n  start: b\n  steps: {a: {queue: {}}}\n":                     {`starts at "b"`},
		"{name: f}": {"want a list"},
		"- {name: f, start: a, steps: {a: {queue: {}}}}\n- {name: f, start: a, steps: {a: {queue: {}}}}": {"line 2, column 3", "names must be given and differ"},
	} {
		_, err := parse(text)
		require.Error(t, err, text)
		for _, part := range want {
			require.ErrorContains(t, err, part, text)
		}
	}
}

func TestDraw(t *testing.T) {
	require.Equal(t, `city
  open: open workday 08:30-18:00, sat,sun 10:00-12:00
    then → greeting: menu, says welcome, invalid, waits 4s
      key 0 → again: menu, says welcome, waits 4s
        key 0 → greeting ↑
        none → general: the line's queue, same agent within 72h0m0s
      key 1 → general ↑
      key 2 → general ↑
      key 8 → english: queue english, english>=2, priority +1
      none → general ↑
    else → night: says closed
      then → urgent: menu, says press-9, invalid, waits 2s
        key 9 → duty: calls 02512345
        none → bye: hangs up, says goodbye
`, cityFlow(t).Draw())
}

// What a text holds, reading it ends without a panic.
func FuzzParse(f *testing.F) {
	f.Add(city)
	f.Add("- {name: x, start: a, steps: {a: {menu: {keys: {1: a}}}}}")
	f.Fuzz(func(_ *testing.T, text string) {
		var doc yaml.Node
		if yaml.Unmarshal([]byte(text), &doc) == nil && len(doc.Content) > 0 {
			_, _ = ivr.Parse(doc.Content[0])
		}
	})
}
