package web

import (
	"context"
	"crypto/tls"
	"encoding/json"
	"io"
	"io/fs"
	"log/slog"
	"net/netip"
	"time"

	"github.com/prometheus/client_golang/prometheus"

	"hotline/search"
	"hotline/search/address"
	"hotline/search/gather"
	"hotline/search/warning"
	"hotline/telephony"
	"hotline/telephony/survey"
	"hotline/ticketing"
	"hotline/ticketing/ledger"
)

// Tickets is what web needs of the work orders; *ticketing.Service has it.
type Tickets interface {
	OpenDraft(ctx context.Context, who ticketing.Actor, in ticketing.DraftInput) (ticketing.Ticket, error)
	Edit(ctx context.Context, who ticketing.Actor, ref string, version int64, patch ticketing.Patch) (ticketing.Ticket, error)
	Act(ctx context.Context, who ticketing.Actor, ref string, cmd ticketing.Command) (ticketing.Ticket, error)
	Ticket(ctx context.Context, who ticketing.Actor, ref string) (ticketing.Ticket, error)
	Open(ctx context.Context, who ticketing.Actor, ref string) (ticketing.Ticket, error)
	Tickets(ctx context.Context, who ticketing.Actor, f ticketing.Filter) (ticketing.Page, error)
	Clocks(ctx context.Context, who ticketing.Actor, ref string) ([]ticketing.Clock, error)
	Timeline(ctx context.Context, who ticketing.Actor, ref string) ([]ticketing.Event, error)
	Actions(who ticketing.Actor, t ticketing.Ticket) []ticketing.ActionState
	Earlier(ctx context.Context, who ticketing.Actor, ref string) ([]ticketing.Ticket, error)
	Reveal(ctx context.Context, who ticketing.Actor, ref, reason string) (ticketing.Citizen, error)
	Reads(ctx context.Context, who ticketing.Actor, ref string) ([]ticketing.Read, error)
	ExportTickets(ctx context.Context, who ticketing.Actor, f ticketing.Filter, purpose string) (ticketing.Export, error)
	ErasePerson(ctx context.Context, who ticketing.Actor, ref, reason string) (ticketing.Erasure, error)
	Retention(ctx context.Context, who ticketing.Actor) ([]ticketing.Retention, []ticketing.RetentionReport, error)
	HoldTicket(ctx context.Context, who ticketing.Actor, ref, reason string) error
	ReleaseTicket(ctx context.Context, who ticketing.Actor, ref, reason string) error
	RecordRead(ctx context.Context, who ticketing.Actor, ref, what, reason string) error
	OfNumber(ctx context.Context, who ticketing.Actor, phone string) ([]ticketing.Ticket, error)
	OfTail(ctx context.Context, who ticketing.Actor, digits string) ([]string, error)
	ByCall(ctx context.Context, who ticketing.Actor, callID string) ([]ticketing.Ticket, error)
	Impersonal(ctx context.Context, who ticketing.Actor, ref string) (ticketing.Ticket, error)
	Notifications(ctx context.Context, who ticketing.Actor) ([]ticketing.Notification, error)
	Tell(ctx context.Context, kind, subject string, audiences ...string) error
	Stats(ctx context.Context, who ticketing.Actor, from, to time.Time) (ticketing.TicketStats, error)
	People(ctx context.Context, who ticketing.Actor, f ticketing.Filter) (ticketing.PeopleFigures, error)
	City(ctx context.Context) (ticketing.City, error)
	File(ctx context.Context, in ticketing.Filing) (ticketing.Filed, error)
	Progress(ctx context.Context, number, code string) (ticketing.Progress, error)
	CitizenAct(ctx context.Context, number, code string, cmd ticketing.Command) (ticketing.Progress, error)
	Try(ctx context.Context, who ticketing.Actor, ref string, cmd ticketing.Command) (ticketing.Ticket, error)
	Records(ctx context.Context, who ticketing.Actor, f ticketing.RecordFilter) (ticketing.RecordPage, error)
	Suggest(ctx context.Context, who ticketing.Actor, ref string) (ticketing.RouteSuggestion, error)
	TakeLease(ctx context.Context, who ticketing.Actor, ref string) (ticketing.Lease, error)
	LeaseOf(ctx context.Context, who ticketing.Actor, ref string) (ticketing.Lease, error)
	EndLease(ctx context.Context, who ticketing.Actor, ref string) error
	SaveFormDraft(ctx context.Context, who ticketing.Actor, d ticketing.FormDraft) (ticketing.FormDraft, error)
	FormDraft(ctx context.Context, who ticketing.Actor, key string) (ticketing.FormDraft, error)
	FormDrafts(ctx context.Context, who ticketing.Actor) ([]ticketing.FormDraft, error)
	DropFormDraft(ctx context.Context, who ticketing.Actor, key string) error
	Templates(ctx context.Context, who ticketing.Actor) ([]ticketing.Template, error)
	SaveTemplate(ctx context.Context, who ticketing.Actor, t ticketing.Template) (ticketing.Template, error)
	DropTemplate(ctx context.Context, who ticketing.Actor, id string) error
	LinkCall(ctx context.Context, who ticketing.Actor, ref, callID string) error
	Attach(ctx context.Context, who ticketing.Actor, ref string, file ticketing.Attachment) (ticketing.Attachment, error)
	Attachment(ctx context.Context, who ticketing.Actor, ref, id string) (ticketing.Attachment, error)
	Detach(ctx context.Context, who ticketing.Actor, ref, id string) error
	NumberToCall(ctx context.Context, who ticketing.Actor, ref string) (string, error)
	PreviewCatalogue(ctx context.Context, who ticketing.Actor, c ticketing.Catalogue) (ticketing.CataloguePreview, error)
	SaveCatalogue(ctx context.Context, who ticketing.Actor, c ticketing.Catalogue) error
	CityVersions(ctx context.Context, who ticketing.Actor) ([]ticketing.CityVersion, error)
}

