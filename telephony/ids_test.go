package telephony

import (
	"testing"
	"time"

	"github.com/stretchr/testify/require"
)

func TestNationalNumbers(t *testing.T) {
	for in, want := range map[string]string{
		"13800138000": "13800138000", "+8613800138000": "13800138000", "008613800138000": "13800138000",
		"013800138000": "13800138000", "02112345678": "02112345678", "+862112345678": "02112345678",
		"anonymous": "", "": "", "12345": "12345", "8001": "8001", "138-0013-8000": "13800138000",
		"<script>": "", "+8612345": "12345",
	} {
		require.Equal(t, want, national(in), in)
	}
	require.LessOrEqual(t, len(national("1234567890123456789012345678901234567890")), 32)
}

func TestMasked(t *testing.T) {
	require.Equal(t, "138****8000", masked("13800138000"))
	require.Equal(t, "021****5678", masked("02112345678"))
	require.Equal(t, "66****32", masked("66554432"))
	require.Equal(t, "8001", masked("8001"))
}

func TestIDsGrowWithTime(t *testing.T) {
	t0 := time.UnixMilli(1_800_000_000_000)
	last := ""
	for i := range 100 {
		id := newID(t0.Add(time.Duration(i) * time.Millisecond))
		require.Len(t, id, 36)
		require.Equal(t, byte('7'), id[14])
		require.Greater(t, id, last)
		last = id
	}
}

func TestThrottleIsBounded(t *testing.T) {
	now := time.UnixMilli(0)
	th := newThrottle(1, 2, 100, func() time.Time { return now })
	for i := range 20000 {
		th.take(addrOf(hostport(i)), 1)
	}
	require.LessOrEqual(t, len(th.buckets), 100)
	one := addrOf("127.0.0.1:1")
	now = now.Add(time.Hour)
	require.True(t, th.take(one, 1))
	require.True(t, th.take(one, 1))
	require.False(t, th.take(one, 1))
	now = now.Add(time.Second)
	require.True(t, th.take(one, 1))
}

func hostport(i int) string {
	return "127." + itoa(i>>16&255) + "." + itoa(i>>8&255) + "." + itoa(i&255) + ":1"
}

func itoa(n int) string {
	if n < 10 {
		return string(rune('0' + n))
	}
	return itoa(n/10) + string(rune('0'+n%10))
}
