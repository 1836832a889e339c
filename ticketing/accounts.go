package ticketing

import (
	"slices"
	"strconv"
	"strings"
	"time"
	"unicode"
	"unicode/utf8"
)

// GrantableRoles are the roles that a user may be given.
func GrantableRoles() []Role {
	return []Role{
		RoleAgent, RoleLead, RoleDispatcher, RoleQC, RoleFollowUp, RoleSupervisor,
		RoleAnalyst, RoleClerk, RoleHead, RoleAdmin, RoleSecAdmin, RoleAuditor,
	}
}

// Administrators are the three that are kept apart (三员分立): no user can hold two
// of them, or one of them and another role.
func Administrators() []Role { return []Role{RoleAdmin, RoleSecAdmin, RoleAuditor} }

// CheckUser tells whether a user may be as it is. A user without roles may be
// nothing yet: the system administrator makes it, the security administrator
// grants its roles.
func CheckUser(u User) error {
	if u.Login == "" || strings.ContainsAny(u.Login, " \t\r\n:/@") || len(u.Login) > 64 || !plainName(u.Login) {
		return invalid("login", "is a word of at most 64 characters without spaces, ':', '/' and '@'", "登录名不超过 64 个字符，不含空格、“:”“/”“@”")
	}
	if u.Name == "" || utf8.RuneCountInString(u.Name) > 64 || !plainName(u.Name) {
		return invalid("name", "is 1 to 64 characters: a user needs a name", "请填写姓名，不超过 64 个字")
	}
	powers := 0
	for _, r := range u.Roles {
		if !slices.Contains(GrantableRoles(), r) {
			return invalid("roles", "has the unknown role "+strconv.Quote(string(r))+"; known are "+joinRoles(GrantableRoles()), "角色无效")
		}
		if slices.Contains(Administrators(), r) {
			powers++
		}
		unit := r == RoleClerk || r == RoleHead
		if unit && u.Department == "" {
			return invalid("department", "is needed: a "+string(r)+" needs a department", "经办人和负责人须有所属单位")
		}
		if !unit && u.Department != "" {
			return invalid("department", "is of clerks and heads alone: a "+string(r)+" belongs to the centre: leave the department out", "中心人员不填所属单位")
		}
	}
	if powers > 1 || powers == 1 && len(u.Roles) > 1 {
		return invalid("roles", "holds too much: system, security and audit administration cannot be combined with each other or with other roles", "系统、安全、审计管理员不得相互兼任，也不得兼任其他角色")
	}
	if (u.District != "" || len(u.Lines) > 0) && (powers == 1 || u.Department != "" || u.Partition != "") {
		return invalid("district", "and lines bound people of the centre alone: not administrators, not departments, not sealed partitions", "仅中心人员可限定区划和热线")
	}
	if powers == 1 && u.Partition != "" {
		return invalid("partition", "is not for administrators", "管理员不属于密封分区")
	}
	return nil
}

func plainName(s string) bool {
	return utf8.ValidString(s) && !strings.ContainsFunc(s, unicode.IsControl)
}

// CheckGrant tells whether the actor may give a user these roles: the security
// administrator alone, and nobody to the own self. Of each administrator one
// stays: users are all there are.
func CheckGrant(a Actor, before, after User, users []User) error {
	if !a.Has(RoleSecAdmin) && !a.Has(RoleSystem) {
		return ErrForbidden
	}
	if a.UserID == before.ID {
		return &Error{Code: CodeForbidden, Message: "nobody grants roles to the own self; another security administrator has to", Zh: "不得为本人授权，请由其他安全管理员办理"}
	}
	return checkLast(before, after, users)
}

// CheckDisable is CheckGrant for switching an account off: the system
// administrator's, and not the own.
func CheckDisable(a Actor, before, after User, users []User) error {
	if !a.Has(RoleAdmin) && !a.Has(RoleSystem) {
		return ErrForbidden
	}
	if a.UserID == before.ID {
		return &Error{Code: CodeForbidden, Message: "nobody switches the own account off; another system administrator has to", Zh: "不得停用本人账号，请由其他系统管理员办理"}
	}
	return checkLast(before, after, users)
}

func checkLast(before, after User, users []User) error {
	for _, r := range Administrators() {
		holds := func(u User) bool { return slices.Contains(u.Roles, r) && !u.Disabled }
		if !holds(before) || holds(after) {
			continue
		}
		if !slices.ContainsFunc(users, func(u User) bool { return u.ID != before.ID && holds(u) }) {
			return &Error{Code: CodeNotOpen, Message: "this is the last " + string(r) + "; make another first", Zh: "这是最后一名该类管理员，请先设置另一名"}
		}
	}
	return nil
}

// Rules of passwords.
const (
	minPassword      = 10 // characters
	longPassword     = 16 // from here on one kind of character will do
	passwordKinds    = 3  // of lower-case letters, capitals, digits and others
	maxPasswordBytes = 256
	// RememberedPasswords is how many earlier passwords may not come back.
	RememberedPasswords = 5
)

// CheckPassword tells whether a password is good enough for a user.
func CheckPassword(password string, u User) error {
	n := utf8.RuneCountInString(password)
	switch {
	case n < minPassword:
		return invalid("password", "needs at least 10 characters", "密码至少 10 个字符")
	case len(password) > maxPasswordBytes:
		return invalid("password", "is too long; 256 bytes at most", "密码过长")
	case !utf8.ValidString(password):
		return invalid("password", "is not text", "密码不是有效文本")
	case n < longPassword && kinds(password) < passwordKinds:
		return invalid("password", "needs three of: small letters, capitals, digits, other characters; or 16 characters of any kind", "密码须含大写、小写、数字、其他字符中的三类，或不少于 16 个字符")
	}
	lower := strings.ToLower(password)
	for _, own := range []string{u.Login, u.Name, u.Phone} {
		if utf8.RuneCountInString(own) >= 4 && strings.Contains(lower, strings.ToLower(own)) {
			return invalid("password", "must not contain the own login, name or number", "密码不得包含本人账号、姓名或电话")
		}
	}
	if distinct(lower) < 5 || slices.ContainsFunc(commonWords(), func(w string) bool { return 2*len(w) > len(lower) && strings.Contains(lower, w) }) {
		return invalid("password", "is easy to guess; take other words", "密码过于简单，请更换")
	}
	return nil
}

func kinds(s string) int {
	var lower, upper, digit, other int
	for _, r := range s {
		switch {
		case unicode.IsLower(r):
			lower = 1
		case unicode.IsUpper(r):
			upper = 1
		case unicode.IsDigit(r):
			digit = 1
		default:
			other = 1
		}
	}
	return lower + upper + digit + other
}

func distinct(s string) int {
	seen := map[rune]bool{}
	for _, r := range s {
		seen[r] = true
	}
	return len(seen)
}

// commonWords are what bad passwords are made of.
func commonWords() []string {
	return []string{"password", "passw0rd", "p@ssw0rd", "qwerty", "1qaz2wsx", "123456", "654321", "abc123", "admin", "hotline", "12345", "woaini", "letmein", "welcome", "iloveyou"}
}

// PasswordExpired tells whether a password is older than a city allows; zero
// allows any age.
func (u User) PasswordExpired(now time.Time, age time.Duration) bool {
	return age > 0 && !u.PasswordAt.IsZero() && now.Sub(u.PasswordAt) > age
}

// AboutSecond is what the sealed secret of a user's second factor is about.
func AboutSecond(userID string) string { return "second factor of " + userID }
