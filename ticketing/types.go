package ticketing

import (
	"encoding/json"
	"time"
)

// AppealType is what the citizen wants (诉求类型).
type AppealType string

// The six types of appeal.
const (
	Inquiry    AppealType = "inquiry"    // 咨询
	Help       AppealType = "help"       // 求助
	Complaint  AppealType = "complaint"  // 投诉
	Report     AppealType = "report"     // 举报
	Suggestion AppealType = "suggestion" // 建议
	Praise     AppealType = "praise"     // 表扬
)

// State is where a ticket stands in its life.
type State string

// The states of a ticket.
const (
	Draft      State = "draft"       // 待受理
	Accepted   State = "accepted"    // 待派单
	Dispatched State = "dispatched"  // 待签收
	InProgress State = "in_progress" // 办理中
	InReview   State = "in_review"   // 办结审核
	FollowUp   State = "follow_up"   // 待回访
	Closed     State = "closed"      // 已办结
	Archived   State = "archived"    // 已归档
	Suspended  State = "suspended"   // 挂起
	Merged     State = "merged"      // 已并单
	Cancelled  State = "cancelled"   // 已撤单
)

// Channel is the way an appeal came in.
type Channel string

// The channels of intake.
const (
	ByPhone  Channel = "phone"
	ByWeb    Channel = "web"
	ByWeChat Channel = "wechat"
	ByAPI    Channel = "api"
)

// Urgency chooses among the limits of a policy.
type Urgency string

// The three levels of urgency.
const (
	Normal   Urgency = "normal"   // 一般
	Urgent   Urgency = "urgent"   // 紧急
	Critical Urgency = "critical" // 特急: life or property in danger
)

// Role is what a user may do.
type Role string

// The roles of the field.
const (
	RoleAgent      Role = "agent"      // 话务员
	RoleLead       Role = "lead"       // 班长
	RoleDispatcher Role = "dispatcher" // 派单员
	RoleQC         Role = "qc"         // 质检员
	RoleFollowUp   Role = "follow_up"  // 回访员
	RoleSupervisor Role = "supervisor" // 督办员
	RoleAnalyst    Role = "analyst"    // 分析员
	RoleClerk      Role = "clerk"      // 经办人
	RoleHead       Role = "head"       // 承办单位负责人
	RoleAdmin      Role = "admin"      // 系统管理员
	RoleSecAdmin   Role = "secadmin"   // 安全管理员
	RoleAuditor    Role = "auditor"    // 审计管理员
	RoleSystem     Role = "system"     // the platform itself: workers, bridge
	RoleCitizen    Role = "citizen"    // the citizen, online
)

// Point is a place on the map. Datum is "wgs84" or "gcj02" and is kept as given.
type Point struct {
	Lon   float64 `json:"lon"`
	Lat   float64 `json:"lat"`
	Datum string  `json:"datum"`
}

// Appeal is what the citizen wants.
type Appeal struct {
	Type        AppealType `json:"type"`
	Title       string     `json:"title"`
	Description string     `json:"description"`
	Category    string     `json:"category"` // code of a category leaf
	District    string     `json:"district"` // code of a district
	Address     string     `json:"address"`
	Location    *Point     `json:"location,omitempty"`
}

// Citizen is who asks. Phone is in the national form without +86.
type Citizen struct {
	Name      string `json:"name"`
	Phone     string `json:"phone"`
	Anonymous bool   `json:"anonymous,omitempty"`
	Elderly   bool   `json:"elderly,omitempty"`
	Disabled  bool   `json:"disabled,omitempty"`
	Proxy     *Proxy `json:"proxy,omitempty"`  // who files on the citizen's behalf
	Erased    bool   `json:"erased,omitempty"` // name and numbers were destroyed
}

// Proxy is who files on somebody's behalf (帮代办).
type Proxy struct {
	Name     string `json:"name"`
	Phone    string `json:"phone"`
	Relation string `json:"relation"` // such as 子女, 网格员
}

