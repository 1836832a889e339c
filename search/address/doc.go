// Package address finds the place that people speak of: district, street and place of
// the city's gazetteer, in what a caller says and an operator types.
//
// A name is looked for as it is written and as it sounds, whole or with some of its
// characters missing; characters that many names share (路, 小区, 第一) weigh little.
// A district or a street that is named besides speaks for the places in it.
//
// What always holds here:
//
//   - A place that is found is one of the gazetteer's, and its district is the
//     gazetteer's, whatever else the text names.
//   - Any text is read within bounded time: of a long one the first characters alone.
//   - The same text and gazetteer give the same reading.
package address
