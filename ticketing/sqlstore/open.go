package sqlstore

import (
	"cmp"
	"context"
	"database/sql"
	"embed"
	"errors"
	"fmt"
	"io/fs"
	"log/slog"
	"net/url"
	"sync"
	"time"

	"github.com/jackc/pgx/v5"
	"github.com/jackc/pgx/v5/stdlib"
	"github.com/pressly/goose/v3"
	"github.com/pressly/goose/v3/lock"
	"github.com/uptrace/bun"
	"github.com/uptrace/bun/dialect/pgdialect"
	"github.com/uptrace/bun/dialect/sqlitedialect"
	_ "modernc.org/sqlite" // driver "sqlite"

	"hotline/ticketing"
	"hotline/ticketing/keyring"
	"hotline/ticketing/sealing"
)

//go:embed migrations
var migrations embed.FS

// Options tune a Store; the zero Options works.
type Options struct {
	Log     *slog.Logger     // silent when nil
	Now     func() time.Time // time.Now when nil
	Readers int              // reading connections; 4 on SQLite and 8 on PostgreSQL when zero
	Writers int              // writing connections on PostgreSQL; 8 when zero
	// Keys make the ledger's hashes and wrap the keys of what is sealed; nil: a
	// key that is lost with the store's process.
	Keys   *keyring.Ring
	Cipher sealing.Cipher // for what is sealed from now on; AES when zero
}

// Store is a ticketing.Store, and the home of users, sessions, outbox and live events.
type Store struct {
	db      *DB
	hub     *hub
	log     *slog.Logger
	now     func() time.Time
	numbers *numbers
	texts   *texts
	tables  map[string]table
	keys    *keyring.Ring
	persons *persons
	closing chan struct{}
	chained chan struct{} // closed when the last entries were chained
	once    sync.Once
}

// Open opens the store at a URL, sqlite:///absolute/path or postgres://…, and
// brings its tables up to date. Its errors say what to do.
func Open(ctx context.Context, rawURL string, opts Options) (*Store, error) {
	if opts.Log == nil {
		opts.Log = slog.New(slog.DiscardHandler)
	}
	if opts.Now == nil {
		opts.Now = time.Now
	}
	if opts.Keys == nil {
		ring, err := keyring.Random()
		if err != nil {
			return nil, err
		}
		opts.Keys = ring
	}
	addr, err := parseAddress(rawURL)
	if err != nil {
		return nil, err
	}
	var db *DB
	if addr.dialect == SQLite {
		db, err = openSQLite(ctx, addr, opts)
	} else {
		db, err = openPostgres(ctx, addr, opts)
	}
	if err != nil {
		return nil, err
	}
	if err := migrate(ctx, db); err != nil {
		return nil, errors.Join(err, db.close())
	}
	s := &Store{db: db, log: opts.Log, now: opts.Now, tables: tables(), keys: opts.Keys, closing: make(chan struct{}), chained: make(chan struct{})}
	if s.texts, err = newTexts(ctx, db); err != nil {
		return nil, errors.Join(err, db.close())
	}
	s.persons = newPersons(db, opts.Keys, cmp.Or(opts.Cipher, sealing.AES))
	db.last = s.chainNow
	if err := db.start(ctx); err != nil {
		return nil, errors.Join(err, db.close())
	}
	if err := s.persons.prepare(ctx); err != nil {
		return nil, errors.Join(err, db.close())
	}
	s.numbers = newNumbers(db)
	s.hub = newHub(addr, opts.Log)
	if db.dialect == Postgres {
		go s.keepChain()
	} else { // entries are chained by the writes themselves
		close(s.chained)
	}
	return s, nil
}

// Close ends listening and closes the connections; what was committed stays.
func (s *Store) Close() error {
	var err error
	s.once.Do(func() {
		close(s.closing)
		<-s.chained
		ctx, cancel := context.WithTimeout(context.Background(), 10*time.Second)
		defer cancel()
		if last := s.Chain(ctx); last != nil && !errors.Is(last, ticketing.ErrUnavailable) {
			err = fmt.Errorf("the last entries of the ledger wait for the next start: %w", last)
		}
		s.hub.close()
	})
	return errors.Join(err, s.db.close())
}

// DB is the handle that the other stores of the binary share.
func (s *Store) DB() *DB { return s.db }

// Shared tells whether several nodes may use the database at once, and wake each other.
func (s *Store) Shared() bool { return s.db.dialect == Postgres }

// Ready tells whether the database answers and takes writes.
func (s *Store) Ready(ctx context.Context) error {
	var one int
	if err := s.db.read.QueryRowContext(ctx, "SELECT 1").Scan(&one); err != nil {
		return fmt.Errorf("the database does not answer: %w", err)
	}
	return s.db.Writable(ctx)
}

