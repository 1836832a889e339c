package address_test

import (
	"bytes"
	"strings"
	"testing"

	"github.com/stretchr/testify/require"

	"hotline/search/address"
)

func TestGazetteerFaultsNameTheirLine(t *testing.T) {
	const head = "name,aliases,kind,district,street,lon,lat\n"
	for text, want := range map[string]string{
		"":                          "read header",
		"a,b,c,d,e,f,g\n":           "header is",
		head + ",,r,east,,1,1\n":    "line 2: name and district",
		head + "甲,,x,east,,1,1\n":   "line 2: kind",
		head + "甲,,r,east,,200,1\n": "line 2: \"200\"",
		head + "甲,,r,east,,NaN,1\n": "line 2",
		head + "甲,,r,east,,1,1\n甲,,r,east,,2,2\n":                               "line 3: 甲 is already in line 2",
		head + "甲,乙|\xff,r,east,,1,1\n":                                         "line 2: a name must be UTF-8",
		head + "甲," + strings.Repeat("乙", address.MaxName+1) + ",r,east,,1,1\n": "line 2: a name must be",
		head + "甲,,r,east\n":                                                    "wrong number of fields",
	} {
		_, err := address.Parse(strings.NewReader(text))
		require.ErrorContains(t, err, want, text)
	}
}

func TestGazetteerIsReadAsWritten(t *testing.T) {
	places := []address.Place{
		{Name: "甲,\"园\"", Aliases: []string{"乙", "丙"}, Kind: "r", District: "east", Street: "east-1", Lon: 120.123456789, Lat: -1.5},
		{Name: "甲", Kind: "d", District: "east"},
		{Name: "甲", Kind: "d", District: "west"},
	}
	var b bytes.Buffer
	require.NoError(t, address.Format(&b, places))
	again, err := address.Parse(strings.NewReader("\ufeff" + b.String()))
	require.NoError(t, err)
	require.Equal(t, places, again)
}
