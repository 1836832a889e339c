package web

import (
	"context"
	"errors"
	"net/http"
	"time"

	"hotline/telephony"
	"hotline/telephony/survey"
	"hotline/ticketing"
)

// CampaignPlan is what a campaign asks, and how it calls.
type CampaignPlan struct {
	Name          string                 `json:"name" minLength:"1" maxLength:"200"`
	Line          string                 `json:"line" minLength:"1" maxLength:"20" doc:"Whose number citizens see"`
	Mode          telephony.CampaignMode `json:"mode" enum:"automatic,progressive,preview" doc:"automatic asks by voice; progressive gives who picks up to a free operator; preview shows an operator whom to call"`
	Queue         string                 `json:"queue,omitempty" maxLength:"64" doc:"Whose operators talk, of a progressive one"`
	Questionnaire survey.Questionnaire   `json:"questionnaire"`
	Calls         int                    `json:"calls,omitempty" minimum:"0" maximum:"20" doc:"To one contact at most; 3 when not given"`
	RetrySeconds  int                    `json:"retry_s,omitempty" minimum:"0" doc:"Until the next call to one who did not answer; an hour when not given"`
	BusySeconds   int                    `json:"busy_s,omitempty" minimum:"0" doc:"After a busy line; ten minutes when not given"`
	Hours         []string               `json:"hours,omitempty" maxItems:"14" doc:"When citizens may be called, such as workday 09:00-18:00; daily 09:00-20:30 when not given"`
	AtOnce        int                    `json:"at_once,omitempty" minimum:"0" maximum:"200" doc:"Calls at a time, of an automatic one; 10 when not given"`
	Target        int                    `json:"target,omitempty" minimum:"0" doc:"Finished interviews after which it ends; all when not given"`
}

// Campaign calls citizens on a list and asks them a questionnaire.
type Campaign struct {
	ID string `json:"id"`
	CampaignPlan
	State     telephony.CampaignState  `json:"state" doc:"draft, running, paused, ended"`
	By        string                   `json:"by"`
	CreatedAt time.Time                `json:"created_at"`
	StartedAt time.Time                `json:"started_at,omitzero"`
	EndedAt   time.Time                `json:"ended_at,omitzero"`
	Why       string                   `json:"why,omitempty" doc:"Of the end: user, target, list"`
	Contacts  []telephony.ContactCount `json:"contacts,omitempty" doc:"How many are in a state with an outcome"`
}

// Contact is one citizen of a campaign's list.
type Contact struct {
	ID       string                  `json:"id"`
	Campaign string                  `json:"campaign"`
	Number   string                  `json:"number" doc:"Masked"`
	Name     string                  `json:"name,omitempty" doc:"Masked but for the surname, unless it is the operator's own contact"`
	Facts    map[string]string       `json:"facts,omitempty"`
	State    telephony.ContactState  `json:"state" doc:"waiting, taken, over"`
	NotUntil time.Time               `json:"not_until,omitzero" doc:"The next call is not before"`
	Outcome  survey.Outcome          `json:"outcome,omitempty" doc:"Of the last call; at the end of the whole"`
	Calls    []telephony.ContactCall `json:"calls,omitempty"`
	Answers  []survey.Answer         `json:"answers,omitempty"`
	User     string                  `json:"user,omitempty"`
	EndedAt  time.Time               `json:"ended_at,omitzero"`
}

// CampaignRef addresses one campaign.
type CampaignRef struct {
	ID string `path:"id" minLength:"1" maxLength:"64"`
}

// ContactRef addresses one contact.
type ContactRef struct {
	ID string `path:"id" minLength:"1" maxLength:"64"`
}

// CampaignOrder starts, pauses or ends a campaign.
type CampaignOrder struct {
	State telephony.CampaignState `json:"state" enum:"running,paused,ended"`
}

// NewContacts are lines of a list.
type NewContacts struct {
	Contacts []NewContact `json:"contacts" minItems:"1" maxItems:"20000"`
}

// NewContact is one of them.
type NewContact struct {
	Number string            `json:"number" minLength:"1" maxLength:"40"`
	Name   string            `json:"name,omitempty" maxLength:"200"`
	Facts  map[string]string `json:"facts,omitempty" maxProperties:"50"`
}

// AddedContacts says what became of them.
type AddedContacts struct {
	Added int   `json:"added" doc:"Numbers that are on the list already, or are not to be called, are left out"`
	Bad   []int `json:"bad" nullable:"false" doc:"Lines, from 1, that have no number that can be called"`
}

// ContactAnswers are what an operator says has become of a contact.
type ContactAnswers struct {
	Answers []survey.Answer `json:"answers,omitempty" maxItems:"60"`
	Outcome survey.Outcome  `json:"outcome,omitempty" enum:"partial,refused,not_again,no_answer,busy,unreachable" doc:"Where questions are left"`
}

type contactsInput struct {
	CampaignRef
	State   string `query:"state" enum:"waiting,taken,over"`
	Outcome string `query:"outcome" maxLength:"20"`
	After   string `query:"after" maxLength:"64" doc:"Id to go on after"`
	Limit   int    `query:"limit" minimum:"1" maximum:"1000" default:"100"`
}