// Users keeps people and their sessions; ticketing/sqlstore has it.
type Users interface {
	User(ctx context.Context, id string) (ticketing.User, error)
	UserByLogin(ctx context.Context, login string) (ticketing.User, error)
	UserBySubject(ctx context.Context, subject string) (ticketing.User, error)
	Users(ctx context.Context) ([]ticketing.User, error)
	SaveUser(ctx context.Context, u ticketing.User, beside ticketing.Change) error
	UseStep(ctx context.Context, userID string, step int64) (bool, error)
	Sessions(ctx context.Context, userID string, now time.Time) ([]ticketing.Session, error)
	RevokeSessions(ctx context.Context, userID string, at time.Time) error
	APIKey(ctx context.Context, hash string) (ticketing.APIKey, error)
	APIKeys(ctx context.Context) ([]ticketing.APIKey, error)
	SaveAPIKey(ctx context.Context, k ticketing.APIKey, beside ticketing.Change) error
	SaveSession(ctx context.Context, s ticketing.Session) error
	Session(ctx context.Context, tokenHash string) (ticketing.Session, error)
	RevokeSession(ctx context.Context, tokenHash string, at time.Time) error
}

// Ledger is the record of who did and saw what.
type Ledger interface {
	Record(ctx context.Context, e ledger.Entry) error
	Ledger(ctx context.Context, who ticketing.Actor, f ticketing.LedgerFilter) ([]ledger.Entry, error)
	Unusual(ctx context.Context, who ticketing.Actor, from, to time.Time, w ticketing.WatchSettings) ([]ticketing.Suspicion, error)
}

// Keys seal secrets that the server has to read again; *keyring.Ring has it.
type Keys interface {
	Seal(plain []byte, about string) ([]byte, error)
	Open(sealed []byte, about string) ([]byte, error)
}

