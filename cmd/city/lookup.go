package city

import "hotline/ticketing"

// lookup answers who is in charge, as the dispatch catalogue says: the entry
// of the place's own district first, then of its parents, then of the city.
type lookup struct {
	entry  map[[2]string]string
	parent map[string]string
}

func newLookup(c ticketing.City) *lookup {
	l := &lookup{entry: make(map[[2]string]string, len(c.Catalogue.Entries)), parent: make(map[string]string, len(c.Districts))}
	for _, e := range c.Catalogue.Entries {
		l.entry[[2]string{e.Category, e.District}] = e.Department
	}
	for _, d := range c.Districts {
		l.parent[d.Code] = d.Parent
	}
	return l
}

// department is empty where the dispatch desk has to decide.
func (l *lookup) department(category, district string) string {
	for steps := 0; district != "" && steps < 16; district, steps = l.parent[district], steps+1 {
		if d := l.entry[[2]string{category, district}]; d != "" {
			return d
		}
	}
	return l.entry[[2]string{category, ""}]
}
