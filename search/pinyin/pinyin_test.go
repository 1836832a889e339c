package pinyin_test

import (
	"testing"

	"github.com/stretchr/testify/require"
	"pgregory.net/rapid"

	"hotline/search/pinyin"
)

func TestOf(t *testing.T) {
	require.Equal(t, []string{"gu"}, pinyin.Of('鼓'))
	require.ElementsMatch(t, []string{"chong", "zhong"}, pinyin.Of('重')[:2])
	require.Equal(t, "nv", pinyin.Of('女')[0])
	require.Empty(t, pinyin.Of('a'))
	require.Empty(t, pinyin.Of('，'))
}

func TestBlurred(t *testing.T) {
	for _, same := range [][2]string{{"zhang", "zan"}, {"lin", "ning"}, {"shi", "si"}, {"cheng", "cen"}} {
		require.Equal(t, pinyin.Blurred(same[0]), pinyin.Blurred(same[1]))
	}
	require.NotEqual(t, pinyin.Blurred("gu"), pinyin.Blurred("ku"))
}

func TestInitials(t *testing.T) {
	require.ElementsMatch(t, []byte("czt"), pinyin.Initials("重庆路"))
	require.Equal(t, []byte("k"), pinyin.Initials("（KTV"))
	require.Empty(t, pinyin.Initials("，"))
	require.Empty(t, pinyin.Initials("あ"))
}

func TestBegins(t *testing.T) {
	for typed, want := range map[string]bool{
		"glhy": true, "gulou": true, "gulh": true, "gulouhua": true, "g": true, "": true,
		"gulouhuayuan3": true, "glhy3h": true, "lhy": false, "glx": false, "glhy4": false, "glhy3hlx": false,
	} {
		require.Equal(t, want, pinyin.Begins("鼓楼花园（3号楼）", typed), typed)
	}
	require.True(t, pinyin.Begins("重庆路", "cql"), "either reading")
	require.True(t, pinyin.Begins("重庆路", "zql"))
}

// TestInitialsBegin: whatever the name, its initials and its readings in full begin it.
func TestInitialsBegin(t *testing.T) {
	han := rapid.RuneFrom([]rune("鼓楼花园状元路重庆长安行星汇区市民中心一二三"))
	rapid.Check(t, func(t *rapid.T) {
		name := rapid.SliceOfN(han, 1, 8).Draw(t, "name")
		typed := ""
		for i, r := range name {
			reading := rapid.SampledFrom(pinyin.Of(r)).Draw(t, "reading")
			if rapid.Bool().Draw(t, "whole") {
				typed += reading
			} else {
				typed += reading[:1]
			}
			require.True(t, pinyin.Begins(string(name), typed), "%q after %d", typed, i+1)
			require.Contains(t, pinyin.Initials("《"+string(name)), typed[0])
		}
	})
}