// Ticket is the record that carries an appeal through its life.
type Ticket struct {
	ID           string // from birth; UUIDv7
	Number       string // YYYYMMDD-NNNNNN; empty until filed or accepted
	Version      int64  // grows by one with every change
	State        State
	Channel      Channel
	Urgency      Urgency
	Confidential bool
	Line         string // number that was called, such as 12345
	Partition    string // sealed partition, set at birth and never changed; empty for none
	Digit        string // what the caller pressed in the IVR
	Appeal       Appeal
	Citizen      Citizen
	Person       string // the store's name for the key that the citizen is sealed with
	Department   string // code of the lead department; empty before dispatch
	Assignments  []Assignment
	Clocks       []Clock
	Calls        []string // ids of calls
	Operator     string   // user who answered or accepted
	Answer       string   // direct answer, or the department's reply
	Reopened     int      // how often it went back to the department
	AtDesk       bool     // the catalogue names nobody: a dispatcher decides
	Handler      string   // user of the department who handles it
	Designated   bool     // the centre named the department for good (终裁)
	ReviewBy     string   // department that approves the reply next; empty: the centre
	PublicAnswer string   // the reply without personal data
	Rating       int      // the rating that counts: 1 … 5; 0 when there is none
	MergedInto   string   // id of the main ticket
	Tries        int      // calls of the follow-up that were not answered
	NextTryAt    time.Time
	Struck       []string // items that an appeal took out of the assessment
	Records      []Record
	Attachments  []Attachment
	Hold         *Hold // keeps all of it from being erased
	CreatedAt    time.Time
	AcceptedAt   time.Time // also the time of a direct answer
	ResolvedAt   time.Time // when the reply was approved, or the direct answer given
	ClosedAt     time.Time
	UpdatedAt    time.Time
}

// Hold keeps a ticket and all that belongs to it from being erased: it is needed
// as evidence.
type Hold struct {
	Reason string    `json:"reason"`
	By     string    `json:"by"`
	At     time.Time `json:"at"`
}

// Assignment is one dispatch to one department.
type Assignment struct {
	Department   string    `json:"department"`
	Lead         bool      `json:"lead"`
	DispatchedAt time.Time `json:"dispatched_at"`
	DispatchedBy string    `json:"dispatched_by"`
	Reason       string    `json:"reason"` // why this department: catalogue version and entry, or the dispatcher's words
	SignedAt     time.Time `json:"signed_at,omitzero"`
	SignedBy     string    `json:"signed_by,omitempty"`
	From         string    `json:"from,omitempty"`    // department that gave it on (下派); empty: the centre
	Handler      string    `json:"handler,omitempty"` // user of the department who got it
	Level        int       `json:"level,omitempty"`   // of the department: 1 city, 2 district, 3 street
	EndedAt      time.Time `json:"ended_at,omitzero"` // when it was returned, undone or passed on
}

// Attachment is a file that belongs to a ticket.
type Attachment struct {
	ID   string    `json:"id"`
	Name string    `json:"name"`
	Type string    `json:"type"` // media type, sniffed from the content
	Size int64     `json:"size"` // bytes
	Hash string    `json:"hash"` // hex SHA-256; also its key in the blobs
	By   string    `json:"by"`
	At   time.Time `json:"at"`
}

// ClockName names one of a ticket's clocks.
type ClockName string

// The clocks of a ticket.
const (
	ClockAccept     ClockName = "accept"     // filed online → accepted
	ClockDispatch   ClockName = "dispatch"   // accepted → first dispatch
	ClockSign       ClockName = "sign"       // dispatch → sign
	ClockContact    ClockName = "contact"    // sign → first contact with the citizen
	ClockReturn     ClockName = "return"     // dispatch → request for return
	ClockResolve    ClockName = "resolve"    // first dispatch → resolve
	ClockFollowUp   ClockName = "follow_up"  // resolved → follow-up done
	ClockRectify    ClockName = "rectify"    // bad rating → rectified
	ClockSupervise  ClockName = "supervise"  // supervision → its deadline, which the supervisor sets
	ClockLevel      ClockName = "level"      // given on to a department → its reply
	ClockShareSign  ClockName = "share_sign" // co-handling → the assisting department's signature
	ClockShare      ClockName = "share"      // co-handling → the assisting department's answer
	ClockSuspension ClockName = "suspension" // suspension → the moment until which it was approved
)

// Running tells whether the clock has started and not stopped.
func (c Clock) Running() bool { return !c.StartedAt.IsZero() && c.StoppedAt.IsZero() }

// Key names the clock within its ticket: departments that assist, and each
// level, have clocks of their own.
func (c Clock) Key() string { return clockKey(c.Name, c.Department) }

func clockKey(name ClockName, department string) string {
	if department == "" {
		return string(name)
	}
	return string(name) + "@" + department
}

