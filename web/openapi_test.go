package web_test

import (
	"encoding/json"
	"slices"
	"strings"
	"testing"

	"github.com/stretchr/testify/require"

	"hotline/web"
)

// walk calls visit for every object in a JSON value.
func walk(v any, visit func(map[string]any)) {
	switch x := v.(type) {
	case map[string]any:
		visit(x)
		for _, child := range x {
			walk(child, visit)
		}
	case []any:
		for _, child := range x {
			walk(child, visit)
		}
	}
}

func TestOpenAPIDocument(t *testing.T) {
	b, err := web.OpenAPI()
	require.NoError(t, err)
	again, err := web.OpenAPI()
	require.NoError(t, err)
	require.Equal(t, string(b), string(again), "the document must not differ between two runs")

	var doc map[string]any
	require.NoError(t, json.Unmarshal(b, &doc))
	require.True(t, strings.HasPrefix(doc["openapi"].(string), "3.1"))

	schemas := doc["components"].(map[string]any)["schemas"].(map[string]any)
	require.Contains(t, schemas, "Problem")
	require.NotContains(t, schemas, "ErrorModel")
	walk(doc, func(o map[string]any) {
		ref, ok := o["$ref"].(string)
		if !ok {
			return
		}
		name, ok := strings.CutPrefix(ref, "#/components/schemas/")
		require.True(t, ok, ref)
		require.Contains(t, schemas, name)
	})

	ids := map[string]bool{}
	for path, item := range doc["paths"].(map[string]any) {
		for method, op := range item.(map[string]any) {
			o := op.(map[string]any)
			id, _ := o["operationId"].(string)
			require.NotEmpty(t, id, path)
			require.False(t, ids[id], id)
			ids[id] = true
			require.NotEmpty(t, o["summary"], id)
			for _, part := range strings.Split(path, "/") {
				if !strings.HasPrefix(part, "{") {
					continue
				}
				var declared bool
				for _, p := range o["parameters"].([]any) {
					declared = declared || (p.(map[string]any)["in"] == "path" && "{"+p.(map[string]any)["name"].(string)+"}" == part)
				}
				require.True(t, declared, "%s %s %s", method, path, part)
			}
			fallback := o["responses"].(map[string]any)["default"].(map[string]any)
			require.Contains(t, fallback["content"], "application/problem+json", id)
			_, secured := o["security"]
			require.Equal(t, !strings.HasPrefix(path, "/api/public/") && !slices.Contains([]string{"sign-in", "sign-in-ways", "begin-oidc", "finish-oidc"}, id), secured, id)
		}
	}
	for _, id := range []string{"sign-in", "sign-out", "me", "events", "tickets", "create-ticket", "ticket", "edit-ticket", "act", "ticket-events",
		"ticket-clocks", "ticket-reads", "reveal", "ticket-earlier", "search", "stats-calls", "stats-tickets", "calls", "call", "recording", "hangup",
		"queues", "agents", "set-status", "missed-calls", "departments", "categories", "districts", "lines", "notifications", "file-appeal", "appeal-progress"} {
		require.True(t, ids[id], id)
	}
}