func (s *Server) campaignRoutes() {
	op := func(method, path, id, summary string, who access) operation {
		return operation{method: method, path: "/api/v1" + path, id: id, tag: "campaigns", who: who, summary: summary}
	}
	handle(s, op(http.MethodGet, "/campaigns", "campaigns", "Survey campaigns, newest first", centre), withCalls(s, s.listCampaigns))
	handle(s, op(http.MethodPost, "/campaigns", "create-campaign", "Make a campaign that calls nobody yet", floor), withCalls(s, s.createCampaign))
	handle(s, op(http.MethodGet, "/campaigns/{id}", "campaign", "One campaign, with how far its list is", centre), withCalls(s, s.getCampaign))
	handle(s, op(http.MethodPut, "/campaigns/{id}", "change-campaign", "Replace what a draft or paused campaign asks and how it calls", floor), withCalls(s, s.changeCampaign))
	handle(s, op(http.MethodPost, "/campaigns/{id}/state", "set-campaign", "Start, pause or end a campaign", floor), withCalls(s, s.setCampaign))
	add := op(http.MethodPost, "/campaigns/{id}/contacts", "add-contacts", "Put citizens on a campaign's list", floor)
	add.maxBody = 1 << 20
	handle(s, add, withCalls(s, s.addContacts))
	handle(s, op(http.MethodGet, "/campaigns/{id}/contacts", "contacts", "A campaign's list, in its order", centre), withCalls(s, s.listContacts))
	handle(s, op(http.MethodPost, "/campaigns/{id}/next", "next-contact", "The next citizen for an operator to call, of a preview campaign", operators), withCalls(s, s.nextContact))
	handle(s, op(http.MethodGet, "/contacts/{id}", "contact", "One citizen of a campaign's list", operators), withCalls(s, s.getContact))
	handle(s, op(http.MethodPost, "/contacts/{id}/call", "call-contact", "Have the own contact called; the operator's phone rings first", operators), withCalls(s, s.callContact))
	handle(s, op(http.MethodPost, "/contacts/{id}/answers", "answer-contact", "What the own contact answered, or what else became of it", operators), withCalls(s, s.answerContact))
	s.campaignResultRoutes(op)
	s.noCallRoutes(op)
}

// campaignOf reads a campaign that is there for the user.
func (s *Server) campaignOf(ctx context.Context, id string) (telephony.Campaign, error) {
	c, err := s.deps.Calls.Campaign(ctx, id)
	if err == nil {
		err = s.there(ctx, c.Line)
	}
	if err != nil {
		return telephony.Campaign{}, err
	}
	return c, nil
}

func (s *Server) listCampaigns(ctx context.Context, _ *struct{}) (*body[[]Campaign], error) {
	all, err := s.deps.Calls.Campaigns(ctx)
	if err != nil {
		return nil, err
	}
	views := []Campaign{}
	for _, c := range all {
		if s.there(ctx, c.Line) == nil {
			views = append(views, campaignView(c, nil))
		}
	}
	return answer(views), nil
}

func (s *Server) getCampaign(ctx context.Context, in *CampaignRef) (*body[Campaign], error) {
	c, err := s.campaignOf(ctx, in.ID)
	if err != nil {
		return nil, err
	}
	counts, err := s.deps.Calls.CountContacts(ctx, c.ID)
	if err != nil {
		return nil, err
	}
	return answer(campaignView(c, counts)), nil
}

func (p CampaignPlan) campaign(id string) telephony.Campaign {
	return telephony.Campaign{
		ID: id, Name: p.Name, Line: p.Line, Mode: p.Mode, Queue: p.Queue, Questionnaire: p.Questionnaire,
		Retry: survey.Retry{Calls: p.Calls, After: time.Duration(p.RetrySeconds) * time.Second, Busy: time.Duration(p.BusySeconds) * time.Second},
		Hours: p.Hours, AtOnce: p.AtOnce, Target: p.Target,
	}
}

func (s *Server) createCampaign(ctx context.Context, in *struct{ Body CampaignPlan }) (*body[Campaign], error) {
	if err := s.there(ctx, in.Body.Line); err != nil {
		return nil, err
	}
	return campaignOr(s.deps.Calls.CreateCampaign(ctx, in.Body.campaign(""), identityOf(ctx).user.ID))
}

type changeCampaignInput struct {
	CampaignRef
	Body CampaignPlan
}

func (s *Server) changeCampaign(ctx context.Context, in *changeCampaignInput) (*body[Campaign], error) {
	if _, err := s.campaignOf(ctx, in.ID); err != nil {
		return nil, err
	}
	if err := s.there(ctx, in.Body.Line); err != nil {
		return nil, err
	}
	return campaignOr(s.deps.Calls.ChangeCampaign(ctx, in.Body.campaign(in.ID)))
}

type setCampaignInput struct {
	CampaignRef
	Body CampaignOrder
}

