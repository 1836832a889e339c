package esindex

import (
	"fmt"

	"hotline/search"
)

// geography spells the filters of where.
func geography(f search.Filters) []object {
	var all []object
	if c := f.Near; c != nil {
		all = append(all, object{"geo_distance": object{"distance": fmt.Sprintf("%gm", c.Metres), "location": pointOf(c.Centre)}})
	}
	if len(f.Within) > 0 {
		ring := make([][2]float64, 0, len(f.Within)+1)
		for _, p := range f.Within {
			ring = append(ring, [2]float64{p.Lon, p.Lat})
		}
		ring = append(ring, ring[0])
		all = append(all, object{"geo_shape": object{"location": object{"shape": object{"type": "polygon", "coordinates": [][][2]float64{ring}}}}})
	}
	return all
}
