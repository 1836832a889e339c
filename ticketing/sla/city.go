package sla

import "hotline/ticketing"

// FromCity makes the Keeper of a city's policy and calendar; where it gives
// none, the defaults apply. Its errors name the entry at fault.
func FromCity(c ticketing.City) (*Keeper, error) {
	policy := DefaultPolicy()
	calendar, err := CalendarOf(c)
	if err != nil {
		return nil, err
	}
	if len(c.Policy) > 0 && string(c.Policy) != "null" {
		if policy, err = ParsePolicy(c.Policy); err != nil {
			return nil, err
		}
	}
	return NewKeeper(policy, calendar), nil
}

// CalendarOf is a city's own calendar, or the default one where it has none.
func CalendarOf(c ticketing.City) (*Calendar, error) {
	if len(c.Calendar) == 0 || string(c.Calendar) == "null" {
		return DefaultCalendar(), nil
	}
	return ParseCalendar(c.Calendar)
}
