package web

import (
	"strconv"
	"strings"

	"hotline/search"
)

// readCircle reads lon,lat,metres.
func readCircle(text string) (*search.Circle, error) {
	if text == "" {
		return nil, nil
	}
	v, ok := numbers(text, 3)
	if !ok {
		return nil, &search.QueryError{Field: "near", Reason: "use lon,lat,metres such as 123.08577,36.17372,500"}
	}
	return &search.Circle{Centre: search.Point{Lon: v[0], Lat: v[1]}, Metres: v[2]}, nil
}

// readCorners reads lon,lat;lon,lat;…
func readCorners(text string) (search.Polygon, error) {
	if text == "" {
		return nil, nil
	}
	var corners search.Polygon
	for corner := range strings.SplitSeq(text, ";") {
		v, ok := numbers(corner, 2)
		if !ok {
			return nil, &search.QueryError{Field: "within", Reason: "use lon,lat;lon,lat;lon,lat and so on"}
		}
		corners = append(corners, search.Point{Lon: v[0], Lat: v[1]})
	}
	return corners, nil
}

// numbers reads n numbers joined by commas.
func numbers(text string, n int) ([]float64, bool) {
	parts := strings.Split(text, ",")
	if len(parts) != n {
		return nil, false
	}
	out := make([]float64, n)
	for i, p := range parts {
		v, err := strconv.ParseFloat(strings.TrimSpace(p), 64)
		if err != nil {
			return nil, false
		}
		out[i] = v
	}
	return out, true
}
