package search_test

import (
	"testing"

	"github.com/stretchr/testify/require"

	"hotline/search"
)

// TestAVocabularyLeavesItsNamesAlone: what names are given by is shared by those who make
// vocabularies at the same time.
func TestAVocabularyLeavesItsNamesAlone(t *testing.T) {
	names := []string{"CBD大厦", "国贸"}
	search.NewVocabulary([]search.Named{{Field: search.FieldPlace, Code: "CBD", Names: names}}, nil)
	require.Equal(t, []string{"CBD大厦", "国贸"}, names)
}
