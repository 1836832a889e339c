package ticketing

import (
	"fmt"
	"strings"
	"unicode"
	"unicode/utf8"
)

// Limits bound the texts that come in, in characters.
type Limits struct {
	Title, Description, Address, Name int
	Answer, Reason, Note              int
}

// DefaultLimits are the bounds when Options give none.
func DefaultLimits() Limits {
	return Limits{Title: 200, Description: 10_000, Address: 300, Name: 60, Answer: 10_000, Reason: 1_000, Note: 2_000}
}

// Bounds of identifiers and codes, in bytes.
const (
	maxID          = 64
	maxCode        = 64
	maxIdempotency = 200
	maxCalls       = 100
)

// text trims a text and checks its length and that it is plain text.
func text(field, s string, limit int) (string, error) {
	if len(s) > limit*utf8.UTFMax || utf8.RuneCountInString(s) > limit {
		return "", tooLong(field, limit)
	}
	if !utf8.ValidString(s) {
		return "", invalid(field, "is not valid UTF-8", "不是有效的 UTF-8 文本")
	}
	for _, r := range s {
		// U+0000 is refused by PostgreSQL; the others have no place in a letter.
		if unicode.IsControl(r) && r != '\n' && r != '\r' && r != '\t' {
			return "", invalid(field, "has control characters; remove them", "含有控制字符，请删除")
		}
	}
	return strings.TrimSpace(s), nil
}

// code checks an identifier: short and printable.
func code(field, s string, limit int) error {
	if len(s) > limit {
		return tooLong(field, limit)
	}
	for _, r := range s {
		if r == utf8.RuneError || !unicode.IsPrint(r) {
			return invalid(field, "has characters that do not belong in a code", "含有无效字符")
		}
	}
	return nil
}

// checkAppeal normalises an appeal; empty fields are allowed.
func (l Limits) checkAppeal(a Appeal, city cityIndex) (Appeal, error) {
	var err error
	if a.Type != "" && !a.Type.Valid() {
		return a, invalid("appeal.type", "is not one of inquiry, help, complaint, report, suggestion, praise", "诉求类型无效")
	}
	if a.Title, err = text("appeal.title", a.Title, l.Title); err != nil {
		return a, err
	}
	if a.Description, err = text("appeal.description", a.Description, l.Description); err != nil {
		return a, err
	}
	if a.Address, err = text("appeal.address", a.Address, l.Address); err != nil {
		return a, err
	}
	if err = city.checkCategory(a.Category); err != nil {
		return a, err
	}
	if err = city.checkDistrict(a.District); err != nil {
		return a, err
	}
	return a, checkPoint(a.Location)
}

func checkPoint(p *Point) error {
	switch {
	case p == nil:
		return nil
	case p.Datum != "wgs84" && p.Datum != "gcj02":
		return invalid("appeal.location.datum", "is neither wgs84 nor gcj02", "坐标系须为 wgs84 或 gcj02")
	case !(p.Lon >= -180 && p.Lon <= 180):
		return invalid("appeal.location.lon", "is not within -180…180", "经度超出范围")
	case !(p.Lat >= -90 && p.Lat <= 90):
		return invalid("appeal.location.lat", "is not within -90…90", "纬度超出范围")
	}
	return nil
}

func (l Limits) checkCitizen(c Citizen) (Citizen, error) {
	var err error
	if c.Name, err = text("citizen.name", c.Name, l.Name); err != nil {
		return c, err
	}
	if c.Proxy != nil {
		p := *c.Proxy
		if p.Name, err = text("citizen.proxy.name", p.Name, l.Name); err != nil {
			return c, err
		}
		if p.Relation, err = text("citizen.proxy.relation", p.Relation, l.Name); err != nil {
			return c, err
		}
		if p.Phone, err = NormalizePhone(p.Phone); err != nil {
			return c, invalid("citizen.proxy.phone", "is not a telephone number; give digits such as 13812345678 or 0519-86601234", "电话号码不正确，请填写如 13812345678 或 0519-86601234")
		}
		c.Proxy = &p
	}
	c.Phone, err = NormalizePhone(c.Phone)
	return c, err
}

func checkUrgency(u Urgency) (Urgency, error) {
	if u == "" {
		return Normal, nil
	}
	if !u.Valid() {
		return u, invalid("urgency", "is not one of normal, urgent, critical", "紧急程度无效")
	}
	return u, nil
}

func checkKey(key string) error {
	if len(key) > maxIdempotency {
		return tooLong("Idempotency-Key", maxIdempotency)
	}
	return nil
}

func outOfRange(field string, low, high int) *Error {
	return &Error{Code: CodeInvalid, Field: field, Limit: high,
		Message: fmt.Sprintf("is not within %d…%d", low, high), Zh: fmt.Sprintf("应在 %d 与 %d 之间", low, high)}
}
