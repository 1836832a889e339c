package ledger

import (
	"crypto/hmac"
	"crypto/rand"
	"crypto/sha256"
	"encoding/binary"
	"errors"
	"hash"
)

// ErrUnknownKey says that an entry was made with a key that is not given.
var ErrUnknownKey = errors.New("ledger: made with a key that is not among those given")

// Keys are what hashes are made with.
type Keys interface {
	// Current is the fingerprint of the key for new entries.
	Current() string
	// Ledger is the key with a fingerprint.
	Ledger(fingerprint string) ([]byte, bool)
}

const saltSize = 16

// Salted gives an entry its salt and the digest of its words; what is left to do
// is to append it.
func Salted(e Entry) Entry {
	e.Seq = 0
	e.Salt = make([]byte, saltSize)
	_, _ = rand.Read(e.Salt) // never fails (crypto/rand)
	e.Content = e.digest()
	return e
}

// digest is that of the entry's words.
func (e *Entry) digest() []byte {
	h := sha256.New()
	put(h, e.Salt, []byte(e.Reason), e.Data)
	return h.Sum(nil)
}

// put writes fields so that no two lists of fields give the same bytes.
func put(h hash.Hash, fields ...[]byte) {
	var size [8]byte
	for _, f := range fields {
		binary.BigEndian.PutUint64(size[:], uint64(len(f)))
		h.Write(size[:])
		h.Write(f)
	}
}

func number(n int64) []byte { return binary.BigEndian.AppendUint64(nil, uint64(n)) } //nolint:gosec // a bijection

func (e *Entry) mac(keys Keys, kind string, prev []byte) ([]byte, error) {
	key, ok := keys.Ledger(e.Key)
	if !ok {
		return nil, ErrUnknownKey
	}
	h := hmac.New(sha256.New, key)
	put(h, []byte(kind), prev, number(e.Seq), number(e.At.UnixMilli()), []byte(e.Actor), []byte(e.Class), []byte(e.Address), []byte(e.Trace),
		[]byte(e.Action), []byte(e.Object), []byte(e.Result), e.Content, []byte(e.Key))
	return h.Sum(nil), nil
}

// Prepare makes an entry ready to wait for its place in the chain: salted, and
// with a hash that shows a change made while it waits.
func Prepare(keys Keys, e Entry) (Entry, error) {
	e = Salted(e)
	e.Key = keys.Current()
	var err error
	e.Hash, err = e.mac(keys, "waiting", nil)
	return e, err
}

// Intact tells whether a prepared entry is as it was made.
func Intact(keys Keys, e Entry) bool {
	want, err := e.mac(keys, "waiting", nil)
	return err == nil && hmac.Equal(want, e.Hash) && hmac.Equal(e.digest(), e.Content)
}

// Head is the end of the chain.
type Head struct {
	Seq  int64
	Hash []byte
}

// Append puts prepared or salted entries behind the head, in order.
func Append(keys Keys, head Head, entries []Entry) (Head, error) {
	for i := range entries {
		e := &entries[i]
		e.Seq, e.Key = head.Seq+1, keys.Current()
		var err error
		if e.Hash, err = e.mac(keys, "chained", head.Hash); err != nil {
			return head, err
		}
		head = Head{Seq: e.Seq, Hash: e.Hash}
	}
	return head, nil
}
