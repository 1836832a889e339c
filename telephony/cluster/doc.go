// Package cluster keeps in Redis what the nodes of one call centre share: the
// order of the events of their queues ([Log]) and where the seats' phones are
// ([Locations]).
//
// No node leads. Redis alone decides the order of events, and each node makes
// the same of them, for the queues' machine is deterministic. So there is no
// lease that could be held by two.
//
// What always holds:
//   - Two nodes that have read up to the same event have read the same events.
//   - Events that one node appends keep their order.
//   - A node that reads what does not follow on what it has read before, since
//     Redis lost its newest writes or the node slept too long, begins anew from
//     the newest snapshot and never goes on with what the others do not know.
//   - When Redis has lost all, the first node that notices puts there what it
//     knows; the others take it from there.
//
// All keys begin with {hotline:calls}, so that they are on one server of a
// Redis cluster.
package cluster
