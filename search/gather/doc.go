// Package gather keeps the topics of a city: what several people report of one place.
//
// Each ticket that gets a number is gathered once, in order of number. The index names
// the tickets that are the most alike, their topics are read, and package topic decides
// whether the ticket belongs to one of them, begins one with a ticket that was alone so
// far, or stays alone. Topics that turn out to be one are joined. People name topics,
// join them, take tickets out of them and follow them.
//
// What always holds here:
//
//   - A ticket is in one topic at most, and stays there until people move it or the whole
//     topic is joined to another.
//   - A topic keeps its ID. One that was joined to another names that for ever.
//   - What people took apart does not come together by itself.
//   - Tickets of sealed partitions, drafts and cancelled tickets are in no topic. No name,
//     phone or text of a person is kept here.
//   - That a topic grew is kept with the ticket that it grew by, until whoever is to be told
//     took it; people may be told twice, not never.
//   - A look that was interrupted, or runs twice, changes nothing but what is still to do.
package gather
