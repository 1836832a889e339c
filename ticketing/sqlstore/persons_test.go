package sqlstore_test

import (
	"bytes"
	"database/sql"
	"fmt"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"hotline/ticketing"
	"hotline/ticketing/keyring"
	"hotline/ticketing/sealing"
	"hotline/ticketing/sqlstore"
)

// everything is all that the database holds, as text.
func everything(t *testing.T, s *sqlstore.Store) string {
	t.Helper()
	snapshot, err := s.Snapshot(t.Context())
	require.NoError(t, err)
	defer func() { require.NoError(t, snapshot.Close()) }()
	tables, err := snapshot.Tables(t.Context())
	require.NoError(t, err)
	var all strings.Builder
	for _, table := range tables {
		_, err := snapshot.Dump(t.Context(), table, func(line []byte) error {
			all.Write(line)
			return nil
		})
		require.NoError(t, err)
	}
	return all.String()
}

func person(line string) ticketing.DraftInput {
	return ticketing.DraftInput{
		Channel: ticketing.ByPhone, Line: line,
		Appeal:  ticketing.Appeal{Type: ticketing.Complaint, Title: "标题甲", Description: "描述乙", Address: "地址丙", Category: "1"},
		Citizen: ticketing.Citizen{Name: "金丝雀", Phone: "13800009999", Proxy: &ticketing.Proxy{Name: "鹦鹉哥", Phone: "13700008888", Relation: "子女"}},
	}
}

// TestNothingInTheClear: no name and no number is in the database or in its
// files, and of a sealed partition no text either.
func TestNothingInTheClear(t *testing.T) {
	for name, cipher := range map[string]sealing.Cipher{"aes-256-gcm": sealing.AES, "sm4-gcm": sealing.SM4} {
		t.Run(name, func(t *testing.T) {
			eachEngine(t, func(t *testing.T, e engine) {
				address := e.fresh(t)
				s, err := sqlstore.Open(t.Context(), address, sqlstore.Options{Keys: keys, Cipher: cipher, Readers: 2, Writers: 2})
				require.NoError(t, err)
				svc := ticketing.NewService(s, rules, ticketing.Options{})
				plain, err := svc.OpenDraft(t.Context(), staff(ticketing.RoleAgent), person("12345"))
				require.NoError(t, err)
				sealed, err := svc.OpenDraft(t.Context(), ticketing.SystemActor(), person("12388"))
				require.NoError(t, err)
				_, err = s.Pseudonyms(t.Context(), []string{"13600007777"})
				require.NoError(t, err)
				require.NoError(t, s.SaveFormDraft(t.Context(), ticketing.FormDraft{UserID: "u", Key: "new", Seq: 1, Body: []byte(`{"name":"金丝雀"}`), At: time.Now()}))
				all := everything(t, s)
				require.True(t, strings.Contains(all, "标题甲"))
				for _, word := range []string{"金丝雀", "13800009999", "鹦鹉哥", "13700008888", "13600007777"} {
					require.False(t, strings.Contains(all, word), word)
				}
				for _, ticket := range []ticketing.Ticket{plain, sealed} {
					got, err := s.Ticket(t.Context(), ticket.ID)
					require.NoError(t, err)
					require.Equal(t, person("").Citizen, got.Citizen)
					require.Equal(t, person("").Appeal, got.Appeal)
				}
				draft, err := s.FormDraft(t.Context(), "u", "new")
				require.NoError(t, err)
				require.JSONEq(t, `{"name":"金丝雀"}`, string(draft.Body))
				require.NoError(t, s.Close())
				path, file := strings.CutPrefix(address, "sqlite://")
				if !file {
					return
				}
				names, err := filepath.Glob(path + "*")
				require.NoError(t, err)
				for _, name := range names {
					raw, err := os.ReadFile(name)
					require.NoError(t, err)
					for _, word := range []string{"金丝雀", "13800009999"} {
						require.False(t, bytes.Contains(raw, []byte(word)), "%s has %s", filepath.Base(name), word)
					}
					require.Equal(t, bytes.Count(raw, []byte("标题甲")), bytes.Count(raw, []byte("描述乙")), "of the sealed one there is neither")
				}
			})
		})
	}
}

