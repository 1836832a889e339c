// Package assist asks a language model behind an OpenAI-compatible endpoint for suggestions:
// a summary of a ticket, a draft of a reply, a second opinion on its category.
//
// What always holds here:
//
//   - It is off unless a city gives an endpoint, and nothing depends on it.
//   - What is sent has no name, telephone number, identity card, plate or address of
//     e-mail that [Masked] finds; the caller has taken the citizen's own out before.
//   - What a model says is a suggestion: it is bounded in length and time, and a category
//     that was not among the choices is none.
//   - Neither what is sent nor what comes is in a log or in an error.
package assist
