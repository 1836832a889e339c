package trunk

import (
	"strings"
	"testing"

	"github.com/stretchr/testify/require"
	"pgregory.net/rapid"
)

func TestNationalNumbers(t *testing.T) {
	for in, want := range map[string]string{
		"13800138000": "13800138000", "+8613800138000": "13800138000", "008613800138000": "13800138000", "8613800138000": "13800138000",
		"013800138000": "13800138000", "+86013800138000": "13800138000", "02112345678": "02112345678", "+862112345678": "02112345678",
		"+861012345678": "01012345678", "anonymous": "", "Restricted": "", "": "", "+": "", "12345": "12345", "8001": "8001",
		"138-0013-8000": "13800138000", "(021) 1234 5678": "02112345678", "<script>": "", "+8612345": "12345",
		"+442079460000": "+442079460000", "00442079460000": "+442079460000", "02112345678;ext=12": "02112345678", "*72#": "*72#",
	} {
		require.Equal(t, want, National(in), in)
	}
	for in, want := range map[string]string{
		"13800138000": "+8613800138000", "02112345678": "+862112345678", "075512345678": "+8675512345678",
		"12345": "12345", "4008001234": "4008001234", "+442079460000": "+442079460000", "8001": "8001", "": "",
	} {
		require.Equal(t, want, E164(in), in)
	}
}

var number = rapid.OneOf(
	rapid.StringMatching(`(\+?86|0086|0|00)?1[3-9][0-9]{9}`),
	rapid.StringMatching(`(\+86|0086|0)?[2-9][0-9]{8,10}`),
	rapid.StringMatching(`[+0-9*#; ()-]{0,40}`),
	rapid.String(),
)

func TestNationalHasOneForm(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		in := number.Draw(t, "number")
		n := National(in)
		if again := National(n); again != n {
			t.Fatalf("%q gives %q, which gives %q", in, n, again)
		}
		if len(n) > maxNumber || strings.Trim(strings.TrimPrefix(n, "+"), "0123456789*#") != "" {
			t.Fatalf("%q gives %q", in, n)
		}
		if back := National(E164(n)); back != n {
			t.Fatalf("%q out as %q comes back as %q", n, E164(n), back)
		}
	})
}

func TestRules(t *testing.T) {
	w, err := Compile([]Rule{
		{Match: `\+86(1[3-9]\d{9})`, Replace: "0$1"},
		{Prefix: "9", Replace: ""},
		{Match: `(\d{4})(\d{4})`, Replace: "010$1$2"},
		{Prefix: "+86", Replace: "0"},
	})
	require.NoError(t, err)
	for in, want := range map[string]string{
		"+8613800138000": "013800138000", "912345": "12345", "12345678": "01012345678", "+862112345678": "02112345678",
		"12345": "12345", "": "", "99": "9", // one rule each
	} {
		require.Equal(t, want, w.Apply(in), in)
	}
	for _, bad := range [][]Rule{{{}}, {{Prefix: "1", Match: "1"}}, {{Match: "("}}, make([]Rule, maxRules+1)} {
		_, err := Compile(bad)
		require.ErrorIs(t, err, ErrRule)
	}
	require.Equal(t, "x y", Rewriter{}.Apply("x y"), "no rule, no change")
}

func TestRulesNeverMakeAnythingButANumber(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		prefix := rapid.StringMatching(`[+0-9]{1,4}`).Draw(t, "prefix")
		replace := rapid.String().Draw(t, "replace")
		rest := rapid.StringMatching(`[0-9]{0,20}`).Draw(t, "rest")
		w, err := Compile([]Rule{{Prefix: prefix, Replace: replace}, {Match: "(.*)", Replace: "$1" + replace}})
		if err != nil {
			t.Fatal(err)
		}
		got := w.Apply(prefix + rest)
		if len(got) > maxRewrite || strings.ContainsAny(got, " \r\n\"<>@;:,%") {
			t.Fatalf("%q", got)
		}
		if want := clean(replace + rest); got != want {
			t.Fatalf("%q, want %q", got, want)
		}
	})
}