// TestSealWhatIsInTheClear: a database from before persons were sealed is sealed
// while it runs, and says the same as before.
func TestSealWhatIsInTheClear(t *testing.T) {
	eachEngine(t, func(t *testing.T, e engine) {
		address := e.fresh(t)
		old(t, address)
		raw(t, address, "UPDATE tickets SET line = '12388' WHERE state = 'closed'")
		s := open(t, address)
		read := func() (all []ticketing.Ticket) {
			for _, partition := range []string{"", ticketing.AnySealed} {
				list, err := s.Scan(t.Context(), partition, "", 100)
				require.NoError(t, err)
				all = append(all, list...)
			}
			return all
		}
		before := read()
		require.NotEmpty(t, before[len(before)-1].Citizen.Phone)
		n, err := s.SealClear(t.Context(), 3)
		require.NoError(t, err)
		require.Equal(t, 3, n, "as many as it may")
		for n > 0 {
			n, err = s.SealClear(t.Context(), 100)
			require.NoError(t, err)
		}
		after := read()
		require.Len(t, after, len(before))
		all := everything(t, s)
		for i := range after {
			require.NotEmpty(t, after[i].Person)
			gone := []string{before[i].Citizen.Name, before[i].Citizen.Phone}
			if after[i].Partition != "" {
				gone = append(gone, before[i].Appeal.Description)
			}
			for _, word := range gone {
				require.False(t, word != "" && strings.Contains(all, word), "%s is in the clear", word)
			}
			after[i].Person = ""
			require.Equal(t, before[i], after[i])
			found, err := s.ByPhone(t.Context(), before[i].Partition, before[i].Citizen.Phone, 10)
			require.NoError(t, err)
			require.NotEmpty(t, found)
		}
	})
}

// TestFillTails: persons from before numbers were found by their last digits are
// found so once their tails are filled in.
func TestFillTails(t *testing.T) {
	eachEngine(t, func(t *testing.T, e engine) {
		address := e.fresh(t)
		s := open(t, address)
		svc := ticketing.NewService(s, rules, ticketing.Options{})
		want := map[string]string{}
		for partition, line := range map[string]string{"": "12345", "12388": "12388"} {
			for i := range 3 {
				in := person(line)
				in.Citizen.Phone = fmt.Sprintf("1380000%04d", i)
				filed, err := svc.OpenDraft(t.Context(), ticketing.SystemActor(), in)
				require.NoError(t, err)
				require.Equal(t, partition, filed.Partition)
				want[partition+in.Citizen.Phone[7:]] = filed.ID
			}
		}
		n, err := s.FillTails(t.Context(), 100)
		require.NoError(t, err)
		require.Zero(t, n, "who is made has one")
		raw(t, address, "UPDATE persons SET tail = ''")
		raw(t, address, "UPDATE persons SET lookup = 'of nowhere' WHERE id IN (SELECT person FROM tickets WHERE id = '"+want["0002"]+"')")
		for _, left := range []int{4, 2, 0} {
			n, err = s.FillTails(t.Context(), 4)
			require.NoError(t, err)
			require.Equal(t, left, n)
		}
		delete(want, "0002")
		for key, id := range want {
			partition, digits := key[:len(key)-4], key[len(key)-4:]
			found, err := s.OfTail(t.Context(), partition, digits, 10)
			require.NoError(t, err)
			require.Equal(t, []string{id}, found, key)
		}
	})
}

// beside is the database itself, for what is done to it beside the store.
func beside(t *testing.T, address string) *sql.DB {
	t.Helper()
	driver, source := "pgx", address
	if path, ok := strings.CutPrefix(address, "sqlite://"); ok {
		driver, source = "sqlite", path
	}
	db, err := sql.Open(driver, source)
	require.NoError(t, err)
	return db
}

// raw runs a statement beside the store.
func raw(t *testing.T, address, statement string) {
	t.Helper()
	db := beside(t, address)
	_, err := db.ExecContext(t.Context(), statement)
	require.NoError(t, err)
	require.NoError(t, db.Close())
}

