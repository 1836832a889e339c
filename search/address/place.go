package address

import (
	"encoding/csv"
	"errors"
	"fmt"
	"io"
	"strconv"
	"strings"
	"unicode/utf8"
)

// The bounds of a gazetteer.
const (
	MaxPlaces = 200_000
	MaxName   = 40 // characters of a name or an alias
)

// Header is the first line of a gazetteer as CSV; aliases are separated by "|".
const Header = "name,aliases,kind,district,street,lon,lat"

// Kinds are the kinds of place: residential estate, road, market or mall,
// school, hospital, park or landscape, station, village, factory, office,
// construction site.
const Kinds = "rdmshptvfoc"

// Place is one entry of a gazetteer.
type Place struct {
	Name     string
	Aliases  []string // what callers call it
	Kind     string   // one letter, see Kinds
	District string   // code
	Street   string   // code of the district one level below; may be empty
	Lon, Lat float64  // degrees, GCJ-02
}

// Key tells places of one name in different districts apart.
func (p *Place) Key() string {
	area := p.Street
	if area == "" {
		area = p.District
	}
	return area + "/" + p.Name
}

// Area is a district or a street of the city.
type Area struct {
	Code   string
	Name   string
	Parent string // empty for a district
}

// Parse reads a gazetteer with the header [Header]. Errors name the line and say what to do.
func Parse(r io.Reader) ([]Place, error) {
	cr := csv.NewReader(r)
	cr.FieldsPerRecord = 7
	head, err := cr.Read()
	if err != nil {
		return nil, fmt.Errorf("gazetteer: read header: %w", err)
	}
	if got := strings.TrimPrefix(strings.Join(head, ","), "\ufeff"); got != Header {
		return nil, fmt.Errorf("gazetteer: line 1: header is %q; it must be %s", got, Header)
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
		p, err := parsePlace(rec)
		if err != nil {
			return nil, fmt.Errorf("gazetteer: line %d: %w", line, err)
		}
		key := p.District + "\n" + p.Street + "\n" + p.Name
		if l := first[key]; l != 0 {
			return nil, fmt.Errorf("gazetteer: line %d: %s is already in line %d with this street; keep one", line, p.Name, l)
		}
		first[key] = line
		if out = append(out, p); len(out) > MaxPlaces {
			return nil, fmt.Errorf("gazetteer: line %d: use at most %d places", line, MaxPlaces)
		}
	}
}

func parsePlace(rec []string) (Place, error) {
	p := Place{Name: strings.TrimSpace(rec[0]), Kind: rec[2], District: rec[3], Street: rec[4]}
	if p.Name == "" || p.District == "" {
		return p, errors.New("name and district must be given")
	}
	for alias := range strings.SplitSeq(rec[1], "|") {
		if alias = strings.TrimSpace(alias); alias != "" {
			p.Aliases = append(p.Aliases, alias)
		}
	}
	for _, name := range append([]string{p.Name}, p.Aliases...) {
		if !utf8.ValidString(name) || utf8.RuneCountInString(name) > MaxName {
			return p, fmt.Errorf("a name must be UTF-8 of at most %d characters", MaxName)
		}
	}
	if len(p.Kind) != 1 || !strings.Contains(Kinds, p.Kind) {
		return p, fmt.Errorf("kind %q must be one letter of %s", p.Kind, Kinds)
	}
	var e1, e2 error
	p.Lon, e1 = strconv.ParseFloat(rec[5], 64)
	p.Lat, e2 = strconv.ParseFloat(rec[6], 64)
	if e1 != nil || e2 != nil || !(p.Lon >= -180 && p.Lon <= 180 && p.Lat >= -90 && p.Lat <= 90) {
		return p, fmt.Errorf("%q, %q are not a longitude and latitude in degrees", rec[5], rec[6])
	}
	return p, nil
}

// Format writes a gazetteer as Parse reads it.
func Format(w io.Writer, places []Place) error {
	cw := csv.NewWriter(w)
	if err := cw.Write(strings.Split(Header, ",")); err != nil {
		return err
	}
	for _, p := range places {
		degrees := func(v float64) string { return strconv.FormatFloat(v, 'f', -1, 64) }
		if err := cw.Write([]string{p.Name, strings.Join(p.Aliases, "|"), p.Kind, p.District, p.Street, degrees(p.Lon), degrees(p.Lat)}); err != nil {
			return err
		}
	}
	cw.Flush()
	return cw.Error()
}
