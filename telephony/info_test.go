package telephony_test

import (
	"testing"

	"github.com/stretchr/testify/require"

	"hotline/telephony/phone"
)

// A key press by INFO leads through the menu, and one that comes as telephone
// event too is one key press: the first wrong digit is not two.
func TestMenuDigitByInfo(t *testing.T) {
	r := newRig(t)
	_, seat := r.seat("8001")
	caller := r.phone(phone.Options{})
	c := r.dial(caller)
	for _, wrong := range []string{"7", "8"} { // sent twice each they were four, and three end the menu
		require.NoError(t, c.SendInfoDigits(r.ctx(), wrong))
		require.NoError(t, c.SendDigits(r.ctx(), wrong))
	}
	require.NoError(t, c.SendDigits(r.ctx(), "2"))
	require.NoError(t, c.SendInfoDigits(r.ctx(), "2"))
	in := r.next(seat)
	c.Hangup()
	r.done(in)
	require.Equal(t, "2", r.endedCall().Digit)
	r.awaitClean()

	c = r.dial(caller)
	require.NoError(t, c.SendInfoDigits(r.ctx(), "1"))
	in = r.next(seat)
	c.Hangup()
	r.done(in)
	require.Equal(t, "1", r.endedCall().Digit)
	r.awaitClean()
}
