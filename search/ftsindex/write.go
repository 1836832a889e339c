package ftsindex

import (
	"context"
	"crypto/rand"
	"database/sql"
	"encoding/json"
	"errors"
	"fmt"
	"runtime"
	"strings"
	"sync"

	"hotline/search"
)

// Put writes documents in one transaction.
func (x *Index) Put(ctx context.Context, docs []search.Document) error {
	prepared := prepareAll(docs)
	return x.writeTx(ctx, func(tx *sql.Tx, st state) error {
		return st.each(func(set int) error { return put(ctx, tx, set, st.seq, prepared) })
	})
}

// Delete removes documents in one transaction and keeps their versions.
func (x *Index) Delete(ctx context.Context, deletions []search.Deletion) error {
	return x.writeTx(ctx, func(tx *sql.Tx, st state) error {
		return st.each(func(set int) error { return remove(ctx, tx, set, st.seq, deletions) })
	})
}

// Refresh has nothing to do: what is committed is visible.
func (x *Index) Refresh(context.Context) error { return nil }

// each runs fn on the tables that answer and on those that are being built.
func (st state) each(fn func(set int) error) error {
	if err := fn(st.active); err != nil || st.building < 0 {
		return err
	}
	return fn(st.building)
}

// prepared is a document with all that can be worked out before the transaction.
type prepared struct {
	doc                 search.Document
	digest              int64
	title, body, number string
}

// prepareAll works on all cores: spelling the tokens takes about a fifth of a write.
func prepareAll(docs []search.Document) []prepared {
	all := make([]prepared, len(docs))
	share := max(64, (len(docs)+runtime.GOMAXPROCS(0)-1)/runtime.GOMAXPROCS(0))
	var group sync.WaitGroup
	for from := 0; from < len(docs); from += share {
		group.Go(func() {
			for i := from; i < min(from+share, len(docs)); i++ {
				d := docs[i]
				all[i] = prepared{doc: d, digest: d.Digest(), title: grams(d.Title), body: grams(d.Body), number: grams(d.Number)}
			}
		})
	}
	group.Wait()
	return all
}

type stored struct {
	slot, version, digest int64
	live                  bool
	title, body, number   string
}

// says tells whether the words of a document are those that are stored: most
// versions of a ticket change its state alone, and the inverted index is the
// dearest part of a write.
func (s stored) says(d search.Document) bool {
	return s.live && s.title == d.Title && s.body == d.Body && s.number == d.Number
}

// existing reads which of the IDs are there.
func existing(ctx context.Context, tx *sql.Tx, set int, ids []string) (map[string]stored, error) {
	list, err := json.Marshal(ids)
	if err != nil {
		return nil, err
	}
	rows, err := tx.QueryContext(ctx, on("SELECT id, slot, version, digest, live, title, body, number FROM docs_# WHERE id IN (SELECT value FROM json_each(?))", set), string(list))
	if err != nil {
		return nil, err
	}
	defer func() { _ = rows.Close() }()
	found := make(map[string]stored, len(ids))
	for rows.Next() {
		var id string
		var s stored
		if err := rows.Scan(&id, &s.slot, &s.version, &s.digest, &s.live, &s.title, &s.body, &s.number); err != nil {
			return nil, err
		}
		found[id] = s
	}
	return found, rows.Err()
}

const (
	insertDoc = `INSERT INTO docs_# (version, live, seq, digest, number, created_at, type, category, district, department, state, channel, cat_set, dept_set, title, body, place, lon, lat, id)
		VALUES (?, 1, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?)`
	updateDoc = `UPDATE docs_# SET version = ?, live = 1, seq = ?, digest = ?, number = ?, created_at = ?, type = ?, category = ?, district = ?, department = ?,
		state = ?, channel = ?, cat_set = ?, dept_set = ?, title = ?, body = ?, place = ?, lon = ?, lat = ? WHERE id = ?`
	insertFTS = "INSERT INTO fts_# (title, body, number, rowid) VALUES (?, ?, ?, ?)"
	updateFTS = "UPDATE fts_# SET title = ?, body = ?, number = ? WHERE rowid = ?"
)

// statements prepares each text once per transaction.
type statements struct {
	ctx  context.Context
	tx   *sql.Tx
	set  int
	made map[string]*sql.Stmt
}

