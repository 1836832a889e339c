// Package topic groups reports of one matter: what several people say of one place.
//
// Reports come one at a time. Each joins the topic that it is nearest to in words and
// place, or begins a new one; topics that turn out to be one are joined. Nearness is
// the mean over the members (average linkage) of the cosine of weighed character
// pairs and words, in which the title counts more than the text, and a place that is
// known counts for or against.
//
// What always holds here:
//
//   - It imports the standard library and package search's analysis of text alone.
//   - A topic keeps its number: when two are joined, the older one's stays and
//     answers for both.
//   - Topics that are kept apart do not become one by themselves, nor does what was joined
//     to them.
//   - Every report is in exactly one topic, and the same reports in the same order
//     make the same topics.
package topic
