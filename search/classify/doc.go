// Package classify says which label a text has: character n-grams, weighed by
// how rare they are, and a linear model for each label, learned from texts whose
// labels people gave.
//
// What always holds here:
//
//   - It imports the standard library alone, and learning twice from the same
//     examples gives the same model, bit by bit.
//   - A probability is calibrated on texts that the model behind it had not seen
//     (Platt 1999; Lin, Lin, Weng 2007), and the labels' add up to one.
//   - Below [Model.Sure] nothing is proposed: a wrong proposal costs more than none.
//   - What a label is proposed for is told in pieces of the text itself.
//   - A model that was cut short or made by another version is refused.
package classify
