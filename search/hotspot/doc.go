// Package hotspot warns when more is reported than a place, a matter and a day
// are used to.
//
// For each series of daily counts it expects a mean by a quasi-Poisson regression
// with trend, season, weekdays, holidays and make-up workdays (after Farrington
// et al. 1996 and Noufaily et al. 2013), learned from the past in which outbreaks
// count less, and asks how improbable today is, alone and together with the two
// days before.
//
// What always holds here:
//
//   - It imports the standard library alone. Days and the calendar come from the caller.
//   - It is causal: what is said of a day depends on that day and those before it.
//   - What is not known well is not warned of lightly: the uncertainty of the mean
//     is part of the bound.
//   - Every verdict says what was expected, what the bound was, and how improbable
//     what happened is.
package hotspot
