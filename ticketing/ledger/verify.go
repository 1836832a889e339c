package ledger

import (
	"bytes"
	"crypto/hmac"
	"encoding/json"
	"fmt"
)

// maxFindings bounds a report: where everything was changed, the first say enough.
const maxFindings = 100

// Finding is one thing that is not as it was written.
type Finding struct {
	Seq  int64
	What string
}

// Report is the outcome of a verification.
type Report struct {
	Entries  int64
	Erased   int64
	Anchors  int // that were compared
	Head     Head
	Findings []Finding
}

// Whole tells whether nothing was found.
func (r Report) Whole() bool { return len(r.Findings) == 0 }

// Verifier checks a chain that is given to it entry by entry, in order.
type Verifier struct {
	keys     Keys
	report   Report
	anchors  map[int64][]byte
	seen     map[int64]bool   // anchors that were passed
	missing  map[string]int64 // object → last place without words
	erasures map[string]int64 // object → through
}

// NewVerifier begins a check against anchors.
func NewVerifier(keys Keys, anchors []Anchor) *Verifier {
	v := &Verifier{keys: keys, anchors: map[int64][]byte{}, seen: map[int64]bool{}, missing: map[string]int64{}, erasures: map[string]int64{}}
	for _, a := range anchors {
		if old, twice := v.anchors[a.Seq]; twice && !bytes.Equal(old, a.Hash) {
			v.find(a.Seq, "two anchors contradict each other")
		}
		v.anchors[a.Seq] = a.Hash
	}
	return v
}

func (v *Verifier) find(seq int64, format string, args ...any) {
	if len(v.report.Findings) < maxFindings {
		v.report.Findings = append(v.report.Findings, Finding{Seq: seq, What: fmt.Sprintf(format, args...)})
	}
}

// Next checks the next entry.
func (v *Verifier) Next(e Entry) {
	if want := v.report.Head.Seq + 1; e.Seq != want {
		v.find(e.Seq, "entries are missing: %d was expected", want)
		v.report.Head.Seq = e.Seq - 1
	}
	hash, err := e.mac(v.keys, "chained", v.report.Head.Hash)
	switch {
	case err != nil:
		v.find(e.Seq, "made with the key %s, which is not among those given", e.Key)
	case !hmac.Equal(hash, e.Hash):
		v.find(e.Seq, "changed, or the one before it")
	}
	v.words(e)
	if want, anchored := v.anchors[e.Seq]; anchored {
		v.seen[e.Seq] = true
		v.report.Anchors++
		if !bytes.Equal(want, e.Hash) {
			v.find(e.Seq, "differs from its anchor")
		}
	}
	v.report.Entries++
	v.report.Head = Head{Seq: e.Seq, Hash: e.Hash}
}

// words checks what can be erased.
func (v *Verifier) words(e Entry) {
	switch {
	case e.Erased():
		v.report.Erased++
		v.missing[e.Object] = max(v.missing[e.Object], e.Seq)
		if e.Reason != "" || len(e.Data) > 0 {
			v.find(e.Seq, "has words without their salt")
		}
	case !hmac.Equal(e.digest(), e.Content):
		v.find(e.Seq, "its words were changed")
	}
	switch e.Action {
	case ActionErase:
		var what Erasure
		if err := json.Unmarshal(e.Data, &what); err != nil {
			v.find(e.Seq, "an erasure that says of what cannot be read")
			return
		}
		v.erasures[what.Object] = max(v.erasures[what.Object], min(what.Through, e.Seq-1))
	case ActionAltered:
		v.find(e.Seq, "records that an entry was changed before it was chained")
	}
}

// Close ends the check; head is what the store says the chain ends with.
func (v *Verifier) Close(head Head) Report {
	if head.Seq != v.report.Head.Seq || !bytes.Equal(head.Hash, v.report.Head.Hash) {
		v.find(head.Seq, "the chain ends at %d and not where its head says", v.report.Head.Seq)
	}
	for seq := range v.anchors {
		if !v.seen[seq] {
			v.find(seq, "an anchor names an entry that is not there: the end was cut off, or the anchors are another database's")
		}
	}
	for object, seq := range v.missing {
		if seq > v.erasures[object] {
			v.find(seq, "its words are missing, and no entry records an erasure")
		}
	}
	return v.report
}
