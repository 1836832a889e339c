package ledger

import (
	"encoding/json"
	"time"
)

// Class is the capacity in which somebody acts. It decides who may read the entry.
type Class string

// The capacities.
const (
	User      Class = "user"     // of the centre or of a department
	Admin     Class = "admin"    // 系统管理员
	SecAdmin  Class = "secadmin" // 安全管理员
	Auditor   Class = "auditor"  // 审计管理员
	System    Class = "system"   // the platform itself
	Citizen   Class = "citizen"  // online
	Key       Class = "key"      // another system, by its API key
	Anonymous Class = "anonymous"
)

// Result is what came of it.
type Result string

// The results.
const (
	Done    Result = "done"
	Refused Result = "refused"
	Failed  Result = "failed"
)

// Entry is one line of the record.
type Entry struct {
	Seq     int64 // place in the chain, from 1; 0 before it is chained
	At      time.Time
	Actor   string // id of the user or key, "system", "citizen" or ""
	Class   Class
	Address string // where from; empty inside the platform
	Trace   string // of the request
	Action  string // such as ticket.dispatched, person.revealed, session.opened
	Object  string // kind:id, such as ticket:0198…
	Result  Result
	Reason  string          // why, in the actor's words; erasable
	Data    json.RawMessage // particulars; erasable
	Salt    []byte          // of reason and data; nil once they are erased
	Content []byte          // SHA-256 of salt, reason and data
	Key     string          // fingerprint of the key that made the hash
	Hash    []byte
}

// Erased tells whether the entry's words were taken out.
func (e Entry) Erased() bool { return e.Salt == nil }

// Actions of the ledger itself.
const (
	ActionErase   = "ledger.erased"  // data: Erasure
	ActionAltered = "ledger.altered" // an entry was changed before it was chained
)

// Erasure is the data of an entry that records one: of all entries on an object
// up to a place the words were taken out.
type Erasure struct {
	Object  string `json:"object"`
	Through int64  `json:"through"`
}
