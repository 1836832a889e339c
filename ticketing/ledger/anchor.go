package ledger

import (
	"bufio"
	"crypto/hmac"
	"crypto/sha256"
	"encoding/hex"
	"errors"
	"fmt"
	"io"
	"strconv"
	"strings"
	"time"
)

// Anchor is the head of the chain at a moment, kept outside the database.
type Anchor struct {
	At   time.Time
	Seq  int64
	Hash []byte
}

// Line is the anchor as a line of text, with a code that shows a change of it.
func (a Anchor) Line(keys Keys) (string, error) {
	name := keys.Current()
	code, err := anchorCode(keys, name, a)
	if err != nil {
		return "", err
	}
	return fmt.Sprintf("%s %d %x %s %x\n", a.At.UTC().Format(time.RFC3339), a.Seq, a.Hash, name, code), nil
}

func anchorCode(keys Keys, name string, a Anchor) ([]byte, error) {
	key, ok := keys.Ledger(name)
	if !ok {
		return nil, ErrUnknownKey
	}
	h := hmac.New(sha256.New, key)
	put(h, []byte("anchor"), number(a.At.Unix()), number(a.Seq), a.Hash, []byte(name))
	return h.Sum(nil), nil
}

// ReadAnchors reads lines of anchors. Its errors name the line that was changed.
func ReadAnchors(r io.Reader, keys Keys) ([]Anchor, error) {
	var list []Anchor
	lines := bufio.NewScanner(r)
	for n := 1; lines.Scan(); n++ {
		a, err := readAnchor(lines.Text(), keys)
		if err != nil {
			return list, fmt.Errorf("line %d: %w", n, err)
		}
		list = append(list, a)
	}
	return list, lines.Err()
}

func readAnchor(line string, keys Keys) (Anchor, error) {
	bad := errors.New("this is no anchor as it was written")
	words := strings.Split(line, " ")
	if len(words) != 5 {
		return Anchor{}, bad
	}
	var a Anchor
	var err error
	if a.At, err = time.Parse(time.RFC3339, words[0]); err != nil {
		return a, bad
	}
	if a.Seq, err = strconv.ParseInt(words[1], 10, 64); err != nil {
		return a, bad
	}
	if a.Hash, err = hex.DecodeString(words[2]); err != nil {
		return a, bad
	}
	code, err := hex.DecodeString(words[4])
	if err != nil {
		return a, bad
	}
	want, err := anchorCode(keys, words[3], a)
	if err != nil {
		return a, err
	}
	if again, err := a.Line(keys); !hmac.Equal(want, code) || err == nil && words[3] == keys.Current() && again != line+"\n" {
		return a, bad
	}
	return a, nil
}
