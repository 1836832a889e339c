package ticketing

import (
	"slices"
	"strconv"
	"time"
)

// RecordKind says what a Record is about.
type RecordKind string

// The records that a ticket gathers on its way.
const (
	RecordReturn        RecordKind = "return"        // 退单
	RecordExtension     RecordKind = "extension"     // 延期
	RecordSuspension    RecordKind = "suspension"    // 挂起
	RecordCoHandling    RecordKind = "co_handling"   // 会办
	RecordUrge          RecordKind = "urge"          // 催办
	RecordSupervision   RecordKind = "supervision"   // 督办
	RecordDispute       RecordKind = "dispute"       // 争议
	RecordMerge         RecordKind = "merge"         // 并单
	RecordSplit         RecordKind = "split"         // 拆单
	RecordLink          RecordKind = "link"          // 关联
	RecordReopening     RecordKind = "reopening"     // 重办
	RecordWithdrawal    RecordKind = "withdrawal"    // 撤单申请
	RecordRating        RecordKind = "rating"        // 评价
	RecordRectification RecordKind = "rectification" // 整改
	RecordAppeal        RecordKind = "appeal"        // 考核申诉
	RecordRelabelling   RecordKind = "relabelling"   // 改类: to a type with a longer limit, or with none
)

// RecordKinds lists all kinds.
func RecordKinds() []RecordKind {
	return []RecordKind{
		RecordReturn, RecordExtension, RecordSuspension, RecordCoHandling, RecordUrge, RecordSupervision, RecordDispute, RecordMerge,
		RecordSplit, RecordLink, RecordReopening, RecordWithdrawal, RecordRating, RecordRectification, RecordAppeal, RecordRelabelling,
	}
}

// RecordState is how far a record has come.
type RecordState string

// The states of a record. A request is requested and then approved, refused or
// withdrawn; what has to be done is open and then done or ended.
const (
	RecordRequested RecordState = "requested" // 待审批
	RecordApproved  RecordState = "approved"  // 已同意
	RecordRefused   RecordState = "refused"   // 已驳回
	RecordWithdrawn RecordState = "withdrawn" // 已撤回
	RecordOpen      RecordState = "open"      // 进行中
	RecordDone      RecordState = "done"      // 已完成
	RecordEnded     RecordState = "ended"     // 已终止: without having been done
)

// Pending tells whether somebody still has to act on the record.
func (s RecordState) Pending() bool { return s == RecordRequested || s == RecordOpen }

// Record is a request, a duty or a fact beside the ticket's state, with its
// own request, decision, reason and deadline. Fields that do not apply are empty.
type Record struct {
	ID          string      `json:"id"` // unique in the ticket, such as "return-2"
	Kind        RecordKind  `json:"kind"`
	State       RecordState `json:"state"`
	Department  string      `json:"department,omitempty"`  // who asked, or who must act
	Departments []string    `json:"departments,omitempty"` // parties of a dispute
	Proposed    string      `json:"proposed,omitempty"`    // department that a return names in its place
	Decider     string      `json:"decider,omitempty"`     // department that decides; empty: the centre
	By          string      `json:"by"`                    // user, "system" or "citizen"
	At          time.Time   `json:"at"`
	Reason      string      `json:"reason,omitempty"`
	Basis       string      `json:"basis,omitempty"` // legal basis
	Days        int         `json:"days,omitempty"`  // working days of an extension
	Until       time.Time   `json:"until,omitzero"`  // when a suspension or a supervision ends at the latest
	Escalation  []string    `json:"escalation,omitempty"`
	Escalated   int         `json:"escalated,omitempty"` // how many of Escalation have been told
	SignedAt    time.Time   `json:"signed_at,omitzero"`
	SignedBy    string      `json:"signed_by,omitempty"`
	Answer      string      `json:"answer,omitempty"`
	Statements  []Statement `json:"statements,omitempty"`
	Other       string      `json:"other,omitempty"`        // id of another ticket
	OtherNumber string      `json:"other_number,omitempty"` // its number
	Relation    string      `json:"relation,omitempty"`     // of a link
	Channel     Channel     `json:"channel,omitempty"`      // of a rating
	Rating      int         `json:"rating,omitempty"`       // 1 very dissatisfied … 5 very satisfied
	Item        string      `json:"item,omitempty"`         // of an appeal: what is to be struck out
	From        AppealType  `json:"from,omitempty"`         // of a relabelling
	To          AppealType  `json:"to,omitempty"`
	DecidedBy   string      `json:"decided_by,omitempty"`
	DecidedAt   time.Time   `json:"decided_at,omitzero"`
	Decision    string      `json:"decision,omitempty"` // reason of the decision
}

