package cluster

// Chained is the sum over all events.
var Chained = chained
