package web

import (
	"cmp"
	"context"
	"crypto/rand"
	"encoding/base32"
	"encoding/json"
	"errors"
	"net/http"
	"slices"
	"strings"
	"time"

	"hotline/ticketing"
	"hotline/ticketing/ledger"
)

// Account is a user as the administrators see it.
type Account struct {
	User
	Version      int64            `json:"version"`
	Roles        []ticketing.Role `json:"roles" nullable:"false"`
	Partition    string           `json:"partition,omitempty" doc:"Sealed partition that is all the user sees"`
	District     string           `json:"district,omitempty" doc:"That is all the user sees"`
	Lines        []string         `json:"lines,omitempty" doc:"That are all the user sees"`
	Phone        string           `json:"phone,omitempty" doc:"Masked"`
	Disabled     bool             `json:"disabled"`
	HasPassword  bool             `json:"has_password"`
	MustChange   bool             `json:"must_change_password"`
	SecondFactor bool             `json:"second_factor"`
	CreatedAt    time.Time        `json:"created_at"`
	PasswordAt   *time.Time       `json:"password_at,omitempty"`
}

// AccountInput is a user as the system administrator makes one; the security
// administrator grants its roles and issues its password.
type AccountInput struct {
	Login      string `json:"login" minLength:"1" maxLength:"64"`
	Name       string `json:"name" minLength:"1" maxLength:"64"`
	Department string `json:"department,omitempty" maxLength:"64" doc:"Code; empty for the centre"`
	Seat       string `json:"seat,omitempty" maxLength:"16"`
	Phone      string `json:"phone,omitempty" maxLength:"64" doc:"The user's own, by which looks at oneself are told"`
}

// AccountPatch changes what it names and leaves the rest.
type AccountPatch struct {
	Version    int64   `json:"version" minimum:"1"`
	Name       *string `json:"name,omitempty" minLength:"1" maxLength:"64"`
	Department *string `json:"department,omitempty" maxLength:"64" doc:"Another department ends the roles of clerk and head until they are granted again"`
	Seat       *string `json:"seat,omitempty" maxLength:"16"`
	Phone      *string `json:"phone,omitempty" maxLength:"64"`
	Disabled   *bool   `json:"disabled,omitempty" doc:"Ends the user's sessions"`
}

// Grant is what the security administrator gives a user.
type Grant struct {
	Version   int64            `json:"version" minimum:"1"`
	Roles     []ticketing.Role `json:"roles" maxItems:"12" nullable:"false"`
	Partition string           `json:"partition,omitempty" maxLength:"20" doc:"Line of a sealed partition"`
	District  string           `json:"district,omitempty" maxLength:"64" doc:"Of the centre: the district that is all the user sees"`
	Lines     []string         `json:"lines,omitempty" maxItems:"20" doc:"Of the centre: the lines that are all the user sees"`
	Reason    string           `json:"reason" minLength:"1" maxLength:"500" doc:"Why; it goes on record"`
}

// IssuedPassword is told once.
type IssuedPassword struct {
	Password string `json:"password" doc:"Has to be changed at the first sign-in"`
}

// AccountRef addresses one user.
type AccountRef struct {
	User string `path:"user" minLength:"1" maxLength:"64" doc:"Id"`
}

type (
	accountsInput struct {
		Q          string `query:"q" maxLength:"64" doc:"Part of login or name"`
		Role       string `query:"role" maxLength:"20"`
		Department string `query:"department" maxLength:"64"`
	}
	createAccountInput struct{ Body AccountInput }
	changeAccountInput struct {
		AccountRef
		Body AccountPatch
	}
	grantInput struct {
		AccountRef
		Body Grant
	}
)

var (
	administrators = holding(ticketing.RightUserRead)
	security       = holding(ticketing.RightUserGrant)
	systems        = holding(ticketing.RightUserMake)
)