// TestNewMasterKey: with a new key in front all goes on; once what the old one
// holds is put under the new one, persons open without the old.
func TestNewMasterKey(t *testing.T) {
	eachEngine(t, func(t *testing.T, e engine) {
		address := e.fresh(t)
		const first, second = "0101010101010101010101010101010101010101010101010101010101010101", "0202020202020202020202020202020202020202020202020202020202020202"
		with := func(text string) (*sqlstore.Store, error) {
			ring, err := keyring.Parse(text)
			require.NoError(t, err)
			return sqlstore.Open(t.Context(), address, sqlstore.Options{Keys: ring, Readers: 2, Writers: 2})
		}
		s, err := with(first)
		require.NoError(t, err)
		one, err := ticketing.NewService(s, rules, ticketing.Options{}).OpenDraft(t.Context(), ticketing.SystemActor(), person("12388"))
		require.NoError(t, err)
		ring := must(keyring.Parse(first))
		factor := must(ring.Seal([]byte("secret"), ticketing.AboutSecond("u")))
		require.NoError(t, s.SaveUser(t.Context(), ticketing.User{ID: "u", Login: "u", Second: ticketing.SecondFactor{Sealed: factor}}, ticketing.Change{}))
		require.NoError(t, s.Close())

		_, err = with(second)
		require.ErrorContains(t, err, "which is not in the key file")
		s, err = with(second + "\n" + first)
		require.NoError(t, err)
		two, err := ticketing.NewService(s, rules, ticketing.Options{}).OpenDraft(t.Context(), ticketing.SystemActor(), person("12345"))
		require.NoError(t, err)
		done, err := s.Rewrap(t.Context())
		require.NoError(t, err)
		require.Equal(t, sqlstore.Rewrapped{Persons: 1, StoreKeys: 2, SecondFactors: 1}, done, "the hash's and the partition's; the second person has the new one")
		done, err = s.Rewrap(t.Context())
		require.NoError(t, err)
		require.Zero(t, done)
		require.NoError(t, s.Close())

		s, err = with(second)
		require.NoError(t, err)
		for _, id := range []string{one.ID, two.ID} {
			got, err := s.Ticket(t.Context(), id)
			require.NoError(t, err)
			require.Equal(t, "金丝雀", got.Citizen.Name)
		}
		u, err := s.User(t.Context(), "u")
		require.NoError(t, err)
		secret, err := must(keyring.Parse(second)).Open(u.Second.Sealed, ticketing.AboutSecond("u"))
		require.NoError(t, err)
		require.Equal(t, "secret", string(secret))
		report, err := s.VerifyLedger(t.Context(), nil)
		require.NoError(t, err)
		require.False(t, report.Whole(), "the ledger needs the old key")
		require.NoError(t, s.Close())
	})
}

// TestPersonWhoseRowWasTouched: a box that belongs to another ticket does not open.
func TestPersonWhoseRowWasTouched(t *testing.T) {
	eachEngine(t, func(t *testing.T, e engine) {
		address := e.fresh(t)
		s := open(t, address)
		svc := ticketing.NewService(s, rules, ticketing.Options{})
		one, err := svc.OpenDraft(t.Context(), staff(ticketing.RoleAgent), person("12345"))
		require.NoError(t, err)
		two, err := svc.OpenDraft(t.Context(), staff(ticketing.RoleAgent), person("12345"))
		require.NoError(t, err)
		raw(t, address, "UPDATE tickets SET box = (SELECT box FROM tickets WHERE id = '"+one.ID+"') WHERE id = '"+two.ID+"'")
		_, err = s.Ticket(t.Context(), two.ID)
		require.ErrorIs(t, err, sealing.ErrBroken)
		_, err = s.Ticket(t.Context(), one.ID)
		require.NoError(t, err)
	})
}

// TestADestroyedKeyIsNowhere: neither the database nor its files have it any more.
func TestADestroyedKeyIsNowhere(t *testing.T) {
	eachEngine(t, func(t *testing.T, e engine) {
		address := e.fresh(t)
		s, err := sqlstore.Open(t.Context(), address, sqlstore.Options{Keys: keys, Readers: 2, Writers: 2})
		require.NoError(t, err)
		names, err := s.Pseudonyms(t.Context(), []string{"13600007777", "13600008888"})
		require.NoError(t, err)
		id := strings.TrimPrefix(names["13600007777"], "~")
		_, key, err := s.PersonKey(t.Context(), "13600007777")
		require.NoError(t, err)
		require.NotContains(t, everything(t, s), string(key))
		wrapped := wrappedKey(t, address, id)
		require.NotEmpty(t, wrapped)
		require.NoError(t, s.DestroyPerson(t.Context(), id, ticketing.Change{}))
		_, err = s.KeyOf(t.Context(), id)
		require.ErrorIs(t, err, ticketing.ErrErased)
		left, err := s.Numbers(t.Context(), []string{id})
		require.NoError(t, err)
		require.Empty(t, left)
		require.Empty(t, wrappedKey(t, address, id))
		_, other, err := s.PersonKey(t.Context(), "13600008888")
		require.NoError(t, err)
		require.NotEmpty(t, other)
		_, again, err := s.PersonKey(t.Context(), "13600007777")
		require.NoError(t, err)
		require.NotEqual(t, key, again, "who calls again is somebody new")
		require.NoError(t, s.Close())
		path, file := strings.CutPrefix(address, "sqlite://")
		if !file {
			return
		}
		files, err := filepath.Glob(path + "*")
		require.NoError(t, err)
		for _, name := range files {
			raw, err := os.ReadFile(name)
			require.NoError(t, err)
			require.False(t, bytes.Contains(raw, wrapped), "%s has it", filepath.Base(name))
		}
	})
}

func wrappedKey(t *testing.T, address, id string) []byte {
	t.Helper()
	db := beside(t, address)
	defer func() { require.NoError(t, db.Close()) }()
	var wrapped []byte
	require.NoError(t, db.QueryRowContext(t.Context(), "SELECT wrapped FROM persons WHERE id = '"+id+"'").Scan(&wrapped))
	return wrapped
}