func openSQLite(ctx context.Context, addr address, opts Options) (*DB, error) {
	if err := checkFile(addr.path); err != nil {
		return nil, err
	}
	if opts.Readers <= 0 {
		opts.Readers = 4
	}
	pragmas := []string{
		"busy_timeout(5000)", "journal_mode(WAL)", "synchronous(FULL)", "foreign_keys(1)",
		// Small caches: the system keeps the files' pages too, and a node's memory is to stay as it is.
		"cache_size(-16384)", "temp_store(2)", "mmap_size(268435456)",
		// What was erased is not left in the file's pages.
		"secure_delete(FAST)",
		// A page that is written often goes to the file less often.
		"wal_autocheckpoint(8000)",
	}
	write, err := sql.Open("sqlite", dsn(addr.path, pragmas, true))
	if err != nil {
		return nil, fmt.Errorf("open %s: %w", addr.path, err)
	}
	write.SetMaxOpenConns(1)
	write.SetMaxIdleConns(1)
	if err := write.PingContext(ctx); err != nil {
		return nil, errors.Join(fmt.Errorf("the database %s cannot be opened (%w): is it a SQLite file, and is no other program holding it?", addr.path, err), write.Close())
	}
	pragmas[4] = "cache_size(-4096)" // of each reader
	read, err := sql.Open("sqlite", dsn(addr.path, append(pragmas, "query_only(1)"), false))
	if err != nil {
		return nil, errors.Join(fmt.Errorf("open %s: %w", addr.path, err), write.Close())
	}
	read.SetMaxOpenConns(opts.Readers)
	read.SetMaxIdleConns(opts.Readers)
	return &DB{
		dialect: SQLite, sql: write, log: opts.Log,
		write: bun.NewDB(write, sqlitedialect.New()), read: bun.NewDB(read, sqlitedialect.New()),
	}, nil
}

func dsn(path string, pragmas []string, writer bool) string {
	q := url.Values{"_pragma": pragmas}
	if writer {
		// A transaction that reads first and writes later fails at once when
		// another process wrote in between; one that begins as a writer waits.
		q.Set("_txlock", "immediate")
	}
	return (&url.URL{Scheme: "file", Path: path, RawQuery: q.Encode()}).String()
}

func openPostgres(ctx context.Context, addr address, opts Options) (*DB, error) {
	config, err := pgx.ParseConfig(addr.url)
	if err != nil {
		return nil, errors.New("the store's address does not parse: give postgres://user:password@host:5432/database")
	}
	if config.ConnectTimeout == 0 {
		config.ConnectTimeout = 10 * time.Second
	}
	if opts.Readers <= 0 {
		opts.Readers = 8
	}
	if opts.Writers <= 0 {
		opts.Writers = 8
	}
	write := stdlib.OpenDB(*config)
	write.SetMaxOpenConns(opts.Writers)
	write.SetMaxIdleConns(opts.Writers)
	if err := write.PingContext(ctx); err != nil {
		where := fmt.Sprintf("PostgreSQL at %s:%d, database %s, user %s", config.Host, config.Port, config.Database, config.User)
		return nil, errors.Join(fmt.Errorf("%s refuses the connection: check that it runs, that the database exists and that --store has the right user and password (%w)", where, err), write.Close())
	}
	readOnly := config.Copy()
	readOnly.RuntimeParams["default_transaction_read_only"] = "on"
	read := stdlib.OpenDB(*readOnly)
	read.SetMaxOpenConns(opts.Readers)
	read.SetMaxIdleConns(opts.Readers)
	return &DB{
		dialect: Postgres, sql: write, log: opts.Log,
		write: bun.NewDB(write, pgdialect.New()), read: bun.NewDB(read, pgdialect.New()),
	}, nil
}

func migrate(ctx context.Context, db *DB) error {
	files, err := fs.Sub(migrations, "migrations/"+db.dialect)
	if err != nil {
		return fmt.Errorf("migrations: %w", err)
	}
	options := []goose.ProviderOption{goose.WithTableName("ticketing_migrations"), goose.WithDisableGlobalRegistry(true)}
	dialect := goose.DialectSQLite3
	if db.dialect == Postgres {
		dialect = goose.DialectPostgres
		// Several nodes may start at once.
		locker, err := lock.NewPostgresSessionLocker()
		if err != nil {
			return fmt.Errorf("migrations: %w", err)
		}
		options = append(options, goose.WithSessionLocker(locker))
	}
	provider, err := goose.NewProvider(dialect, db.sql, files, options...)
	if err != nil {
		return fmt.Errorf("migrations: %w", err)
	}
	current, known, err := provider.GetVersions(ctx)
	if err != nil {
		return fmt.Errorf("the database's version cannot be read (%w): is it a database of hotline, and may this user change its tables?", err)
	}
	if current > known {
		return fmt.Errorf("the database has version %d and this program knows versions up to %d: it was used by a newer hotline; start that one, or restore a backup made before the update", current, known)
	}
	if current == known {
		return nil
	}
	if _, err := provider.Up(ctx); err != nil {
		return fmt.Errorf("the tables could not be brought from version %d to %d (%w): nothing was lost; the statement in this message says what is in the way", current, known, err)
	}
	return nil
}