// Live is the log of live events; ticketing/sqlstore has it.
type Live interface {
	// LiveEvents lists events after one, in an order in which none appears
	// before one that was listed.
	LiveEvents(ctx context.Context, after int64, limit int) ([]ticketing.LiveEvent, error)
	LastLiveEvent(ctx context.Context) (int64, error)
	Subscribe(topic string) (wake <-chan struct{}, cancel func())
}

// Index finds tickets; *search.Index has it.
type Index interface {
	Search(ctx context.Context, q search.Query) (search.Result, error)
	Similar(ctx context.Context, q search.SimilarQuery) ([]search.Similar, error)
	Tabulate(ctx context.Context, q search.TableQuery) (search.Table, error)
	Words(ctx context.Context, q search.WordQuery) (words []search.Word, titles int, err error)
}

// Alerts are those of the early warning; search/sqlstore has them.
type Alerts interface {
	Alert(ctx context.Context, id string) (warning.Alert, error)
	Alerts(ctx context.Context, f warning.Filter) (warning.Page, error)
	SaveAlert(ctx context.Context, a warning.Alert) error
}

// Topics keeps what several people report of one place; search/sqlstore has it.
type Topics interface {
	Topic(ctx context.Context, id string) (gather.Topic, error)
	Topics(ctx context.Context, f gather.Filter) (gather.Page, error)
	Memberships(ctx context.Context, tickets []string) ([]gather.Member, error)
	Members(ctx context.Context, topic string, limit int) ([]gather.Member, int, error)
	Days(ctx context.Context, topics []string, from, to time.Time) ([]gather.Day, error)
	Follow(ctx context.Context, topic, user string, on bool) error
	Followers(ctx context.Context, topic string) ([]string, error)
}

// Gatherer changes topics by hand; *gather.Gatherer has it.
type Gatherer interface {
	Rename(ctx context.Context, id string, version int64, name, by string, now time.Time) (gather.Topic, error)
	Join(ctx context.Context, id string, version int64, other, by string, now time.Time) (gather.Topic, error)
	Split(ctx context.Context, id string, version int64, tickets []string, by string, now time.Time) (t, other gather.Topic, err error)
}

