package search

// Ranking asks for the documents in which the most of something is.
type Ranking struct {
	Terms    []Term // at most MaxTerms
	Place    string // of which a document has PlaceWeight more
	Category string // leaf; of which one that has anything else has CategoryWeight more
	Without  string // ID of one that is left out

	PlaceWeight    int
	CategoryWeight int

	Scope   Scope
	Filters Filters
	Limit   int
}

// MaxTerms bounds the terms of a ranking.
const MaxTerms = 24

// Term is a clause with what it counts where it occurs, from 1 on.
type Term struct {
	Clause Clause
	Weight int
}
