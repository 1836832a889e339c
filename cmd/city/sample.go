package city

import (
	_ "embed" // the sample city
	"encoding/json"
	"fmt"

	"hotline/ticketing"
)

//go:embed data/city.yaml
var sampleDocument []byte

// SampleDocument is the YAML text of the sample city, as a city's own document
// may begin.
func SampleDocument() []byte { return append([]byte(nil), sampleDocument...) }

// Sample is the city of the demonstration, the benches and the tests: 云澜市,
// with 6 districts of 28 streets, 42 departments and 151 category leaves.
func Sample() ticketing.City {
	c, err := Parse(sampleDocument)
	if err != nil {
		panic(fmt.Sprintf("the embedded sample city is broken: %v", err)) // a test parses it
	}
	return c
}

// defaultPolicy and defaultCalendar stand in for a document that has none.
func defaultPolicy() json.RawMessage   { return nil }
func defaultCalendar() json.RawMessage { return nil }