func (s *Server) setCampaign(ctx context.Context, in *setCampaignInput) (*body[Campaign], error) {
	if _, err := s.campaignOf(ctx, in.ID); err != nil {
		return nil, err
	}
	return campaignOr(s.deps.Calls.SetCampaign(ctx, in.ID, in.Body.State))
}

type addContactsInput struct {
	CampaignRef
	Body NewContacts
}

func (s *Server) addContacts(ctx context.Context, in *addContactsInput) (*body[AddedContacts], error) {
	if _, err := s.campaignOf(ctx, in.ID); err != nil {
		return nil, err
	}
	list := make([]telephony.ListedContact, len(in.Body.Contacts))
	for i, c := range in.Body.Contacts {
		list[i] = telephony.ListedContact{Number: c.Number, Name: c.Name, Facts: c.Facts}
	}
	added, bad, err := s.deps.Calls.AddContacts(ctx, in.ID, list)
	if err != nil {
		return nil, err
	}
	return answer(AddedContacts{Added: added, Bad: append([]int{}, bad...)}), nil
}

func (s *Server) listContacts(ctx context.Context, in *contactsInput) (*body[[]Contact], error) {
	if _, err := s.campaignOf(ctx, in.ID); err != nil {
		return nil, err
	}
	all, err := s.deps.Calls.Contacts(ctx, telephony.ContactFilter{
		Campaign: in.ID, State: telephony.ContactState(in.State), Outcome: survey.Outcome(in.Outcome), After: in.After, Limit: in.Limit,
	})
	if err != nil {
		return nil, err
	}
	return answer(convert(all, contactView)), nil
}

func (s *Server) nextContact(ctx context.Context, in *CampaignRef) (*body[Contact], error) {
	if _, err := s.campaignOf(ctx, in.ID); err != nil {
		return nil, err
	}
	c, err := s.deps.Calls.TakeContact(ctx, in.ID, identityOf(ctx).user.ID)
	if err != nil {
		return nil, err
	}
	v := contactView(c)
	v.Name = c.Name // who calls has to know whom to ask for
	return answer(v), nil
}

func (s *Server) getContact(ctx context.Context, in *ContactRef) (*body[Contact], error) {
	c, err := s.deps.Calls.Contact(ctx, in.ID)
	if err != nil {
		return nil, err
	}
	if _, err := s.campaignOf(ctx, c.Campaign); err != nil {
		return nil, err
	}
	return answer(contactView(c)), nil
}

// SeatChoice is the seat whose phone rings; the user's own when empty.
type SeatChoice struct {
	Seat string `json:"seat,omitempty" maxLength:"20"`
}

type callContactInput struct {
	ContactRef
	Body SeatChoice
}

func (s *Server) callContact(ctx context.Context, in *callContactInput) (*body[DialledCall], error) {
	id, err := s.deps.Calls.CallContact(ctx, in.ID, identityOf(ctx).user.ID, in.Body.Seat)
	if err != nil {
		return nil, err
	}
	return answer(DialledCall{ID: id}), nil
}

type answerContactInput struct {
	ContactRef
	Body ContactAnswers
}

func (s *Server) answerContact(ctx context.Context, in *answerContactInput) (*body[Contact], error) {
	c, err := s.deps.Calls.AnswerContact(ctx, in.ID, identityOf(ctx).user.ID, in.Body.Answers, in.Body.Outcome)
	if err != nil {
		return nil, explained(err)
	}
	return answer(contactView(c)), nil
}

func campaignOr(c telephony.Campaign, err error) (*body[Campaign], error) {
	if err != nil {
		return nil, explained(err)
	}
	return answer(campaignView(c, nil)), nil
}

// explained tells what is wrong with what was sent, where nothing personal can be in it.
func explained(err error) error {
	if errors.Is(err, telephony.ErrInvalid) {
		return problem(http.StatusUnprocessableEntity, "invalid", mask(err.Error()))
	}
	return err
}

func campaignView(c telephony.Campaign, counts []telephony.ContactCount) Campaign {
	return Campaign{
		ID: c.ID, CampaignPlan: CampaignPlan{
			Name: c.Name, Line: c.Line, Mode: c.Mode, Queue: c.Queue, Questionnaire: c.Questionnaire, Calls: c.Retry.Calls,
			RetrySeconds: int(c.Retry.After / time.Second), BusySeconds: int(c.Retry.Busy / time.Second), Hours: c.Hours, AtOnce: c.AtOnce, Target: c.Target,
		},
		State: c.State, By: c.By, CreatedAt: cst(c.CreatedAt), StartedAt: cst(c.StartedAt), EndedAt: cst(c.EndedAt), Why: c.Why, Contacts: counts,
	}
}

func contactView(c telephony.Contact) Contact {
	return Contact{
		ID: c.ID, Campaign: c.Campaign, Number: maskPhone(c.Number), Name: ticketing.MaskName(c.Name), Facts: c.Facts, State: c.State, NotUntil: cst(c.NotUntil),
		Outcome: c.Outcome, Calls: c.Calls, Answers: c.Answers, User: c.User, EndedAt: cst(c.EndedAt),
	}
}