// Calls is what web needs of the call centre; *telephony.Center has it.
type Calls interface {
	Calls(ctx context.Context, f telephony.CallFilter) (telephony.CallPage, error)
	Call(ctx context.Context, id string) (telephony.CDR, error)
	// NodeOf is the URL of the API of the node that has a call or a callback; "" is here, or nowhere.
	NodeOf(ctx context.Context, id string) string
	Recording(ctx context.Context, callID string) (io.ReadSeekCloser, telephony.Recording, error)
	Hangup(ctx context.Context, callID, user string) error
	AddParty(ctx context.Context, callID, number, user string) (partyID string, err error)
	DropParty(ctx context.Context, callID, partyID, user string) error
	HandOver(ctx context.Context, callID, partyID, user string) error
	Dial(ctx context.Context, user, seat, number string) (callID string, err error)
	Hold(ctx context.Context, callID, user string) error
	Resume(ctx context.Context, callID, user string) error
	Mute(ctx context.Context, callID, user string) error
	Unmute(ctx context.Context, callID, user string) error
	Transfer(ctx context.Context, callID, number, user string) error
	AskRating(ctx context.Context, callID, user string) error
	Supervise(ctx context.Context, callID, supervisor, seat string, how telephony.Supervision) (partyID string, err error)
	SetSupervision(ctx context.Context, callID, partyID, user string, how telephony.Supervision) error
	EndSupervision(ctx context.Context, callID, partyID, user string) error
	TakeOver(ctx context.Context, callID, partyID string) error
	ProposeBlock(ctx context.Context, callID, user, reason string) (telephony.Block, error)
	ConfirmBlock(ctx context.Context, id, lead string, term time.Duration) (telephony.Block, error)
	LiftBlock(ctx context.Context, id, lead, reason string) (telephony.Block, error)
	PlanShifts(ctx context.Context, from, to time.Time, shifts []telephony.Shift, user string) ([]telephony.Shift, error)
	Attendances(ctx context.Context, from, to time.Time) (telephony.RosterReport, error)
	Announce(ctx context.Context, a telephony.Announcement) (telephony.Announcement, error)
	TakeOff(ctx context.Context, line, user string) error
	Announcements() []telephony.Announcement
	Sealed() map[string][]string
	Callback(ctx context.Context, id string) (telephony.Callback, error)
	Callbacks(ctx context.Context, f telephony.CallbackFilter) (telephony.CallbackPage, error)
	ReturnMissed(ctx context.Context, callID, user string) (telephony.Callback, error)
	WithdrawCallback(ctx context.Context, id, user string) (telephony.Callback, error)
	CreateCampaign(ctx context.Context, c telephony.Campaign, user string) (telephony.Campaign, error)
	ChangeCampaign(ctx context.Context, c telephony.Campaign) (telephony.Campaign, error)
	Campaign(ctx context.Context, id string) (telephony.Campaign, error)
	Campaigns(ctx context.Context) ([]telephony.Campaign, error)
	SetCampaign(ctx context.Context, id string, state telephony.CampaignState) (telephony.Campaign, error)
	AddContacts(ctx context.Context, campaign string, list []telephony.ListedContact) (added int, bad []int, err error)
	Contacts(ctx context.Context, f telephony.ContactFilter) ([]telephony.Contact, error)
	CountContacts(ctx context.Context, campaign string) ([]telephony.ContactCount, error)
	Contact(ctx context.Context, id string) (telephony.Contact, error)
	TakeContact(ctx context.Context, campaign, user string) (telephony.Contact, error)
	CallContact(ctx context.Context, contact, user, seat string) (callID string, err error)
	AnswerContact(ctx context.Context, contact, user string, answers []survey.Answer, outcome survey.Outcome) (telephony.Contact, error)
	ForbidCalls(ctx context.Context, number, reason, user string) (telephony.NoCall, error)
	AllowCalls(ctx context.Context, number string) error
	NoCalls(ctx context.Context, after string, limit int) ([]telephony.NoCall, error)
	Block(ctx context.Context, id string) (telephony.Block, error)
	Blocks(ctx context.Context, f telephony.BlockFilter) (telephony.BlockPage, error)
	PauseRecording(ctx context.Context, callID, user string) error
	ResumeRecording(ctx context.Context, callID, user string) error
	SetStatus(ctx context.Context, user, seat string, status telephony.Status) error
	ForceStatus(ctx context.Context, lead, seat string, status telephony.Status) error
	SetSkills(ctx context.Context, user string, s telephony.Skills, lead string) error
	Skills(ctx context.Context) (map[string]telephony.Skills, error)
	Agents() []telephony.AgentState
	Queues() []telephony.QueueState
	Lines() []telephony.Line
	Missed(ctx context.Context, f telephony.MissedFilter) (telephony.MissedPage, error)
	HandleMissed(ctx context.Context, callID, user string) error
	Stats(ctx context.Context, from, to time.Time, opts telephony.StatsOptions) (telephony.CallStats, error)
}

// Deps is what the server stands on. Calls and Index may be nil on a node
// without those parts; their addresses then answer 503.
type Deps struct {
	Tickets    Tickets
	Users      Users
	Ledger     Ledger
	Keys       Keys
	Live       Live
	Index      Index
	Sealed     Index // of the sealed partitions
	Alerts     Alerts
	Topics     Topics
	Gatherer   Gatherer
	Calls      Calls
	Saved      search.SavedSearches                       // nil: none are kept
	Lists      search.Lists                               // nil: the city has none
	Places     func() *address.Gazetteer                  // the places in force; nil: none
	Vocabulary func() *search.Vocabulary                  // what the city calls things; nil: words and phrases alone are searched
	Classifier Classifier                                 // nil: nothing is proposed
	SSO        SSO                                        // nil: people sign in here alone
	Assistant  Assistant                                  // nil: no language model is asked
	Blobs      Blobs                                      // nil: no attachments
	Health     func(ctx context.Context) map[string]error // nil error: the part is well
	Metrics    prometheus.Gatherer                        // nil: /metrics is empty
	Pages      fs.FS                                      // nil: the embedded pages
}

