package address

import "fmt"

// Check refuses a gazetteer that speaks of districts or streets that the city has not.
func Check(areas []Area, places []Place) error {
	parents := map[string]string{}
	for _, a := range areas {
		parents[a.Code] = a.Parent
	}
	for _, p := range places {
		if _, known := parents[p.District]; !known {
			return fmt.Errorf("gazetteer: %s: the city has no district %q; use a code of its districts", p.Name, p.District)
		}
		if parent, known := parents[p.Street]; p.Street != "" && (!known || parent == "") {
			return fmt.Errorf("gazetteer: %s: the city has no street %q; use the code of a district below another, or leave it empty", p.Name, p.Street)
		}
	}
	return nil
}