func (s *Server) peopleRoutes() {
	op := func(method, path, id, summary string, who access) operation {
		return operation{method: method, path: "/api/v1/users" + path, id: id, tag: "people", who: who, summary: summary}
	}
	handle(s, op(http.MethodGet, "", "users", "List users, in order of login", administrators), s.accounts)
	create := op(http.MethodPost, "", "create-user", "Make a user without roles and password; the security administrator gives both", systems)
	create.status = http.StatusCreated
	handle(s, create, s.createAccount)
	handle(s, op(http.MethodGet, "/{user}", "user", "Read a user", administrators), s.account)
	handle(s, op(http.MethodPatch, "/{user}", "change-user", "Change a user's data, or switch the account off", systems), s.changeAccount)
	handle(s, op(http.MethodPut, "/{user}/roles", "grant-roles", "Give a user roles; its sessions end", security), s.grant)
	handle(s, op(http.MethodPost, "/{user}/password", "issue-password", "Issue a password that has to be changed; the user's sessions end", security), s.issuePassword)
	handle(s, op(http.MethodDelete, "/{user}/second-factor", "drop-second-factor", "Take a lost second factor off; the user's sessions end", security), s.dropSecond)
	handle(s, op(http.MethodGet, "/{user}/sessions", "user-sessions", "A user's open sessions", security), s.userSessions)
	handle(s, op(http.MethodDelete, "/{user}/sessions", "end-user-sessions", "End all sessions of a user", security), s.endUserSessions)
}

func accountView(u ticketing.User) Account {
	a := Account{
		User: userView(u), Version: u.Version, Roles: append([]ticketing.Role{}, u.Roles...), Partition: u.Partition, District: u.District, Lines: u.Lines, Phone: ticketing.MaskPhone(u.Phone),
		Disabled: u.Disabled, HasPassword: u.PasswordHash != "", MustChange: u.MustChange, SecondFactor: u.Second.On, CreatedAt: cst(u.CreatedAt),
	}
	if !u.PasswordAt.IsZero() {
		at := cst(u.PasswordAt)
		a.PasswordAt = &at
	}
	return a
}

func (s *Server) accounts(ctx context.Context, in *accountsInput) (*body[Page[Account]], error) {
	users, err := s.deps.Users.Users(ctx)
	if err != nil {
		return nil, err
	}
	q := strings.ToLower(in.Q)
	users = slices.DeleteFunc(users, func(u ticketing.User) bool {
		return q != "" && !strings.Contains(strings.ToLower(u.Login), q) && !strings.Contains(strings.ToLower(u.Name), q) ||
			in.Role != "" && !slices.Contains(u.Roles, ticketing.Role(in.Role)) || in.Department != "" && u.Department != in.Department
	})
	total := len(users)
	const most = 1000
	users = users[:min(total, most)]
	return answer(Page[Account]{Items: convert(users, accountView), Total: total}), nil
}

func (s *Server) account(ctx context.Context, in *AccountRef) (*body[Account], error) {
	u, err := s.userByID(ctx, in.User)
	if err != nil {
		return nil, err
	}
	return answer(accountView(u)), nil
}

func (s *Server) userByID(ctx context.Context, id string) (ticketing.User, error) {
	if !plainText([]byte(id)) {
		return ticketing.User{}, byStatus(http.StatusNotFound)
	}
	u, err := s.deps.Users.User(ctx, id)
	if absent(err) {
		return u, byStatus(http.StatusNotFound)
	}
	return u, err
}

func (s *Server) createAccount(ctx context.Context, in *createAccountInput) (*body[Account], error) {
	phone, err := ticketing.NormalizePhone(in.Body.Phone)
	if err != nil {
		return nil, err
	}
	now := s.opts.Now()
	u := ticketing.User{
		ID: ticketing.NewID(now), Login: strings.ToLower(strings.TrimSpace(in.Body.Login)), Name: strings.TrimSpace(in.Body.Name),
		Department: in.Body.Department, Seat: in.Body.Seat, Phone: phone, CreatedAt: now.UTC().Truncate(time.Millisecond),
	}
	if err := s.checkAccount(ctx, u); err != nil {
		return nil, err
	}
	if err := s.saveUser(ctx, u, "user.created", "", nil); err != nil {
		return nil, err
	}
	u.Version = 1
	return answer(accountView(u)), nil
}

