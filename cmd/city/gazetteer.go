package city

import (
	"bytes"
	_ "embed" // the sample city's places
	"fmt"

	"hotline/search/address"
	"hotline/ticketing"
)

//go:embed data/gazetteer.csv
var sampleGazetteer []byte

// Place is one entry of a gazetteer.
type Place = address.Place

// GazetteerDocument is the CSV text of the sample city's places, as a city's own may begin.
func GazetteerDocument() []byte { return bytes.Clone(sampleGazetteer) }

// Gazetteer has the places of the sample city.
func Gazetteer() []Place {
	places, err := address.Parse(bytes.NewReader(sampleGazetteer))
	if err != nil {
		panic(fmt.Sprintf("the embedded gazetteer is broken: %v", err)) // a test parses it
	}
	return places
}

// Addresses reads addresses of a city: its districts and streets, and the places of a gazetteer.
func Addresses(c ticketing.City, places []Place) *address.Gazetteer {
	return address.New(Areas(c), places)
}
