package config

import (
	"fmt"

	"hotline/telephony/ivr"
)

// flowList is the key of the flows that callers are led through. As with the
// queues it is for the file alone.
const flowList = "flow-list"

// readFlows reads the flows of a file; errors name lines and columns of it.
func readFlows(file sections) ([]ivr.Flow, error) {
	node, ok := file.keys[flowList]
	if !ok {
		return nil, nil
	}
	flows, err := ivr.Parse(&node)
	if err != nil {
		return nil, fmt.Errorf("configuration file %s, %s: %w", file.path, flowList, err)
	}
	return flows, nil
}
