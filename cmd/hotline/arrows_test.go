package main

import (
	"go/parser"
	"go/token"
	"io/fs"
	"os"
	"path/filepath"
	"sort"
	"strconv"
	"strings"
	"testing"
)

// module is the path that the folders' imports begin with.
const module = "hotline/"

// fences names, for a library, the folders that alone may import it.
// A folder ending in "/..." stands for itself and everything below.
var fences = map[string][]string{
	"github.com/emiago/sipgo":                {"telephony/..."},
	"github.com/icholy/digest":               {"telephony/..."},
	"github.com/pion/":                       {"telephony/..."},
	"github.com/gobwas/":                     {"telephony/..."},
	"github.com/gofiber/":                    {"web"},
	"github.com/danielgtaylor/huma":          {"web"},
	"github.com/xuri/":                       {"web"},
	"github.com/hibiken/asynq":               {"jobs"},
	"github.com/alicebob/miniredis":          {"jobs"},
	"github.com/redis/go-redis":              {"jobs", "telephony/cluster/...", "web/cluster"},
	"github.com/minio/minio-go":              {"ticketing/blobs"},
	"github.com/johannesboyne/gofakes3":      {"ticketing/blobs"},
	"github.com/coreos/go-oidc":              {"web/sso"},
	"golang.org/x/oauth2":                    {"web/sso"},
	"github.com/zitadel/":                    {"web"},
	"github.com/emmansun/gmsm":               {"ticketing/sealing"},
	"github.com/jellydator/ttlcache":         {"ticketing/sqlstore"},
	"github.com/pquerna/otp":                 {"web"},
	"github.com/gabriel-vasile/mimetype":     {"web"},
	"github.com/uptrace/bun":                 {"ticketing/sqlstore", "telephony/sqlstore", "telephony/storetest", "search/sqlstore", "search/ftsindex"},
	"github.com/pressly/goose":               {"ticketing/sqlstore", "telephony/sqlstore", "telephony/storetest", "search/sqlstore", "search/ftsindex"},
	"github.com/jackc/pgx":                   {"ticketing/sqlstore", "telephony/sqlstore", "telephony/storetest", "search/sqlstore"},
	"modernc.org/sqlite":                     {"ticketing/sqlstore", "telephony/sqlstore", "telephony/storetest", "search/sqlstore", "search/ftsindex"},
	"database/sql":                           {"ticketing/sqlstore", "telephony/sqlstore", "telephony/storetest", "search/sqlstore", "search/ftsindex"},
	"github.com/mozillazg/go-pinyin":         {"search/pinyin"},
	"github.com/elastic/":                    {"search/esindex"},
	"github.com/sashabaranov/go-openai":      {"search/assist"},
	"github.com/prometheus/client_golang":    {"web", "cmd/..."},
	"github.com/spf13/cobra":                 {"cmd/..."},
	"github.com/knadh/koanf":                 {"cmd/..."},
	"golang.org/x/crypto/argon2":             {"web", "cmd/..."},
	"github.com/rogpeppe/go-internal":        {"cmd/..."},
	"pgregory.net/rapid":                     {"..."},
	"github.com/stretchr/testify":            {"..."},
	"github.com/golang-migrate/":             {},
	"gorm.io/":                               {},
	"github.com/elastic/go-elasticsearch/v7": {},
}

// peers are the folders whose tests play a hostile or foreign SIP peer.
var peers = []string{"cmd/callsim", "cmd/hotline/e2e", "cmd/hotline/drill"}

// wireLibraries are what such a peer is made of.
var wireLibraries = []string{"github.com/emiago/sipgo", "github.com/icholy/digest", "github.com/pion/"}

