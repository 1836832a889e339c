package ticketing

import (
	"errors"
	"fmt"
)

// Code classifies an error for whoever maps it to an answer. An error without
// a code is internal, and its text is not for users.
type Code string

// The codes of errors.
const (
	CodeInvalid             Code = "invalid"              // the request is wrong; Field says where
	CodeNotFound            Code = "not_found"            // it does not exist, or the actor may not see it
	CodeConflict            Code = "conflict"             // somebody else changed it; read again
	CodeForbidden           Code = "forbidden"            // the actor's role may not do this
	CodeNotOpen             Code = "not_open"             // the action is not open in this state
	CodeIdempotencyMismatch Code = "idempotency_mismatch" // the key was used with another request
	CodeErased              Code = "erased"               // it was there, and was destroyed on request or after its time
	CodeUnavailable         Code = "unavailable"          // nothing can be stored now; try again later
	CodeInternal            Code = "internal"
)

// Error is an error that a caller can act on. Message (English) and Zh say
// what to do next and never carry what the caller sent.
type Error struct {
	Code    Code
	Message string
	Zh      string
	Field   string // dotted JSON name of the field at fault; empty when none is
	Limit   int    // the bound that was crossed; 0 when none was
}

func (e *Error) Error() string {
	if e.Field == "" {
		return e.Message
	}
	return e.Field + ": " + e.Message
}

// Is makes errors of one code equal to the sentinels of the package.
func (e *Error) Is(target error) bool {
	t, ok := target.(*Error)
	return ok && t.Field == "" && t.Code == e.Code
}

// The sentinels, for errors.Is.
var (
	ErrNotFound            = &Error{Code: CodeNotFound, Message: "no such ticket, or not yours to see", Zh: "没有这张工单，或您无权查看"}
	ErrForbidden           = &Error{Code: CodeForbidden, Message: "your role may not do this", Zh: "您的角色不能进行此操作"}
	ErrIdempotencyMismatch = &Error{Code: CodeIdempotencyMismatch, Message: "this Idempotency-Key was used with a different request; send a new key", Zh: "该幂等键已用于另一请求，请换用新的键"}
	ErrConflict            = &Error{Code: CodeConflict, Message: "the ticket was changed by somebody else; read it again", Zh: "工单已被他人修改，请刷新后重试"}
	ErrUnavailable         = &Error{Code: CodeUnavailable, Message: "nothing can be stored at the moment and nothing was; try again in a few minutes, or call", Zh: "系统暂时无法保存，本次未受理，请几分钟后重试或拨打热线"}
	ErrErased              = &Error{Code: CodeErased, Message: "the personal data were erased; nobody can bring them back", Zh: "个人信息已依法删除，无法恢复"}
	ErrWrongQueryCode      = &Error{Code: CodeNotFound, Message: "no appeal has this number and query code; check both", Zh: "编号或查询码不正确，请核对后重试"}
)

// ConflictError tells that the ticket moved on since the caller read it.
type ConflictError struct {
	Current Ticket // as the actor may see it
}

func (e *ConflictError) Error() string {
	return fmt.Sprintf("%s (current version %d)", ErrConflict.Message, e.Current.Version)
}

// Is makes it equal to ErrConflict.
func (e *ConflictError) Is(target error) bool { return target == ErrConflict }

// CodeOf finds the code of an error; CodeInternal when it has none.
func CodeOf(err error) Code {
	var e *Error
	if errors.As(err, &e) {
		return e.Code
	}
	var c *ConflictError
	if errors.As(err, &c) {
		return CodeConflict
	}
	return CodeInternal
}

// Errors that a Store answers with; the service turns them into the above.
var (
	// ErrStale tells that the row no longer has the version the change was made from.
	ErrStale = errors.New("ticketing: stale version")
	// ErrReplayed tells that the receipt's scope and key exist already.
	ErrReplayed = errors.New("ticketing: request replayed")
	// ErrFinished tells that the outbox row was done already.
	ErrFinished = errors.New("ticketing: outbox row already done")
	// ErrNumberTaken tells that another process gave out the same number; take a new one.
	ErrNumberTaken = errors.New("ticketing: number taken")
	// ErrExists tells that a row with this id is there already.
	ErrExists = errors.New("ticketing: already exists")
	// ErrAbsent tells that a row is not there.
	ErrAbsent = errors.New("ticketing: absent")
)

func invalid(field, message, zh string) *Error {
	return &Error{Code: CodeInvalid, Field: field, Message: message, Zh: zh}
}

func tooLong(field string, limit int) *Error {
	return &Error{
		Code: CodeInvalid, Field: field, Limit: limit,
		Message: fmt.Sprintf("is longer than %d characters; shorten it", limit),
		Zh:      fmt.Sprintf("超过 %d 个字符，请缩短", limit),
	}
}

func required(field string) *Error {
	return invalid(field, "is required", "必填")
}