// Options tune the server; the zero value works.
type Options struct {
	Addr              string      // host:port; 127.0.0.1:8080 when empty
	TLSCert, TLSKey   string      // both or none
	TLS               *tls.Config // in place of the files
	Log               *slog.Logger
	Now               func() time.Time
	Version           string
	TrustedProxies    []netip.Prefix   // whose X-Forwarded-For is believed
	MetricsFrom       []netip.Prefix   // who may read /metrics; loopback and private networks when nil
	Limiter           Limiter          // in memory when nil
	SessionLife       time.Duration    // 12 h
	PerUser           Rate             // requests of one user or key of a system; none when zero
	PasswordAge       time.Duration    // after which a password has to be changed; 0: never
	SecondFactor      []ticketing.Role // whose users have to have one
	SSO               SSOOptions
	Scanner           Scanner              // of attachments; nil: they are known by their type alone
	Working           func(time.Time) bool // whether departments work at a moment; nil: always
	BodyLimit         int                  // bytes, 1 MiB
	RequestTimeout    time.Duration        // 15 s
	Heartbeat         time.Duration        // 15 s
	HashesAtOnce      int                  // passwords checked at once, 2
	StreamsPerUser    int                  // 12
	Streams           int                  // 5,000 in all
	StreamBuffer      int                  // events that may wait for one stream, 256
	SignInPerLogin    Rate                 // failures: 10 per 10 min and login and address; ten times that per login
	SignInPerAddress  Rate                 // failures: 300 per 10 min; an office may share one address
	PublicPerAddress  Rate                 // filings: 20 per hour
	FilingsPerKey     Rate                 // filings of one API key: 600 per minute
	ProgressPerClient Rate                 // look-ups: 60 per 10 min
	Registerer        prometheus.Registerer
}

func (o Options) withDefaults() Options {
	def(&o.Addr, "127.0.0.1:8080")
	if o.Log == nil {
		o.Log = slog.New(slog.DiscardHandler)
	}
	if o.Now == nil {
		o.Now = time.Now
	}
	def(&o.Version, "dev")
	def(&o.SessionLife, 12*time.Hour)
	def(&o.BodyLimit, 1<<20)
	def(&o.RequestTimeout, 15*time.Second)
	def(&o.Heartbeat, 15*time.Second)
	def(&o.HashesAtOnce, 2)
	def(&o.StreamsPerUser, 12)
	def(&o.Streams, 5000)
	def(&o.StreamBuffer, 256)
	def(&o.SignInPerLogin, Rate{10, 10 * time.Minute})
	def(&o.SignInPerAddress, Rate{300, 10 * time.Minute})
	def(&o.PublicPerAddress, Rate{20, time.Hour})
	def(&o.FilingsPerKey, Rate{600, time.Minute})
	def(&o.ProgressPerClient, Rate{60, 10 * time.Minute})
	if o.Limiter == nil {
		o.Limiter = NewMemoryLimiter(o.Now)
	}
	if o.MetricsFrom == nil {
		for _, p := range []string{"127.0.0.0/8", "10.0.0.0/8", "172.16.0.0/12", "192.168.0.0/16", "::1/128", "fc00::/7"} {
			o.MetricsFrom = append(o.MetricsFrom, netip.MustParsePrefix(p))
		}
	}
	return o
}

func def[T comparable](v *T, d T) {
	var zero T
	if *v == zero {
		*v = d
	}
}

// raw is JSON that somebody else wrote.
type raw = json.RawMessage