// Clock is one derived time limit. Zero times mean "not yet" or "never".
type Clock struct {
	Name       ClockName
	Department string // whose clock it is, where a ticket has several of one name
	StartedAt  time.Time
	YellowAt   time.Time // 50 % of the limit left
	RedAt      time.Time // 20 % left
	DueAt      time.Time
	StoppedAt  time.Time
	PausedAt   time.Time // a suspension pauses it since; zero when none does
	City       int64     // version of the reference data that it was derived by
	Quiet      bool      // nobody is warned: the matter is handled in the main ticket
	Steps      []Step    // why it is due then
}

// Step is one line of a clock's derivation, in Chinese and English.
type Step struct {
	Zh string `json:"zh"`
	En string `json:"en"`
}

// Level is how far a clock has run.
type Level string

// The warnings of a clock; each is told once.
const (
	Yellow  Level = "yellow"
	Red     Level = "red"
	Overdue Level = "overdue"
)

// Deadline is one moment at which a running clock reaches a level.
type Deadline struct {
	TicketID   string
	Clock      ClockName
	Department string // as of Clock
	Level      Level
	Run        time.Time // when the clock started; a clock that starts anew warns anew
	DueAt      time.Time
}

// Actor is who acts, as far as permission needs it.
type Actor struct {
	UserID      string
	Roles       []Role
	Department  string   // code; empty for staff of the centre
	Departments []string // own and below, for visibility
	CallID      string   // set when a running call is the reason for a look
	Name, Phone string   // of the user, to tell looks at oneself
	Partition   string   // sealed partition that the user belongs to; empty for none
	Districts   []string // the own district, first, and those below it: of the centre, bounds what is seen; none: all
	Lines       []string // likewise
}

// Event is one line of a ticket's history; append-only.
type Event struct {
	ID       int64
	TicketID string
	Version  int64 // the ticket's version after the event
	Type     string
	At       time.Time
	Actor    string // user id, "system" or "citizen"
	Data     json.RawMessage
}

// Outbox topics.
const (
	TopicRoute  = "route"  // key: ticket id; find the department and dispatch
	TopicIndex  = "index"  // key: ticket id + ":" + version; bring the search index up to date
	TopicSealed = "sealed" // key as of index; the same of the index of the sealed partitions
	TopicNotify = "notify" // key: notification id; tell somebody outside the database
	TopicLife   = "life"   // key: what:ticket id:…; a step of a ticket's life that the platform does
)

// OutboxItem is an effect still owed. Gen grows when it has to be queued again.
type OutboxItem struct {
	ID        int64
	Topic     string
	Key       string
	Gen       int
	CreatedAt time.Time
}

// LiveEvent tells open pages that something changed; they fetch it again.
// It never carries personal data.
type LiveEvent struct {
	ID       int64
	Type     string // such as "ticket.changed", "call.offered", "deadline.red"
	Subject  string // id of the ticket or call
	Version  int64
	Audience string // "user:<id>", "department:<code>", "role:<role>" or "staff" (every user of the centre)
	Data     json.RawMessage
	At       time.Time
}

// User is a person with a login.
type User struct {
	ID           string
	Login        string
	Name         string
	Roles        []Role
	Department   string   // code; empty for staff of the centre
	Seat         string   // usual seat, such as 8001
	Version      int64    // grows by one with every change; 0 is not stored yet
	Phone        string   // the user's own, in the national form
	Partition    string   // sealed partition, such as 12388, that is all the user sees; empty for none
	District     string   // of the centre: the district that is all the user sees; empty: all of them
	Lines        []string // of the centre: the lines that are all the user sees; none: all of them
	PasswordHash string   // argon2id in PHC form
	PasswordAt   time.Time
	MustChange   bool // the password was issued by somebody else
	OldHashes    []string
	Second       SecondFactor
	Subject      string // issuer and subject at the identity provider; empty: not bound to one
	Disabled     bool
	CreatedAt    time.Time
}

// SecondFactor is a user's one-time codes by time (TOTP, RFC 6238).
type SecondFactor struct {
	Sealed  []byte   `json:"sealed,omitempty"`  // secret, under the installation's key
	On      bool     `json:"on,omitempty"`      // a first code was given; until then the secret is only proposed
	Backups []string `json:"backups,omitempty"` // hex SHA-256 of the codes that are left
}

// Session is one sign-in. The token itself is never stored.
type Session struct {
	ID        string // to name it by; tells nothing of the token
	TokenHash string // hex SHA-256 of the token
	UserID    string
	Address   string // where from
	Agent     string // program that signed in, as it calls itself
	Way       string // password, totp, backup
	CreatedAt time.Time
	ExpiresAt time.Time
	RevokedAt time.Time
}

