package esindex_test

import (
	"context"
	"encoding/json"
	"net/http"
	"testing"

	"github.com/stretchr/testify/require"
)

// indexes lists the indexes whose names begin with the prefix.
func indexes(ctx context.Context, t testing.TB, base, prefix string) []string {
	t.Helper()
	req, err := http.NewRequestWithContext(ctx, http.MethodGet, base+"/"+prefix+"-*/_alias", nil)
	require.NoError(t, err)
	res, err := http.DefaultClient.Do(req)
	require.NoError(t, err)
	defer func() { require.NoError(t, res.Body.Close()) }()
	var all map[string]any
	require.NoError(t, json.NewDecoder(res.Body).Decode(&all))
	names := []string{}
	for name := range all {
		names = append(names, name)
	}
	return names
}