// Statement is what one party says in a dispute.
type Statement struct {
	Department string    `json:"department"`
	Text       string    `json:"text"`
	By         string    `json:"by"`
	At         time.Time `json:"at"`
}

func (r Record) clone() Record {
	r.Departments, r.Escalation, r.Statements = slices.Clone(r.Departments), slices.Clone(r.Escalation), slices.Clone(r.Statements)
	return r
}

// add puts a new record on the ticket, numbers it and returns it.
func (t *Ticket) add(r Record) *Record {
	n := 1
	for _, old := range t.Records {
		if old.Kind == r.Kind {
			n++
		}
	}
	r.ID = string(r.Kind) + "-" + strconv.Itoa(n)
	t.Records = append(t.Records, r)
	return &t.Records[len(t.Records)-1]
}

// pending finds the first record of a kind that somebody still has to act on.
func (t *Ticket) pending(kind RecordKind) *Record {
	return t.record(func(r Record) bool { return r.Kind == kind && r.State.Pending() })
}

func (t *Ticket) record(is func(Record) bool) *Record {
	for i := range t.Records {
		if is(t.Records[i]) {
			return &t.Records[i]
		}
	}
	return nil
}

// decide decides all records that are meant.
func (t *Ticket) decide(is func(Record) bool, state RecordState, by string, at time.Time, why string) {
	for i := range t.Records {
		if is(t.Records[i]) {
			t.Records[i].decide(state, by, at, why)
		}
	}
}

// Share finds a department's part in the co-handling that is not answered yet.
func (t *Ticket) Share(department string) *Record {
	return t.record(func(r Record) bool {
		return r.Kind == RecordCoHandling && r.State == RecordOpen && r.Department == department
	})
}

// Count counts a ticket's records of a kind in given states; in any without.
func (t *Ticket) Count(kind RecordKind, states ...RecordState) int {
	n := 0
	for _, r := range t.Records {
		if r.Kind == kind && (len(states) == 0 || slices.Contains(states, r.State)) {
			n++
		}
	}
	return n
}

// Hops counts the departments that gave the ticket back to the centre.
func (t *Ticket) Hops() int {
	n := 0
	for _, r := range t.Records {
		if r.Kind == RecordReturn && r.State == RecordApproved && r.Decider == "" {
			n++
		}
	}
	return n
}

// Units lists the departments that see the ticket beside the one in charge:
// those that assist and the parties of a dispute.
func (t *Ticket) Units() []string {
	var list []string
	for _, r := range t.Records {
		switch {
		case r.Kind == RecordCoHandling && r.Proposed == "": // a share; what was only asked for still proposes one
			list = append(list, r.Department)
		case r.Kind == RecordDispute:
			list = append(list, r.Departments...)
		}
	}
	slices.Sort(list)
	return slices.Compact(list)
}

// changedRecords lists the records that are new or differ from before.
func changedRecords(before, next Ticket) []Record {
	old := make(map[string]Record, len(before.Records))
	for _, r := range before.Records {
		old[r.ID] = r
	}
	var list []Record
	for _, r := range next.Records {
		was, had := old[r.ID]
		if !had || was.State != r.State || was.Escalated != r.Escalated || !was.SignedAt.Equal(r.SignedAt) ||
			len(was.Statements) != len(r.Statements) || !was.Until.Equal(r.Until) {
			list = append(list, r)
		}
	}
	return list
}
