package ticketing

import (
	"bytes"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"slices"
	"strings"
	"time"
)

// FieldKind says what goes into a field of an action.
type FieldKind string

// The kinds of fields.
const (
	KindText        FieldKind = "text"        // plain text
	KindDepartment  FieldKind = "department"  // code of a department
	KindDepartments FieldKind = "departments" // list of codes
	KindUser        FieldKind = "user"        // user id
	KindUsers       FieldKind = "users"       // list of audiences to tell in turn
	KindTicket      FieldKind = "ticket"      // number or id
	KindCall        FieldKind = "call"        // id of a call
	KindRecord      FieldKind = "record"      // id of a record of the ticket
	KindDays        FieldKind = "days"        // working days
	KindMoment      FieldKind = "moment"      // RFC 3339
	KindFlag        FieldKind = "flag"        // true or false
	KindRating      FieldKind = "rating"      // 5 very satisfied … 1 very dissatisfied
	KindChoice      FieldKind = "choice"      // one of Options
	KindParts       FieldKind = "parts"       // tickets that a ticket is parted into
)

// Field describes one field of an action.
type Field struct {
	Name     string
	Kind     FieldKind
	Required bool
	Options  []string
	Zh, En   string // label
}

// ActionFields are the own fields of the actions; FieldsOf says which action
// takes which.
type ActionFields struct {
	Answer      string    `json:"answer,omitempty"`
	Public      string    `json:"public,omitempty"`
	Department  string    `json:"department,omitempty"`
	Departments []string  `json:"departments,omitempty"`
	Proposed    string    `json:"proposed,omitempty"`
	Reason      string    `json:"reason,omitempty"`
	Basis       string    `json:"basis,omitempty"`
	Note        string    `json:"note,omitempty"`
	CallID      string    `json:"call_id,omitempty"`
	User        string    `json:"user,omitempty"`
	Ticket      string    `json:"ticket,omitempty"`
	Relation    string    `json:"relation,omitempty"`
	Record      string    `json:"record,omitempty"`
	Item        string    `json:"item,omitempty"`
	To          string    `json:"to,omitempty"`
	Outcome     string    `json:"outcome,omitempty"`
	Channel     Channel   `json:"channel,omitempty"`
	Days        int       `json:"days,omitempty"`
	Rating      int       `json:"rating,omitempty"`
	Until       time.Time `json:"until,omitzero"`
	NextAt      time.Time `json:"next_at,omitzero"`
	Escalation  []string  `json:"escalation,omitempty"`
	Factual     *bool     `json:"factual,omitempty"`
	Contacted   *bool     `json:"contacted,omitempty"`
	Solved      *bool     `json:"solved,omitempty"`
	Amend       bool      `json:"amend,omitempty"`
	Parts       []Part    `json:"parts,omitempty"`
}

// Part is one of the tickets that a ticket is parted into.
type Part struct {
	Title       string     `json:"title"`
	Description string     `json:"description"`
	Category    string     `json:"category"`
	Type        AppealType `json:"type,omitempty"` // the whole's when left out
}

// The bounds of lists in fields.
const (
	maxParts      = 10
	maxParties    = 10
	maxEscalation = 10
)

// Where a citizen is told to go with what is not for the hotline.
func referrals() []string {
	return []string{"110", "119", "120", "court", "arbitration", "reconsideration", "petition", "discipline", "other"}
}

func field(name string, kind FieldKind, zh, en string) Field {
	return Field{Name: name, Kind: kind, Zh: zh, En: en}
}

func (s Field) must() Field {
	s.Required = true
	return s
}

func (s Field) of(options ...string) Field {
	s.Options = options
	return s
}

func reasonField() Field { return field("reason", KindText, "理由", "reason").must() }
func noteField() Field   { return field("note", KindText, "备注", "note") }
func recordField() Field {
	return field("record", KindRecord, "记录", "which record, when several are open")
}

func departmentField() Field {
	return field("department", KindDepartment, "承办单位", "department").must()
}

