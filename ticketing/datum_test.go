package ticketing

import (
	"testing"

	"github.com/stretchr/testify/require"
)

// Tian'anmen as GPS has it, and as the published maps do.
func TestGCJ02(t *testing.T) {
	p := Point{Lon: 116.39127, Lat: 39.90735, Datum: "wgs84"}.GCJ02()
	require.InDelta(t, 116.39751, p.Lon, 2e-5)
	require.InDelta(t, 39.90875, p.Lat, 2e-5)
	require.Equal(t, "gcj02", p.Datum)
	require.Equal(t, p, p.GCJ02(), "it is there already")
	london := Point{Lon: -0.1276, Lat: 51.5072, Datum: "wgs84"}.GCJ02()
	require.InDelta(t, -0.1276, london.Lon, 1e-12)
}
