// Package pinyin says how Han characters are read, for what people type by sound:
// initials of a name, and characters that an input method confused.
//
// What always holds here:
//
//   - A reading is lower-case a to z, without tone; ü is written v.
//   - A character that has several readings has all of them.
package pinyin