// arrows names, for a folder, the project's folders that its code may import.
// The longest match counts; below cmd everything is allowed.
var arrows = map[string][]string{
	"ticketing":             {"ticketing/ledger"},
	"ticketing/ledger":      {},
	"ticketing/keyring":     {"ticketing/sealing"},
	"ticketing/sealing":     {},
	"ticketing/sla":         {"ticketing"},
	"ticketing/sla/slatest": {"ticketing/sla"},
	"ticketing/routing":     {"ticketing"},
	"ticketing/assess":      {"ticketing"},
	"ticketing/sqlstore":    {"ticketing", "ticketing/ledger", "ticketing/keyring", "ticketing/sealing", "ticketing/sla", "ticketing/routing", "ticketing/assess"},
	"ticketing/storetest":   {"ticketing", "ticketing/ledger", "ticketing/sla", "ticketing/routing", "ticketing/assess"},
	"ticketing/blobs":       {"ticketing"},
	"telephony":             {"telephony/invite", "telephony/media", "telephony/acd", "telephony/ivr", "telephony/prompts", "telephony/trunk", "telephony/vault", "telephony/survey"},
	"telephony/invite":      {},
	"telephony/media":       {},
	"telephony/acd":         {},
	"telephony/ivr":         {"telephony/acd"},
	"telephony/prompts":     {},
	"telephony/trunk":       {},
	"telephony/vault":       {},
	"telephony/survey":      {},
	"telephony/tlstest":     {},
	"telephony/phone":       {"telephony/invite", "telephony/media"},
	"telephony/sqlstore":    {"telephony", "telephony/acd", "telephony/survey"},
	"telephony/storetest":   {"telephony", "telephony/acd", "telephony/survey"},
	"telephony/drill":       {"telephony", "telephony/invite", "telephony/media", "telephony/prompts", "telephony/storetest"},
	"telephony/cluster":     {"telephony", "telephony/acd"},

	"telephony/cluster/clustertest": {},

	"search":                  {"search/pinyin"},
	"search/address":          {"search/pinyin"},
	"search/assist":           {},
	"search/classify":         {},
	"search/hotspot":          {},
	"search/pinyin":           {},
	"search/topic":            {"search"},
	"search/warning":          {"search/hotspot", "search/topic"},
	"search/gather":           {"search", "search/topic"},
	"search/sqlstore":         {"search", "search/gather", "search/warning"},
	"search/storetest":        {"search", "search/gather", "search/warning"},
	"search/hotspot/scan":     {},
	"search/hotspot/simulate": {"search/hotspot"},
	"search/ftsindex":         {"search"},
	"search/esindex":          {"search"},
	"search/indextest":        {"search"},
	"jobs":                    {"ticketing", "ticketing/sla", "search", "jobs/notify"},
	"jobs/notify":             {"ticketing"},
	"web":                     {"ticketing", "ticketing/ledger", "ticketing/sla", "search", "telephony", "telephony/survey", "web/ui", "web/cluster", "web/sso", "search/address", "search/classify", "search/assist", "search/gather", "search/hotspot", "search/warning"},
	"web/cluster":             {},
	"web/sso":                 {},
	"web/ui":                  {},
}

// pure folders import the standard library and each other, nothing else.
var pure = []string{"ticketing", "ticketing/ledger", "ticketing/sla", "ticketing/routing", "ticketing/assess", "telephony/acd", "telephony/survey", "search/classify", "search/hotspot", "search/hotspot/scan", "search/topic"}

// rootEntries is what the root of the repository holds, dotfiles apart.
var rootEntries = []string{
	"cmd", "telephony", "ticketing", "search", "jobs", "web", "docs", "deploy",
	"go.mod", "go.sum", "README.md", "README.zh-CN.md", "LICENSE", "Makefile",
}

// madeEntries come and go with builds and runs and are ignored by git.
var madeEntries = []string{"bin", "data", "bench.json"}

func TestArrowsAndFences(t *testing.T) {
	root := filepath.Join("..", "..")
	seen := 0
	walkGo(t, root, func(path string, imports []string) {
		seen++
		folder := filepath.ToSlash(filepath.Dir(path))
		test := strings.HasSuffix(path, "_test.go")
		for _, imported := range imports {
			checkFence(t, path, folder, imported, test)
			checkArrow(t, path, folder, imported, test)
			checkPure(t, path, folder, imported, test)
		}
	})
	if seen < 50 {
		t.Fatalf("read %d Go files; the walk misses the tree", seen)
	}
}

func TestRootHoldsOnlyWhatIsNamed(t *testing.T) {
	entries, err := os.ReadDir(filepath.Join("..", ".."))
	if err != nil {
		t.Fatal(err)
	}
	allowed := map[string]bool{}
	for _, name := range append(append([]string{}, rootEntries...), madeEntries...) {
		allowed[name] = true
	}
	for _, e := range entries {
		if name := e.Name(); !strings.HasPrefix(name, ".") && !allowed[name] {
			t.Errorf("%s does not belong in the root", name)
		}
		delete(allowed, e.Name())
	}
	for _, name := range rootEntries {
		if allowed[name] {
			t.Errorf("%s is missing from the root", name)
		}
	}
}