// FieldsOf lists what an action takes. Edit takes a Patch.
func FieldsOf(a Action) []Field {
	switch a {
	case ActAnswer:
		return []Field{field("answer", KindText, "答复", "answer").must()}
	case ActRefer:
		return []Field{field("to", KindChoice, "告知去向", "where the citizen was told to go").must().of(referrals()...), noteField()}
	case ActNote:
		return []Field{field("note", KindText, "补充内容", "what is added").must(), callField()}
	case ActCancel, ActRejectReview, ActRefuseReturn, ActRefuseExtension, ActRefuseSuspension, ActRefuseCoHandling, ActRefuseWithdrawal,
		ActEndShare, ActUnmerge, ActReopen, ActDismissAppeal, ActUpholdAppeal, ActRequestWithdrawal:
		return withRecord(a, reasonField())
	case ActDispatch, ActDesignate:
		reason := reasonField()
		reason.Required = a == ActDesignate
		return []Field{departmentField(), reason}
	case ActDispatchDown, ActCoHandle, ActRequestCoHandling:
		return []Field{departmentField(), reasonField()}
	case ActUndoDispatch, ActResume, ActApproveReturn, ActApproveReview, ActApproveExtension, ActApproveCoHandling, ActApproveWithdrawal, ActEndSupervision,
		ActUnlink, ActWithdrawRequest:
		return withRecord(a, noteField())
	case ActAssign:
		return []Field{field("user", KindUser, "经办人", "who handles it").must()}
	case ActContact:
		return []Field{noteField(), callField()}
	case ActResolve:
		return resolveFields()
	case ActRequestReturn:
		return []Field{
			reasonField(), field("basis", KindText, "法律法规或职责依据", "legal basis").must(), field("proposed", KindDepartment, "建议单位", "who is in charge instead"),
		}
	}
	return laterFields(a)
}

func callField() Field { return field("call_id", KindCall, "通话", "the call in which it was said") }

func resolveFields() []Field {
	return []Field{
		field("answer", KindText, "答复", "reply to the citizen").must(),
		field("public", KindText, "公开答复", "version for the public, without personal data"),
		field("factual", KindFlag, "属实", "the facts are as stated"), field("contacted", KindFlag, "已联系诉求人", "the citizen was contacted"),
		field("solved", KindFlag, "已解决", "the matter is solved"),
	}
}

// withRecord adds the record to the actions that decide or end one.
func withRecord(a Action, fields ...Field) []Field {
	switch a {
	case ActEndShare, ActUpholdAppeal, ActDismissAppeal, ActUnlink, ActApproveCoHandling, ActRefuseCoHandling, ActWithdrawRequest:
		return append(fields, recordField())
	}
	return fields
}

