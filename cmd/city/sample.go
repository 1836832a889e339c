package city

import (
	"bytes"
	_ "embed" // the sample city
	"encoding/json"
	"fmt"

	"hotline/ticketing"
	"hotline/ticketing/sla"
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

// defaultPolicy and defaultCalendar stand in where a document has none.
func defaultPolicy() json.RawMessage   { return compact(sla.DefaultPolicyDocument()) }
func defaultCalendar() json.RawMessage { return compact(sla.DefaultCalendarDocument()) }

// compact drops the white space, as Parse does, so that a city stays equal
// when it is written and read back.
func compact(doc json.RawMessage) json.RawMessage {
	var b bytes.Buffer
	if json.Compact(&b, doc) != nil {
		return doc
	}
	return b.Bytes()
}
