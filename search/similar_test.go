package search

import (
	"testing"
	"time"

	"github.com/stretchr/testify/require"
)

func TestWhatTwoTextsShareIsToldInRuns(t *testing.T) {
	r := &rarity{of: map[string]int32{}}
	a, b := r.profile("状元路的路灯坏了，KTV扰民"), r.profile("昨天状元路路灯坏了；ktv 太吵")
	require.Equal(t, []string{"路灯坏了", "状元路", "ktv"}, a.sharedWith(b))
	require.Empty(t, a.sharedWith(r.profile("公积金")))
	require.Empty(t, r.profile("").sharedWith(a))
}

func TestAQuestionReadsABoundedShareOfTheDocuments(t *testing.T) {
	r := &rarity{docs: 10_000, of: map[string]int32{"路灯": 500, "不亮": 400, "坏了": 300, "状元": 20, "元路": 20}}
	terms := r.terms(r.profile("状元路路灯不亮坏了"))
	var words []string
	for _, one := range terms {
		words = append(words, one.Clause.spelled())
	}
	require.Subset(t, words, []string{"状元", "元路"})
	require.NotContains(t, words, "路灯", "the commonest comes last, when enough is read")
	require.GreaterOrEqual(t, len(terms), fewestTerms)
}

// TestAYoungIndexIsReadWhole: of few documents a share says nothing, and they are learned again soon.
func TestAYoungIndexIsReadWhole(t *testing.T) {
	r := &rarity{docs: 2, of: map[string]int32{"路灯": 2, "不亮": 2, "坏了": 1, "状元": 1, "元路": 1}, at: time.Now().Add(-2 * learnedSoon)}
	require.Len(t, r.terms(r.profile("状元路路灯不亮坏了")), 8)
	require.True(t, r.old())
	r.docs = fewDocs
	require.False(t, r.old())
}