func laterFields(a Action) []Field {
	switch a {
	case ActRequestExtension:
		return []Field{field("days", KindDays, "延期工作日", "working days").must(), reasonField()}
	case ActRequestSuspension:
		return []Field{field("until", KindMoment, "挂起至", "until").must(), reasonField()}
	case ActApproveSuspension:
		return []Field{field("until", KindMoment, "挂起至", "until; as asked for when left out"), noteField()}
	case ActAnswerShare:
		return []Field{field("answer", KindText, "协办答复", "answer to the lead department").must()}
	case ActUrge:
		return []Field{reasonField(), callField()}
	case ActAnswerUrge:
		return []Field{field("answer", KindText, "回复", "how far it is").must()}
	case ActSupervise:
		return []Field{
			reasonField(), field("until", KindMoment, "督办期限", "deadline").must(),
			field("escalation", KindUsers, "升级告知", "who is told in turn when it passes, such as role:lead or user:…"),
		}
	case ActOpenDispute:
		return []Field{field("departments", KindDepartments, "争议单位", "parties").must(), reasonField()}
	case ActStateCase:
		return []Field{field("answer", KindText, "陈述", "statement").must(), field("basis", KindText, "依据", "basis")}
	case ActRule:
		return []Field{
			departmentField(), reasonField(), field("basis", KindText, "依据", "basis").must(),
			field("amend", KindFlag, "写入派单目录", "the ruling holds for later tickets of the category in the district"),
		}
	case ActMerge:
		return []Field{field("ticket", KindTicket, "并入工单", "the main ticket").must(), reasonField()}
	case ActAnswerMerged:
		return []Field{field("answer", KindText, "答复", "the main ticket's reply").must(), field("until", KindMoment, "答复时间", "when the main ticket was resolved")}
	case ActSplit:
		return []Field{field("parts", KindParts, "拆分内容", "the parts").must(), reasonField()}
	case ActLink:
		return []Field{
			field("ticket", KindTicket, "关联工单", "the other ticket").must(),
			field("relation", KindChoice, "关系", "how they belong together").must().of("related", "duplicate", "follows"), noteField(),
		}
	case ActMissFollowUp:
		return []Field{noteField(), callField(), field("next_at", KindMoment, "下次回访", "when to try again")}
	case ActFollowUp:
		return []Field{
			field("contacted", KindFlag, "单位已联系", "the department had contacted the citizen").must(), field("solved", KindFlag, "已解决", "solved").must(),
			field("rating", KindRating, "满意度", "satisfaction"), noteField(), callField(),
			field("outcome", KindChoice, "处理", "close or reopen against the rule; needs a note").of("close", "reopen"),
		}
	case ActRate:
		return []Field{
			field("rating", KindRating, "满意度", "satisfaction").must(), noteField(),
			field("channel", KindChoice, "渠道", "how the citizen rated").of("phone", "sms", "web", "wechat", "app", "hall", "qr", "api"),
		}
	case ActRectify:
		return []Field{field("answer", KindText, "整改情况", "what was put right").must(), recordField()}
	case ActAppeal:
		return []Field{
			field("item", KindChoice, "申诉事项", "what is to be struck out").must().of("overdue", "bad_rating", "unsolved", "return", "reopening", "other"),
			reasonField(),
		}
	}
	return nil
}

// read decodes the fields of an action strictly: a field that the action does
// not have is a mistake worth telling.
func (l Limits) read(a Action, raw json.RawMessage, city cityIndex) (ActionFields, error) {
	var f ActionFields
	spec := FieldsOf(a)
	present, err := names(raw)
	if err != nil {
		return f, err
	}
	for _, name := range present {
		if !slices.ContainsFunc(spec, func(s Field) bool { return s.Name == name }) {
			return f, invalid(clip(name, maxCode), "is not a field of this action", "此操作没有这个字段")
		}
	}
	if err := decode(raw, &f); err != nil {
		return f, err
	}
	if err := l.trim(&f); err != nil {
		return f, err
	}
	for _, s := range spec {
		if err := s.check(&f, city); err != nil {
			return f, err
		}
	}
	return f, nil
}

// names lists the fields that are there, in order of their names.
func names(raw json.RawMessage) ([]string, error) {
	var object map[string]json.RawMessage
	if err := decode(raw, &object); err != nil {
		return nil, err
	}
	list := make([]string, 0, len(object))
	for name := range object {
		list = append(list, name)
	}
	slices.Sort(list)
	return list, nil
}

func (l Limits) trim(f *ActionFields) error {
	type bounded struct {
		name  string
		text  *string
		limit int
	}
	texts := []bounded{
		{"answer", &f.Answer, l.Answer}, {"public", &f.Public, l.Answer}, {"reason", &f.Reason, l.Reason}, {"basis", &f.Basis, l.Reason}, {"note", &f.Note, l.Note},
	}
	for i := range f.Parts {
		at := fmt.Sprintf("parts[%d].", i)
		texts = append(texts, bounded{at + "title", &f.Parts[i].Title, l.Title}, bounded{at + "description", &f.Parts[i].Description, l.Description})
	}
	for _, t := range texts {
		trimmed, err := text(t.name, *t.text, t.limit)
		if err != nil {
			return err
		}
		*t.text = trimmed
	}
	for name, id := range map[string]string{"call_id": f.CallID, "user": f.User, "ticket": f.Ticket, "record": f.Record} {
		if err := code(name, id, maxID); err != nil {
			return err
		}
	}
	return nil
}

