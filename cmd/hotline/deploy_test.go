package main

import (
	"os"
	"path/filepath"
	"regexp"
	"strings"
	"testing"
)

// TestAlertsAndDashboardNameMetricsThatExist: a metric that was renamed must not leave an alert that never fires.
func TestAlertsAndDashboardNameMetricsThatExist(t *testing.T) {
	var code strings.Builder
	walkGo(t, filepath.Join("..", ".."), func(path string, _ []string) {
		if strings.HasSuffix(path, "_test.go") {
			return
		}
		raw, err := os.ReadFile(filepath.Join("..", "..", path))
		if err != nil {
			t.Fatal(err)
		}
		code.Write(raw)
	})
	named := regexp.MustCompile(`hotline_[a-z_]+`)
	for file, least := range map[string]int{"alerts.yaml": 10, "grafana.json": 12} {
		raw, err := os.ReadFile(filepath.Join("..", "..", "deploy", file))
		if err != nil {
			t.Fatal(err)
		}
		names := named.FindAllString(string(raw), -1)
		if len(names) < least {
			t.Errorf("deploy/%s names %d metrics", file, len(names))
		}
		for _, name := range names {
			if !strings.Contains(code.String(), `"`+strings.TrimSuffix(name, "_bucket")+`"`) {
				t.Errorf("deploy/%s asks for %s, which nothing gives", file, name)
			}
		}
	}
}