// checkAccount also asks whether the department exists.
func (s *Server) checkAccount(ctx context.Context, u ticketing.User) error {
	if err := ticketing.CheckUser(u); err != nil {
		return err
	}
	if strings.Trim(u.Seat, "0123456789") != "" {
		return invalidField("body.seat", "is a number such as 8001")
	}
	if u.Department == "" && u.District == "" {
		return nil
	}
	city, err := s.city.get(ctx)
	if err != nil {
		return err
	}
	if _, known := city.districts[u.District]; !known && u.District != "" {
		return invalidField("body.district", "is not a district of the city")
	}
	if u.Department == "" {
		return nil
	}
	if _, known := city.departments[u.Department]; !known {
		return invalidField("body.department", "is not a department of the city")
	}
	return nil
}

func invalidField(location, message string) *Problem {
	p := byStatus(http.StatusUnprocessableEntity)
	p.Errors = []FieldError{{Location: location, Message: message}}
	return p
}

// saveUser writes a user with its entry in the ledger.
func (s *Server) saveUser(ctx context.Context, u ticketing.User, action, reason string, data any) error {
	e, err := s.entryOf(ctx, action, "user:"+u.ID, reason, data)
	if err != nil {
		return err
	}
	err = s.deps.Users.SaveUser(ctx, u, ticketing.Change{Ledger: []ledger.Entry{e}})
	switch {
	case errors.Is(err, ticketing.ErrExists):
		return problem(http.StatusConflict, "login_taken", "Another user has this login. Choose another.").because(err)
	case errors.Is(err, ticketing.ErrStale):
		return errUserChanged().because(err)
	}
	if err == nil {
		ticketing.OriginOf(ctx).Note()
	}
	return err
}

func errUserChanged() *Problem {
	return problem(http.StatusConflict, "conflict", "Somebody else changed the user meanwhile. Read it again, then send the change with its version.")
}

// entryOf is an entry of who asks.
func (s *Server) entryOf(ctx context.Context, action, object, reason string, data any) (ledger.Entry, error) {
	e := ticketing.EntryOf(ctx, s.opts.Now(), identityOf(ctx).user.ID, action, object, reason)
	if data != nil {
		raw, err := json.Marshal(data)
		if err != nil {
			return e, err
		}
		e.Data = raw
	}
	return e, nil
}

func (s *Server) changeAccount(ctx context.Context, in *changeAccountInput) (*body[Account], error) {
	before, err := s.userByID(ctx, in.User)
	if err != nil {
		return nil, err
	}
	u, changed, err := in.Body.applied(before)
	if err != nil {
		return nil, err
	}
	if err := s.checkAccount(ctx, u); err != nil {
		return nil, err
	}
	if u.Disabled && !before.Disabled {
		users, err := s.deps.Users.Users(ctx)
		if err != nil {
			return nil, err
		}
		if err := ticketing.CheckDisable(actorOf(ctx), before, u, users); err != nil {
			return nil, err
		}
	}
	return s.replaceUser(ctx, before, u, in.Body.Version, "user.changed", "", map[string]any{"changed": changed})
}

