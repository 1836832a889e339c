package search

import "math"

// The bounds of geographic filters.
const (
	MaxRadius  = 50_000 // metres
	MaxCorners = 100
)

// Point is a place on the map, in degrees, GCJ-02.
type Point struct{ Lon, Lat float64 }

// Circle is what lies within so many metres of a point.
type Circle struct {
	Centre Point
	Metres float64
}

// Polygon is what lies within straight lines, in degrees, between corners; the last
// corner leads to the first.
type Polygon []Point

const earthRadius = 6_371_008.8 // metres, the mean

// Metres is the great-circle distance between two points.
func Metres(a, b Point) float64 {
	const rad = math.Pi / 180
	dLat, dLon := (b.Lat-a.Lat)*rad, (b.Lon-a.Lon)*rad
	h := math.Pow(math.Sin(dLat/2), 2) + math.Cos(a.Lat*rad)*math.Cos(b.Lat*rad)*math.Pow(math.Sin(dLon/2), 2)
	return 2 * earthRadius * math.Asin(math.Min(1, math.Sqrt(h)))
}

// Holds reports whether a point lies in the circle.
func (c Circle) Holds(p Point) bool { return Metres(c.Centre, p) <= c.Metres }

// Holds reports whether a point lies in the polygon.
func (g Polygon) Holds(p Point) bool {
	in := false
	for i, a := range g {
		b := g[(i+1)%len(g)]
		if (a.Lat > p.Lat) != (b.Lat > p.Lat) && p.Lon < (b.Lon-a.Lon)*(p.Lat-a.Lat)/(b.Lat-a.Lat)+a.Lon {
			in = !in
		}
	}
	return in
}

func (p Point) valid() bool {
	return p.Lon >= -180 && p.Lon <= 180 && p.Lat >= -90 && p.Lat <= 90
}

// checkGeo refuses shapes that engines understand differently.
func checkGeo(f Filters) error {
	if c := f.Near; c != nil && (!c.Centre.valid() || !(c.Metres > 0 && c.Metres <= MaxRadius)) {
		return refuse("near", "use a longitude, a latitude and 1 to %d metres", MaxRadius)
	}
	g := f.Within
	if len(g) == 0 {
		return nil
	}
	if len(g) < 3 || len(g) > MaxCorners {
		return refuse("within", "use 3 to %d corners", MaxCorners)
	}
	for i, p := range g {
		if !p.valid() || math.Abs(p.Lon-g[0].Lon) >= 180 {
			return refuse("within", "corner %d is not a longitude and latitude in degrees, or the shape goes round the earth", i+1)
		}
		for j := range i {
			if g[i] == g[j] {
				return refuse("within", "corners %d and %d are the same", j+1, i+1)
			}
			if touch(g, j, i) {
				return refuse("within", "the lines from corners %d and %d cross; name the corners in order around the area", j+1, i+1)
			}
		}
	}
	return nil
}

// touch reports whether two sides that are not neighbours meet.
func touch(g Polygon, i, j int) bool {
	n := len(g)
	if (i+1)%n == j || (j+1)%n == i {
		return false
	}
	a, b, c, d := g[i], g[(i+1)%n], g[j], g[(j+1)%n]
	return turn(a, b, c)*turn(a, b, d) <= 0 && turn(c, d, a)*turn(c, d, b) <= 0
}

// turn is positive where c lies left of the way from a to b.
func turn(a, b, c Point) float64 {
	return (b.Lon-a.Lon)*(c.Lat-a.Lat) - (b.Lat-a.Lat)*(c.Lon-a.Lon)
}
