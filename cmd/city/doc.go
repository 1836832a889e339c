// Package city brings the reference data of a city onto the platform and
// makes up a city's history for demonstrations, benches and tests.
//
// The first half is the city document: a YAML text with districts,
// departments, categories, the dispatch catalogue, the policy of time limits
// and the working calendar. Parse reads it strictly and names the line of
// whatever is wrong; Format writes it back; Parse(Format(c)) equals c. Sample
// is the city of the demonstration, 云澜市, which exists nowhere: its
// coordinates lie in open sea.
//
// The second half is the Generator. Its invariants:
//
//   - The same seed, city and options give the same cases, byte for byte.
//   - Cases come in the order of their arrival, ids and numbers never repeat.
//   - Memory does not grow with the number of cases.
//   - Every name, telephone number, place and text is invented. Telephone
//     numbers begin with 142, 143 or 154, which no subscriber has.
package city