// APIKey lets another system in, within its scopes and from its addresses.
type APIKey struct {
	ID        string
	Name      string
	Hash      string   // hex SHA-256 of the key; the key itself is never stored
	Scopes    []Scope  // what it may do
	Sources   []string // prefixes of addresses that it may come from; empty: any
	CreatedBy string
	CreatedAt time.Time
	ExpiresAt time.Time
	RevokedAt time.Time
}

// Scope is what an API key may do.
type Scope string

// The scopes.
const (
	ScopeFile   Scope = "appeals:file" // file appeals and follow them
	ScopeRead   Scope = "tickets:read" // read tickets, the person masked
	ScopeFigure Scope = "figures:read" // read figures
)

// District is a node of the city's area tree.
type District struct {
	Code   string `json:"code"`
	Name   string `json:"name"`
	Parent string `json:"parent,omitempty"`
}

// Department is a node of the tree of units that must act.
type Department struct {
	Code     string `json:"code"`
	Name     string `json:"name"`
	Parent   string `json:"parent,omitempty"`
	District string `json:"district,omitempty"` // empty: the whole city
}

// Category is a node of the classification tree; a leaf has no children.
type Category struct {
	Code   string `json:"code"`
	Name   string `json:"name"`
	Parent string `json:"parent,omitempty"`
}

// CatalogueEntry says who is in charge of a category in a district.
// An empty district stands for the whole city.
type CatalogueEntry struct {
	Category   string `json:"category"`
	District   string `json:"district,omitempty"`
	Department string `json:"department"`
}

// Catalogue is one version of the dispatch catalogue (派单目录).
type Catalogue struct {
	Version int              `json:"version"`
	Entries []CatalogueEntry `json:"entries"`
	Lines   []LineEntry      `json:"lines,omitempty"`
	Rulings []Ruling         `json:"rulings,omitempty"`
	Rules   []RouteRule      `json:"rules,omitempty"`
}

// LineEntry gives all that comes in on a line to one department: a sealed line
// such as 12388.
type LineEntry struct {
	Line       string `json:"line"`
	Department string `json:"department"`
}

// Ruling is the outcome of a dispute that holds for later tickets of the same
// matter: a category in a district, and, where given, words in the text.
type Ruling struct {
	ID         string    `json:"id"` // number of the ticket that was disputed
	Category   string    `json:"category"`
	District   string    `json:"district,omitempty"`
	Words      []string  `json:"words,omitempty"` // any of them
	Department string    `json:"department"`
	Reason     string    `json:"reason"`
	Basis      string    `json:"basis,omitempty"`
	By         string    `json:"by"`
	At         time.Time `json:"at"`
}

// RouteRule sends tickets that match all its conditions to a department, before
// the entries of the catalogue are asked; empty conditions match all.
type RouteRule struct {
	Name       string       `json:"name"`
	Types      []AppealType `json:"types,omitempty"`
	Categories []string     `json:"categories,omitempty"` // leaf or any ancestor
	Districts  []string     `json:"districts,omitempty"`  // likewise
	Lines      []string     `json:"lines,omitempty"`
	Words      []string     `json:"words,omitempty"`     // any of them, in title or description
	Addresses  []string     `json:"addresses,omitempty"` // any of them, in the address
	Department string       `json:"department"`
}

// City is the reference data that one city's platform runs on. Policy and
// Calendar are documents of ticketing/sla in JSON, with their versions inside.
type City struct {
	Name        string          `json:"name"`
	Districts   []District      `json:"districts"`
	Departments []Department    `json:"departments"`
	Categories  []Category      `json:"categories"`
	Catalogue   Catalogue       `json:"catalogue"`
	Policy      json.RawMessage `json:"policy"`
	Calendar    json.RawMessage `json:"calendar"`
	Process     *Process        `json:"process,omitempty"`
}

// Families gives the topmost category above each that has one above it.
func (c City) Families() map[string]string {
	parents := make(map[string]string, len(c.Categories))
	for _, k := range c.Categories {
		parents[k.Code] = k.Parent
	}
	families := make(map[string]string, len(parents))
	for code := range parents {
		top := code
		for steps := 0; parents[top] != "" && steps < len(parents); steps++ {
			top = parents[top]
		}
		if top != code {
			families[code] = top
		}
	}
	return families
}
