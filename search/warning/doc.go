// Package warning watches the counts of a city's tickets and keeps the alerts that
// come of it: who has one in hand, what became of it.
//
// What always holds here:
//
//   - It knows tickets only as counts and as the members of an alert, through a
//     [Source]; sealed partitions are in neither.
//   - One series has one alert at a time that is not over: what goes on adds to it.
//   - In the mean no more than [Settings].Budget alerts a day are false, over all
//     series together: the more series, the more improbable each has to be.
//   - Every alert says what was expected, what came, from which count on it would have
//     been warned, which tickets they are, since when, and what happened before.
//   - An alert is kept before people are told of it, and told of until that was taken: what
//     fails or dies in between has it told again, at the next look.
//   - A step of an alert's life is made from the version that was seen; two people at
//     once do not overwrite each other.
package warning