func TestWhoCalls(t *testing.T) {
	all := Trust{Asserted: true, RemoteParty: true}
	for name, test := range map[string]struct {
		h     Headers
		trust Trust
		want  Caller
	}{
		"from alone":      {Headers{From: `"Li, Lei" <sip:13800138000@a>;tag=1`}, all, Caller{"13800138000", "Li, Lei", false}},
		"addr-spec":       {Headers{From: `sip:13800138000@a;tag=1`}, all, Caller{"13800138000", "", false}},
		"asserted first":  {Headers{From: `<sip:1@a>;tag=1`, Asserted: []string{`"王" <sip:+8613800138000@a;user=phone>`}}, all, Caller{"+8613800138000", "王", false}},
		"tel":             {Headers{From: `<sip:1@a>`, Asserted: []string{`<tel:+86-21-1234-5678;ext=3>`}}, all, Caller{"+86-21-1234-5678", "", false}},
		"sip and tel":     {Headers{From: `<sip:1@a>`, Asserted: []string{`"x" <sip:alice@a>, <tel:02112345678>`}}, all, Caller{"02112345678", "", false}},
		"two fields":      {Headers{From: `<sip:1@a>`, Asserted: []string{`<sip:alice@a>`, `<tel:02112345678>`}}, all, Caller{"02112345678", "", false}},
		"not believed":    {Headers{From: `<sip:1@a>`, Asserted: []string{`<sip:2@a>`}, RemoteParty: []string{`<sip:3@a>`}}, Trust{}, Caller{"1", "", false}},
		"remote party":    {Headers{From: `<sip:1@a>`, RemoteParty: []string{`"N" <sip:3@a>;party=calling;privacy=full`}}, all, Caller{"3", "N", true}},
		"asserted wins":   {Headers{From: `<sip:1@a>`, Asserted: []string{`<sip:222@a>`}, RemoteParty: []string{`<sip:3@a>;privacy=off`}}, all, Caller{"222", "", false}},
		"withheld, known": {Headers{From: `"Anonymous" <sip:anonymous@anonymous.invalid>;tag=9`, Asserted: []string{`<tel:+8613800138000>`}, Privacy: []string{"id"}}, all, Caller{"+8613800138000", "", true}},
		"shown, asked":    {Headers{From: `"Li" <sip:13800138000@a>`, Privacy: []string{"header; id"}}, all, Caller{"13800138000", "Li", true}},
		"privacy none":    {Headers{From: `<sip:13800138000@a>`, Privacy: []string{"none"}}, all, Caller{"13800138000", "", false}},
		"withheld":        {Headers{From: `"Anonymous" <sip:anonymous@anonymous.invalid>`}, all, Caller{"", "", true}},
		"unknown":         {Headers{From: `<sip:unknown@10.0.0.1>`, Asserted: []string{`<sip:anonymous@a>`}}, all, Caller{"", "", true}},
		"no user":         {Headers{From: `<sip:10.0.0.1>`}, all, Caller{"", "", true}},
		"escaped":         {Headers{From: `"a\"b" <sip:%2B8613800138000:pw@a>`}, all, Caller{"+8613800138000", `a"b`, false}},
		"broken":          {Headers{From: `"open <sip:1@a>`, Asserted: []string{`"`, `<`, `http://x`, ``}}, all, Caller{}},
	} {
		require.Equal(t, test.want, Identify(test.h, test.trust), name)
	}
}

func FuzzIdentify(f *testing.F) {
	f.Add(`"A" <sip:1@a>;tag=1`, `<tel:+86;x=1>, "b, c" <sip:2@b>`, `<sip:3@c>;privacy=full`, "id;critical")
	f.Fuzz(func(t *testing.T, from, asserted, remote, privacy string) {
		c := Identify(Headers{From: from, Asserted: []string{asserted}, RemoteParty: []string{remote}, Privacy: []string{privacy}}, Trust{true, true})
		if len([]rune(c.Name)) > maxName || strings.ContainsAny(c.Name, "\r\n\x00") {
			t.Fatalf("name %q", c.Name)
		}
		if National(National(c.Number)) != National(c.Number) {
			t.Fatalf("number %q", c.Number)
		}
	})
}