// applied is the user after the patch, and the names of what changed.
func (p AccountPatch) applied(u ticketing.User) (ticketing.User, []string, error) {
	var changed []string
	set := func(name string, into *string, v *string) {
		if v != nil && *into != *v {
			*into = *v
			changed = append(changed, name)
		}
	}
	if p.Phone != nil {
		phone, err := ticketing.NormalizePhone(*p.Phone)
		if err != nil {
			return u, nil, err
		}
		p.Phone = &phone
	}
	department := u.Department
	set("name", &u.Name, p.Name)
	set("department", &u.Department, p.Department)
	set("seat", &u.Seat, p.Seat)
	set("phone", &u.Phone, p.Phone)
	if p.Disabled != nil && *p.Disabled != u.Disabled {
		u.Disabled = *p.Disabled
		changed = append(changed, "disabled")
	}
	if u.Department != department { // rights are of a department: who moves has none until they are granted anew
		u.Roles = nil
		changed = append(changed, "roles")
	}
	return u, changed, nil
}

// replaceUser saves a changed user and ends sessions whose rights it changes.
func (s *Server) replaceUser(ctx context.Context, before, u ticketing.User, version int64, action, reason string, data any) (*body[Account], error) {
	if version != before.Version {
		return nil, errUserChanged()
	}
	if err := s.saveUser(ctx, u, action, reason, data); err != nil {
		return nil, err
	}
	if u.Disabled && !before.Disabled || u.Department != before.Department || u.Partition != before.Partition || u.District != before.District || !slices.Equal(u.Lines, before.Lines) || u.Seat != before.Seat ||
		!slices.Equal(u.Roles, before.Roles) || u.PasswordHash != before.PasswordHash || u.Second.On != before.Second.On {
		if err := s.endSessions(ctx, u.ID, ""); err != nil {
			return nil, err
		}
	}
	u.Version++
	return answer(accountView(u)), nil
}

func (s *Server) grant(ctx context.Context, in *grantInput) (*body[Account], error) {
	before, err := s.userByID(ctx, in.User)
	if err != nil {
		return nil, err
	}
	users, err := s.deps.Users.Users(ctx)
	if err != nil {
		return nil, err
	}
	u := before
	u.Roles, u.Partition = slices.Compact(slices.Sorted(slices.Values(in.Body.Roles))), in.Body.Partition
	u.District, u.Lines = in.Body.District, slices.Compact(slices.Sorted(slices.Values(in.Body.Lines)))
	if err := ticketing.CheckGrant(actorOf(ctx), before, u, users); err != nil {
		return nil, err
	}
	if err := s.checkAccount(ctx, u); err != nil {
		return nil, err
	}
	return s.replaceUser(ctx, before, u, in.Body.Version, "user.granted", in.Body.Reason, map[string]any{
		"before": cmp.Or(before.Partition, "-"), "after": cmp.Or(u.Partition, "-"), "roles_before": before.Roles, "roles": u.Roles, "district": u.District, "lines": u.Lines,
	})
}

func (s *Server) issuePassword(ctx context.Context, in *AccountRef) (*body[IssuedPassword], error) {
	before, err := s.userByID(ctx, in.User)
	if err != nil {
		return nil, err
	}
	if before.ID == identityOf(ctx).user.ID {
		return nil, problem(http.StatusForbidden, "own_password", "Change the own password with PUT /api/v1/me/password.")
	}
	raw := make([]byte, 15)
	_, _ = rand.Read(raw) // never fails (crypto/rand)
	password := strings.ToLower(base32.StdEncoding.EncodeToString(raw))
	u := before
	if u.PasswordHash, err = HashPassword(password); err != nil {
		return nil, err
	}
	u.MustChange, u.PasswordAt = true, s.opts.Now()
	if _, err := s.replaceUser(ctx, before, u, before.Version, "user.password_issued", "", nil); err != nil {
		return nil, err
	}
	return answer(IssuedPassword{Password: password}), nil
}

func (s *Server) dropSecond(ctx context.Context, in *AccountRef) (*struct{}, error) {
	before, err := s.userByID(ctx, in.User)
	if err != nil {
		return nil, err
	}
	u := before
	u.Second = ticketing.SecondFactor{}
	_, err = s.replaceUser(ctx, before, u, before.Version, "user.second_factor_dropped", "", nil)
	return nil, err
}
