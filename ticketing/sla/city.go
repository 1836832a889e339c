package sla

import "hotline/ticketing"

// FromCity makes the Keeper of a city's policy and calendar; where it gives
// none, the defaults apply. Its errors name the entry at fault.
func FromCity(c ticketing.City) (*Keeper, error) {
	policy, calendar := DefaultPolicy(), DefaultCalendar()
	var err error
	if len(c.Policy) > 0 && string(c.Policy) != "null" {
		if policy, err = ParsePolicy(c.Policy); err != nil {
			return nil, err
		}
	}
	if len(c.Calendar) > 0 && string(c.Calendar) != "null" {
		if calendar, err = ParseCalendar(c.Calendar); err != nil {
			return nil, err
		}
	}
	return NewKeeper(policy, calendar), nil
}