func (s *statements) exec(text string, args ...any) (sql.Result, error) {
	stmt, ok := s.made[text]
	if !ok {
		var err error
		if stmt, err = s.tx.PrepareContext(s.ctx, on(text, s.set)); err != nil {
			return nil, err
		}
		s.made[text] = stmt
	}
	return stmt.ExecContext(s.ctx, args...)
}

func (s *statements) close() {
	for _, stmt := range s.made {
		_ = stmt.Close()
	}
}

func put(ctx context.Context, tx *sql.Tx, set int, seq int64, docs []prepared) error {
	ids := make([]string, len(docs))
	for i, p := range docs {
		ids[i] = p.doc.ID
	}
	have, err := existing(ctx, tx, set, ids)
	if err != nil {
		return err
	}
	stmts := &statements{ctx: ctx, tx: tx, set: set, made: map[string]*sql.Stmt{}}
	defer stmts.close()
	for _, p := range docs {
		old, known := have[p.doc.ID]
		if known && (p.doc.Version < old.version || old.live && p.doc.Version == old.version && p.digest == old.digest) {
			continue
		}
		slot, err := putOne(stmts, seq, p, old, known)
		if err != nil {
			return fmt.Errorf("put %s: %w", p.doc.ID, err)
		}
		have[p.doc.ID] = stored{
			slot: slot, version: p.doc.Version, digest: p.digest, live: true, title: p.doc.Title, body: p.doc.Body, number: p.doc.Number,
		}
	}
	return nil
}

// plain keeps what separates values and lists out of a value, which no code should hold anyway.
func plain(value string) string {
	if !strings.ContainsAny(value, "\n\x1e") {
		return value
	}
	return strings.Map(func(r rune) rune {
		if r == '\n' || r == separator {
			return ' '
		}
		return r
	}, value)
}

func list(values []string) string {
	cleaned := make([]string, len(values))
	for i, v := range values {
		cleaned[i] = plain(v)
	}
	return strings.Join(cleaned, "\n")
}

func putOne(stmts *statements, seq int64, p prepared, old stored, known bool) (slot int64, err error) {
	d := p.doc
	var lon, lat any
	if d.Location != nil {
		lon, lat = d.Location.Lon, d.Location.Lat
	}
	args := []any{
		d.Version, seq, p.digest, d.Number, search.Millis(d.CreatedAt), plain(d.Type), plain(d.Category), plain(d.District), plain(d.Department),
		plain(d.State), plain(d.Channel), list(d.Categories), list(d.Departments), d.Title, d.Body, plain(d.Place), lon, lat, d.ID,
	}
	if known {
		if _, err := stmts.exec(updateDoc, args...); err != nil {
			return 0, err
		}
		if old.says(d) {
			return old.slot, nil
		}
		text := insertFTS
		if old.live {
			text = updateFTS
		}
		_, err = stmts.exec(text, p.title, p.body, p.number, old.slot)
		return old.slot, err
	}
	res, err := stmts.exec(insertDoc, args...)
	if err != nil {
		return 0, err
	}
	if slot, err = res.LastInsertId(); err != nil {
		return 0, err
	}
	_, err = stmts.exec(insertFTS, p.title, p.body, p.number, slot)
	return slot, err
}

func remove(ctx context.Context, tx *sql.Tx, set int, seq int64, deletions []search.Deletion) error {
	ids := make([]string, len(deletions))
	for i, d := range deletions {
		ids[i] = d.ID
	}
	have, err := existing(ctx, tx, set, ids)
	if err != nil {
		return err
	}
	stmts := &statements{ctx: ctx, tx: tx, set: set, made: map[string]*sql.Stmt{}}
	defer stmts.close()
	for _, d := range deletions {
		old, known := have[d.ID]
		if known && d.Version < old.version {
			continue
		}
		// Nothing of the content stays behind, only the version.
		_, err := stmts.exec(`INSERT INTO docs_# (id, version, seq, live, digest, number, created_at, type, category, district, department, state, channel, cat_set, dept_set, title, body, place)
			VALUES (?, ?, ?, 0, 0, '', 0, '', '', '', '', '', '', '', '', '', '', '')
			ON CONFLICT (id) DO UPDATE SET version = excluded.version, seq = excluded.seq, live = 0, digest = 0, number = '', created_at = 0, type = '',
			category = '', district = '', department = '', state = '', channel = '', cat_set = '', dept_set = '', title = '', body = '', place = '', lon = NULL, lat = NULL`, d.ID, d.Version, seq)
		if err == nil && old.live {
			_, err = stmts.exec("DELETE FROM fts_# WHERE rowid = ?", old.slot)
		}
		if err != nil {
			return fmt.Errorf("delete %s: %w", d.ID, err)
		}
		have[d.ID] = stored{slot: old.slot, version: d.Version}
	}
	return nil
}

