package sqlstore

import (
	"errors"
	"fmt"
	"net/url"
	"os"
	"path/filepath"
	"strings"
)

// Names of the dialects.
const (
	SQLite   = "sqlite"
	Postgres = "postgres"
)

// address is a store's URL, taken apart.
type address struct {
	dialect string
	path    string // SQLite: the file
	url     string // PostgreSQL: as given
}

func parseAddress(raw string) (address, error) {
	u, err := url.Parse(raw)
	if err != nil {
		// url.Parse repeats the address with its password: leave that out.
		return address{}, errors.New("the store's address does not parse: give sqlite:///absolute/path/hotline.db or postgres://user:password@host:5432/database")
	}
	switch u.Scheme {
	case "sqlite":
		path := filepath.FromSlash(u.Host + u.Path)
		if path == "" || strings.HasSuffix(path, string(filepath.Separator)) {
			return address{}, fmt.Errorf("the store's address %q names no file: give sqlite:///absolute/path/hotline.db", raw)
		}
		return address{dialect: SQLite, path: path}, nil
	case "postgres", "postgresql":
		if strings.Trim(u.Path, "/") == "" {
			return address{}, fmt.Errorf("the store's address %s names no database: give postgres://user:password@host:5432/database", u.Redacted())
		}
		return address{dialect: Postgres, url: raw}, nil
	}
	return address{}, fmt.Errorf("the store's address has the unknown scheme %q: give sqlite:///absolute/path/hotline.db or postgres://user:password@host:5432/database", u.Scheme)
}

// checkFile finds out, before SQLite does so in fewer words, whether the
// database can be made or written.
func checkFile(path string) error {
	dir := filepath.Dir(path)
	if err := os.MkdirAll(dir, 0o750); err != nil {
		return fmt.Errorf("the data folder %s cannot be made (%w): make it, or choose another with --data or --store", dir, err)
	}
	if info, err := os.Stat(path); err == nil && info.IsDir() {
		return fmt.Errorf("%s is a folder: give the name of a file to --store", path)
	}
	// SQLite writes two more files beside the database.
	probe, err := os.CreateTemp(dir, ".write-*")
	if err != nil {
		return fmt.Errorf("the data folder %s is not writable (%w): give this user the right to write there, or choose another with --data or --store", dir, err)
	}
	name := probe.Name()
	if err := errors.Join(probe.Close(), os.Remove(name)); err != nil {
		return fmt.Errorf("the data folder %s: %w", dir, err)
	}
	f, err := os.OpenFile(path, os.O_RDWR|os.O_CREATE, 0o640)
	if err != nil {
		return fmt.Errorf("the database %s cannot be opened for writing (%w): give this user the right to write it", path, err)
	}
	return f.Close()
}
