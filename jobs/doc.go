// Package jobs carries out what the database owes: it hands outbox rows to
// asynq, runs their handlers, fires deadlines and runs periodic work.
//
// What always holds here:
//
//   - The database is the truth. The queue (Redis, or miniredis inside the
//     process) may be wiped, restarted or lost at any moment: a row of the outbox
//     stays owed until it is marked done, and is queued again under a higher
//     generation when its task is gone, archived or orphaned.
//   - A task's id is topic:key:gen. An id that is already taken counts as queued.
//   - Effects inside the database happen once: the handler finishes its row in
//     the transaction of the effect. Effects outside happen at least once.
//   - A task that keeps failing is tried again for ever, ever more slowly (at
//     most ten minutes apart), is logged each time and holds nobody else up.
//   - Deadlines never pass through the queue: they are scanned in the database,
//     so that a backlog cannot delay them.
//   - Each topic has an asynq server of its own: a hanging webhook cannot take
//     the workers that dispatch tickets.
//   - asynq and miniredis are imported here and nowhere else.
package jobs
