package city

import (
	"bytes"
	_ "embed" // the sample city's places
	"encoding/csv"
	"errors"
	"fmt"
	"io"
	"strconv"
	"strings"
)

//go:embed data/gazetteer.csv
var sampleGazetteer []byte

// Place is one entry of a gazetteer.
type Place struct {
	Name     string
	Aliases  []string // what callers call it
	Kind     string   // one letter, see Kinds
	District string   // code
	Street   string   // code of the district one level below; may be empty
	Lon, Lat float64  // degrees, GCJ-02
}

// Kinds are the kinds of place: residential estate, road, market or mall,
// school, hospital, park or landscape, station, village, factory, office,
// construction site.
const Kinds = "rdmshptvfoc"

// Gazetteer has the places of the sample city.
func Gazetteer() []Place {
	places, err := ParseGazetteer(bytes.NewReader(sampleGazetteer))
	if err != nil {
		panic(fmt.Sprintf("the embedded gazetteer is broken: %v", err)) // a test parses it
	}
	return places
}

// ParseGazetteer reads a CSV with the header
// name,aliases,kind,district,street,lon,lat; aliases are separated by "|".
// Errors name the line.
func ParseGazetteer(r io.Reader) ([]Place, error) {
	cr := csv.NewReader(r)
	cr.FieldsPerRecord = 7
	head, err := cr.Read()
	if err != nil {
		return nil, fmt.Errorf("gazetteer: read header: %w", err)
	}
	if got := strings.Join(head, ","); got != "name,aliases,kind,district,street,lon,lat" {
		return nil, fmt.Errorf("gazetteer: line 1: header is %q; it must be name,aliases,kind,district,street,lon,lat", got)
	}
	var out []Place
	first := map[string]int{}
	for {
		rec, err := cr.Read()
		if errors.Is(err, io.EOF) {
			return out, nil
		}
		if err != nil {
			return nil, fmt.Errorf("gazetteer: %w", err)
		}
		line, _ := cr.FieldPos(0)
		p := Place{Name: rec[0], Kind: rec[2], District: rec[3], Street: rec[4]}
		if rec[1] != "" {
			p.Aliases = strings.Split(rec[1], "|")
		}
		if p.Name == "" || p.District == "" {
			return nil, fmt.Errorf("gazetteer: line %d: name and district must be given", line)
		}
		if l := first[p.Name]; l != 0 {
			return nil, fmt.Errorf("gazetteer: line %d: %s is already in line %d; keep one", line, p.Name, l)
		}
		first[p.Name] = line
		if len(p.Kind) != 1 || !strings.Contains(Kinds, p.Kind) {
			return nil, fmt.Errorf("gazetteer: line %d: kind %q must be one letter of %s", line, p.Kind, Kinds)
		}
		var e1, e2 error
		p.Lon, e1 = strconv.ParseFloat(rec[5], 64)
		p.Lat, e2 = strconv.ParseFloat(rec[6], 64)
		if e1 != nil || e2 != nil || !(p.Lon >= -180 && p.Lon <= 180 && p.Lat >= -90 && p.Lat <= 90) {
			return nil, fmt.Errorf("gazetteer: line %d: %q, %q are not a longitude and latitude in degrees", line, rec[5], rec[6])
		}
		out = append(out, p)
	}
}
