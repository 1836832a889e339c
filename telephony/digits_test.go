package telephony

import (
	"testing"
	"time"

	"github.com/stretchr/testify/require"
	"pgregory.net/rapid"
)

func TestInfoDigits(t *testing.T) {
	for _, c := range []struct {
		kind, body string
		want       rune
	}{
		{"application/dtmf-relay", "Signal=5\r\nDuration=160\r\n", '5'},
		{"Application/DTMF-Relay; x=y", "Duration=160\nsignal= #\n", '#'},
		{"application/dtmf-relay", "Signal=10\r\n", '*'},
		{"application/dtmf", "7", '7'},
		{"application/dtmf", "11\r\n", '#'},
		{"application/dtmf", "d", 'D'},
		{"application/dtmf", "55", 0},
		{"application/dtmf-relay", "5", 0},
		{"text/plain", "Signal=5", 0},
		{"", "", 0},
	} {
		got, ok := infoDigit(c.kind, []byte(c.body))
		require.Equal(t, c.want, got, "%+v", c)
		require.Equal(t, c.want != 0, ok)
	}
}

// However the two forms of the same key presses interleave, each is told once
// and in order.
func TestKeypadTellsEachPressOnce(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		keys := rapid.SliceOfN(rapid.RuneFrom([]rune("0123456789*#")), 1, 20).Draw(t, "keys")
		var p keypad
		var told []rune
		at := time.Unix(0, 0)
		for i := [2]int{}; i[0] < len(keys) || i[1] < len(keys); {
			from := digitSource(rapid.IntRange(0, 1).Draw(t, "from"))
			if i[from] >= len(keys) {
				from = 1 - from
			}
			if p.fresh(from, keys[i[from]], at) {
				told = append(told, keys[i[from]])
			}
			i[from]++
		}
		require.Equal(t, keys, told)
		at = at.Add(2 * twin)
		require.True(t, p.fresh(byInfo, keys[0], at))
		require.True(t, p.fresh(byEvent, keys[0], at.Add(twin+1)), "another press of the same key")
	})
}
