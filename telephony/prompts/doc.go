// Package prompts holds the sentences and the music that the call centre
// plays: WAV, 8 kHz, mono, G.711 A-law, made by speak.sh.
//
// The folders en and yue have the same sentences in English and Cantonese.
//
// A city replaces them by a folder with files of the same names. A sentence
// that is missing is told at start-up and a tone is played in its place, so
// that a caller never hears silence.
//
// What always holds here:
//
//   - Each name of [Names] has a file in [FS], and a test plays it.
package prompts
