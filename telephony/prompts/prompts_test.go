package prompts_test

import (
	"encoding/binary"
	"io/fs"
	"strings"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"hotline/telephony/prompts"
)

// Every sentence is shipped, in the form that needs no conversion, and the
// whole set stays small.
func TestShippedSet(t *testing.T) {
	total := 0
	names := prompts.Names()
	for _, language := range prompts.Languages() {
		for _, name := range prompts.Names() {
			if name != prompts.Music {
				names = append(names, language+"/"+name)
			}
		}
	}
	for _, name := range names {
		data, err := fs.ReadFile(prompts.FS(), name+".wav")
		require.NoError(t, err, name)
		total += len(data)
		require.Equal(t, "RIFF", string(data[:4]), name)
		require.Equal(t, "WAVEfmt ", string(data[8:16]), name)
		require.EqualValues(t, 6, binary.LittleEndian.Uint16(data[20:]), "%s: A-law", name)
		require.EqualValues(t, 1, binary.LittleEndian.Uint16(data[22:]), "%s: mono", name)
		require.EqualValues(t, 8000, binary.LittleEndian.Uint32(data[24:]), "%s: rate", name)
		require.Greater(t, len(data), 1600, "%s: at least 200 ms", name)
	}
	require.LessOrEqual(t, total, 3<<20)
}

func TestNumber(t *testing.T) {
	spoken := map[string]string{
		"digit-0": "零", "digit-1": "一", "digit-2": "二", "digit-3": "三", "digit-4": "四", "digit-5": "五",
		"digit-6": "六", "digit-7": "七", "digit-8": "八", "digit-9": "九", "ten": "十", "hundred": "百",
		"ahead-before": "您前面还有", "ahead-after": "位", "next": "您是下一位",
		"wait-before": "预计等候", "wait-after": "分钟",
	}
	say := func(parts []string) string {
		var b strings.Builder
		for _, p := range parts {
			b.WriteString(spoken[p])
		}
		return b.String()
	}
	for n, want := range map[int]string{
		0: "零", 1: "一", 9: "九", 10: "十", 12: "十二", 20: "二十", 35: "三十五", 99: "九十九",
		100: "一百", 105: "一百零五", 110: "一百一十", 117: "一百一十七", 250: "二百五十", 999: "九百九十九", 4000: "九百九十九", -3: "零",
	} {
		require.Equal(t, want, say(prompts.Number(n)), "%d", n)
	}
	for wait, want := range map[time.Duration]string{0: "", time.Second: "预计等候一分钟", time.Minute: "预计等候一分钟", 11*time.Minute + 1: "预计等候十二分钟"} {
		require.Equal(t, want, say(prompts.Wait("", wait)), "%v", wait)
	}
	require.Equal(t, "您是下一位", say(prompts.Ahead("", 0)))
	require.Equal(t, "预计等候三五分钟", say(prompts.Wait("en", 35*time.Minute)), "English numbers are built otherwise: digit by digit")
	language, sentence, ok := prompts.Foreign("en/welcome")
	require.True(t, ok)
	require.Equal(t, []string{"en", "welcome"}, []string{language, sentence})
	_, _, ok = prompts.Foreign("welcome")
	require.False(t, ok)
	require.Equal(t, "您前面还有十二位", say(prompts.Ahead("yue", 12)))
}
