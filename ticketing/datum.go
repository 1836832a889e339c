package ticketing

import "math"

// The ellipsoid of Krassovsky 1940, on which GCJ-02 is shifted.
const (
	krassovskyAxis         = 6378245.0
	krassovskyEccentricity = 0.00669342162296594323 // squared
)

// GCJ02 is the point on the maps that are published in China. Where GCJ-02 is not
// used, far outside of China, it is the same.
func (p Point) GCJ02() Point {
	out := Point{Lon: p.Lon, Lat: p.Lat, Datum: "gcj02"}
	if p.Datum != "wgs84" || p.Lon < 72.004 || p.Lon > 137.8347 || p.Lat < 0.8293 || p.Lat > 55.8271 {
		return out
	}
	x, y := p.Lon-105, p.Lat-35
	// Waves of 2, 6, 24 and 60 degrees with their heights.
	waves := func(v, h1, h3, h12, h30 float64) float64 {
		return (h1*math.Sin(v*math.Pi) + h3*math.Sin(v/3*math.Pi) + h12*math.Sin(v/12*math.Pi) + h30*math.Sin(v/30*math.Pi)) * 2 / 3
	}
	shared := (20*math.Sin(6*x*math.Pi) + 20*math.Sin(2*x*math.Pi)) * 2 / 3
	north := -100 + 2*x + 3*y + 0.2*y*y + 0.1*x*y + 0.2*math.Sqrt(math.Abs(x)) + shared + waves(y, 20, 40, 160, 320)
	east := 300 + x + 2*y + 0.1*x*x + 0.1*x*y + 0.1*math.Sqrt(math.Abs(x)) + shared + waves(x, 20, 40, 150, 300)
	lat := p.Lat * math.Pi / 180
	m := 1 - krassovskyEccentricity*math.Pow(math.Sin(lat), 2)
	out.Lat += north * 180 / (krassovskyAxis * (1 - krassovskyEccentricity) / (m * math.Sqrt(m)) * math.Pi)
	out.Lon += east * 180 / (krassovskyAxis / math.Sqrt(m) * math.Cos(lat) * math.Pi)
	return out
}
