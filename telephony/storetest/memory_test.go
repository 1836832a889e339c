package storetest_test

import (
	"testing"

	"hotline/telephony"
	"hotline/telephony/storetest"
)

func TestMemory(t *testing.T) {
	storetest.Run(t, func(*testing.T) telephony.Store { return storetest.NewMemory() })
}

func TestMemoryLocations(t *testing.T) {
	storetest.RunLocations(t, func(testing.TB) telephony.Locations { return telephony.NewMemoryLocations() })
}