func TestPackagesSayWhatAlwaysHolds(t *testing.T) {
	folders := map[string]bool{}
	walkGo(t, filepath.Join("..", ".."), func(path string, _ []string) {
		folders[filepath.Dir(path)] = true
	})
	for folder := range folders {
		if _, err := os.Stat(filepath.Join("..", "..", folder, "doc.go")); err != nil && !strings.HasPrefix(folder, ".ci") {
			t.Errorf("%s has no doc.go", folder)
		}
	}
}

func checkFence(t *testing.T, path, folder, imported string, test bool) {
	t.Helper()
	library, found := "", false
	for prefix := range fences {
		if matchesLibrary(imported, prefix) && len(prefix) > len(library) {
			library, found = prefix, true
		}
	}
	peer := test && within(folder, peers) && within(library, wireLibraries)
	if found && !peer && !within(folder, fences[library]) {
		t.Errorf("%s imports %s; only %s may", path, imported, strings.Join(fences[library], ", "))
	}
}

func checkArrow(t *testing.T, path, folder, imported string, test bool) {
	t.Helper()
	target, ours := strings.CutPrefix(imported, module)
	if !ours || target == folder || strings.HasPrefix(folder, "cmd") {
		return
	}
	allowed, known := arrows[folder]
	if !known {
		t.Errorf("%s: the folder has no row in the table of arrows", path)
		return
	}
	if within(target, allowed) || test && testMayImport(folder, target) {
		return
	}
	t.Errorf("%s imports %s: no arrow leads there", path, imported)
}

// testMayImport lets tests use suites and real engines next to what they test.
func testMayImport(folder, target string) bool {
	area, _, _ := strings.Cut(folder, "/")
	if strings.HasPrefix(target, area+"/") || target == area {
		return true
	}
	integrates := map[string][]string{
		"jobs": {"ticketing/...", "search/..."},
		"web":  {"ticketing/...", "search/...", "telephony/..."},
	}
	return within(target, integrates[area])
}

func checkPure(t *testing.T, path, folder, imported string, test bool) {
	t.Helper()
	if test || !within(folder, pure) || strings.HasPrefix(imported, module) {
		return
	}
	if first, _, _ := strings.Cut(imported, "/"); strings.Contains(first, ".") {
		t.Errorf("%s imports %s; the package is pure", path, imported)
	}
}

func matchesLibrary(imported, prefix string) bool {
	return imported == prefix || strings.HasPrefix(imported, strings.TrimSuffix(prefix, "/")+"/")
}

func within(folder string, allowed []string) bool {
	for _, a := range allowed {
		tree, below := strings.CutSuffix(a, "...")
		tree = strings.TrimSuffix(tree, "/")
		if folder == a || below && (tree == "" || folder == tree || strings.HasPrefix(folder, tree+"/")) {
			return true
		}
	}
	return false
}

// walkGo calls visit with every Go file of the repository and what it imports.
func walkGo(t *testing.T, root string, visit func(path string, imports []string)) {
	t.Helper()
	err := filepath.WalkDir(root, func(path string, d fs.DirEntry, err error) error {
		if err != nil {
			return err
		}
		if d.IsDir() {
			if name := d.Name(); name == "node_modules" || name == ".git" || name == "testdata" || name == "bin" {
				return filepath.SkipDir
			}
			return nil
		}
		if !strings.HasSuffix(path, ".go") {
			return nil
		}
		file, err := parser.ParseFile(token.NewFileSet(), path, nil, parser.ImportsOnly)
		if err != nil {
			return err
		}
		var imports []string
		for _, i := range file.Imports {
			name, err := strconv.Unquote(i.Path.Value)
			if err != nil {
				return err
			}
			imports = append(imports, name)
		}
		sort.Strings(imports)
		rel, err := filepath.Rel(root, path)
		if err != nil {
			return err
		}
		visit(rel, imports)
		return nil
	})
	if err != nil {
		t.Fatal(err)
	}
}
