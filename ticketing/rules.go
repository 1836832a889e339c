package ticketing

// ClockKeeper derives a ticket's clocks. It is implemented by sla.Keeper.
type ClockKeeper interface {
	// Clocks is a pure function of the events, a policy and a calendar. It
	// leaves the steps out: it runs with every move.
	Clocks(t Ticket, events []Event) []Clock
	// Explain is Clocks with the steps of each derivation.
	Explain(t Ticket, events []Event) []Clock
}

// Router finds the department in charge. It is implemented by routing.Router.
type Router interface {
	Route(t Ticket) Decision
}

// Decision is the answer of a Router.
type Decision struct {
	Department string // empty when Desk
	Reason     string // in Chinese: which entry of which version, or why none
	ReasonEn   string
	Desk       bool // nobody is in charge by the catalogue: a person decides
	Candidates []string
}

// Rules are what a city's reference data means: who must act, and by when.
type Rules struct {
	Clocks ClockKeeper
	Router Router
}

// RulesFunc builds the rules of a city; an error refuses the import of the city.
// It gets the zero City as long as none has been imported.
type RulesFunc func(City) (Rules, error)