// check looks at one field of an action.
func (s Field) check(f *ActionFields, city cityIndex) error {
	if s.Required && s.empty(f) {
		return required(s.Name)
	}
	switch s.Kind {
	case KindDepartment:
		return city.departmentIn(s.Name, s.value(f))
	case KindDepartments:
		if len(f.Departments) < 2 || len(f.Departments) > maxParties {
			return outOfRange(s.Name, 2, maxParties)
		}
		for _, d := range f.Departments {
			if err := city.departmentIn(s.Name, d); err != nil {
				return err
			}
		}
	case KindUsers:
		return checkEscalation(s.Name, f.Escalation)
	case KindDays:
		if f.Days < 1 || f.Days > 365 {
			return outOfRange(s.Name, 1, 365)
		}
	case KindRating:
		if f.Rating < 0 || f.Rating > 5 {
			return outOfRange(s.Name, 1, 5)
		}
	case KindChoice:
		if v := s.value(f); v != "" && !slices.Contains(s.Options, v) {
			return invalid(s.Name, "is not one of "+strings.Join(s.Options, ", "), "取值无效")
		}
	case KindParts:
		if len(f.Parts) > maxParts {
			return outOfRange(s.Name, 1, maxParts)
		}
	}
	return nil
}

func checkEscalation(name string, list []string) error {
	if len(list) > maxEscalation {
		return outOfRange(name, 0, maxEscalation)
	}
	for _, audience := range list {
		kind, id, ok := strings.Cut(audience, ":")
		if err := code(name, audience, maxCode); err != nil {
			return err
		}
		if !ok || id == "" || kind != "user" && kind != "role" && kind != "department" {
			return invalid(name, "names people as user:…, role:… or department:…", "请用 user:、role: 或 department: 指明告知对象")
		}
	}
	return nil
}

func (s Field) empty(f *ActionFields) bool {
	switch s.Kind {
	case KindFlag:
		return map[string]*bool{"contacted": f.Contacted, "solved": f.Solved, "factual": f.Factual}[s.Name] == nil
	case KindDepartments:
		return len(f.Departments) == 0
	case KindUsers:
		return len(f.Escalation) == 0
	case KindDays:
		return f.Days == 0
	case KindRating:
		return f.Rating == 0
	case KindMoment:
		return f.Until.IsZero()
	case KindParts:
		return len(f.Parts) == 0
	}
	return s.value(f) == ""
}

// value is a field that is a text.
func (s Field) value(f *ActionFields) string {
	return map[string]string{
		"answer": f.Answer, "public": f.Public, "department": f.Department, "proposed": f.Proposed, "reason": f.Reason, "basis": f.Basis,
		"note": f.Note, "call_id": f.CallID, "user": f.User, "ticket": f.Ticket, "relation": f.Relation, "record": f.Record, "item": f.Item,
		"to": f.To, "outcome": f.Outcome, "channel": string(f.Channel),
	}[s.Name]
}

// decode reads one JSON object strictly.
func decode(raw json.RawMessage, into any) error {
	if len(bytes.TrimSpace(raw)) == 0 || bytes.Equal(bytes.TrimSpace(raw), []byte("null")) {
		return nil
	}
	d := json.NewDecoder(bytes.NewReader(raw))
	d.DisallowUnknownFields()
	err := d.Decode(into)
	if err == nil {
		if _, more := d.Token(); more != io.EOF {
			return invalid("fields", "is not one JSON object", "须为一个 JSON 对象")
		}
		return nil
	}
	var typ *json.UnmarshalTypeError
	if errors.As(err, &typ) && typ.Field != "" {
		return invalid(typ.Field, "has the wrong type", "类型不正确")
	}
	if name, ok := strings.CutPrefix(err.Error(), `json: unknown field "`); ok {
		return invalid(clip(strings.TrimSuffix(name, `"`), maxCode), "is not a field of this action", "此操作没有这个字段")
	}
	var parse *time.ParseError
	if errors.As(err, &parse) {
		return invalid("fields", "has a time that is not in the form of RFC 3339, such as 2026-03-02T09:30:00+08:00", "时间格式须为 RFC 3339")
	}
	return invalid("fields", "is not a JSON object of the action's fields", "须为该操作字段的 JSON 对象")
}

func clip(s string, n int) string {
	if len(s) > n {
		return s[:n]
	}
	return s
}