// Stamps lists what is stored in order of ID.
func (x *Index) Stamps(ctx context.Context, after string, limit int) ([]search.Stamp, error) {
	return x.stamps(ctx, "live = 1 AND id > ? ORDER BY id LIMIT ?", after, limit)
}

// Lookup returns the stamps of those IDs that are stored.
func (x *Index) Lookup(ctx context.Context, ids []string) ([]search.Stamp, error) {
	list, err := json.Marshal(ids)
	if err != nil {
		return nil, err
	}
	return x.stamps(ctx, "live = 1 AND id IN (SELECT value FROM json_each(?))", string(list))
}

func (x *Index) stamps(ctx context.Context, where string, args ...any) ([]search.Stamp, error) {
	x.life.RLock()
	defer x.life.RUnlock()
	var all []search.Stamp
	err := x.reading(ctx, func(tx *sql.Tx, st state) error {
		rows, err := tx.QueryContext(ctx, on("SELECT id, version, digest FROM docs_# WHERE ", st.active)+where, args...)
		if err != nil {
			return err
		}
		defer func() { _ = rows.Close() }()
		for rows.Next() {
			var s search.Stamp
			if err := rows.Scan(&s.ID, &s.Version, &s.Digest); err != nil {
				return err
			}
			all = append(all, s)
		}
		return rows.Err()
	})
	return all, err
}

// Rebuild fills the other set of tables and swaps. Writes that come meanwhile, from
// any process, go to both sets. A damaged file is replaced first.
func (x *Index) Rebuild(ctx context.Context, fill func(put func([]search.Document) error) error) error {
	if x.damaged.Load() {
		if err := x.repair(ctx); err != nil {
			return err
		}
	}
	token := rand.Text()
	err := x.writeTx(ctx, func(tx *sql.Tx, st state) error {
		if err := createTables(ctx, tx, 1-st.active); err != nil {
			return err
		}
		_, err := tx.ExecContext(ctx, "UPDATE state SET building = 1 - active, builder = ?", token)
		return err
	})
	if err != nil {
		return fmt.Errorf("begin: %w", err)
	}
	mine := func(ctx context.Context, fn func(tx *sql.Tx, st state) error) error {
		return x.writeTx(ctx, func(tx *sql.Tx, st state) error {
			if st.builder != token {
				return search.ErrSuperseded
			}
			return fn(tx, st)
		})
	}
	err = fill(func(docs []search.Document) error {
		prepared := prepareAll(docs)
		return mine(ctx, func(tx *sql.Tx, st state) error { return put(ctx, tx, st.building, st.seq, prepared) })
	})
	if err == nil {
		err = mine(ctx, func(tx *sql.Tx, _ state) error {
			_, err := tx.ExecContext(ctx, "UPDATE state SET active = building, building = -1, builder = '', epoch = epoch + 1, ready = 1")
			return err
		})
	}
	// Whether it went well or not, the set that does not answer is not needed any more.
	ctx = context.WithoutCancel(ctx)
	if err != nil {
		return errors.Join(err, x.tidy(ctx, token))
	}
	return x.tidy(ctx, "")
}

// tidy drops the set of tables that does not answer, unless somebody else is building it.
func (x *Index) tidy(ctx context.Context, token string) error {
	return x.writeTx(ctx, func(tx *sql.Tx, st state) error {
		if st.building >= 0 && st.builder != token {
			return nil
		}
		if _, err := tx.ExecContext(ctx, "UPDATE state SET building = -1, builder = ''"); err != nil {
			return err
		}
		return dropTables(ctx, tx, 1-st.active)
	})
}
