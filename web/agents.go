package web

import (
	"context"
	"net/http"
	"slices"
	"strings"

	"hotline/telephony"
	"hotline/ticketing"
)

// AgentStatus is what a person at a seat says.
type AgentStatus struct {
	Status string `json:"status" enum:"ready,break,offline"`
	Reason string `json:"reason,omitempty" maxLength:"100"`
	Seat   string `json:"seat,omitempty" maxLength:"20" doc:"Where I sit today; my usual seat when left out"`
}

type statusInput struct {
	Body AgentStatus
}

// ForcedStatus is what a lead says in place of the person at a seat.
type ForcedStatus struct {
	Status string `json:"status" enum:"ready,break,offline"`
	Reason string `json:"reason,omitempty" maxLength:"100" doc:"The person sees it"`
}

type forcedInput struct {
	Seat string `path:"seat" minLength:"1" maxLength:"20"`
	Body ForcedStatus
}

// PersonSkills are what a person is able to do.
type PersonSkills struct {
	User     string           `json:"user"`
	UserName string           `json:"user_name,omitempty"`
	Skills   telephony.Skills `json:"skills" doc:"Levels from 1 to 9, by skill" nullable:"false"`
}

type skillsInput struct {
	User string `path:"user" minLength:"1" maxLength:"64"`
	Body struct {
		Skills telephony.Skills `json:"skills" doc:"Levels from 1 to 9, by skill; they replace what was known" nullable:"false"`
	}
}

func (s *Server) agentRoutes() {
	op := func(method, path, id, summary string, who access) operation {
		return operation{method: method, path: "/api/v1" + path, id: id, tag: "calls", who: who, summary: summary}
	}
	handle(s, op(http.MethodGet, "/agents", "agents", "Seats as they stand now", centre), withCalls(s, s.agents))
	handle(s, op(http.MethodPut, "/agents/me/status", "set-status", "Say whether I take calls", holding(ticketing.RightSeatStatus)), withCalls(s, s.setStatus))
	handle(s, op(http.MethodPut, "/agents/{seat}/status", "force-status", "Set a seat's status in place of its person, such as one who left without a word; it is put on record",
		floor), withCalls(s, s.forceStatus))
	handle(s, op(http.MethodGet, "/skills", "skills", "What people are able to do", centre), withCalls(s, s.listSkills))
	handle(s, op(http.MethodPut, "/users/{user}/skills", "set-skills", "Say what a person is able to do; queues' rules ask for it", floor), withCalls(s, s.setSkills))
}

func (s *Server) agents(ctx context.Context, _ *struct{}) (*body[Page[Agent]], error) {
	hidden := s.hiddenSeats(ctx)
	shown := slices.DeleteFunc(s.deps.Calls.Agents(), func(a telephony.AgentState) bool { return hidden[a.Seat] })
	return page(convert(shown, func(a telephony.AgentState) Agent {
		return Agent{
			Seat: a.Seat, User: a.User, UserName: s.names.of(ctx, a.User), Status: a.Presence, Reason: a.Reason,
			Registered: a.Registered, State: string(a.State), Since: cst(a.Since), Until: cst(a.Until), CallID: a.CallID,
			Lead: a.Lead, Skills: a.Skills, Calls: a.Calls, TalkedMS: a.Talked.Milliseconds(),
		}
	})), nil
}

func (s *Server) setStatus(ctx context.Context, in *statusInput) (*struct{}, error) {
	me := identityOf(ctx).user
	seat := in.Body.Seat
	def(&seat, me.Seat)
	if seat == "" {
		p := byStatus(http.StatusUnprocessableEntity)
		p.Errors = []FieldError{{Location: "body.seat", Message: "you have no usual seat; say where you sit", MessageZh: "您没有固定座席，请填写座席号"}}
		return nil, p
	}
	return nil, s.deps.Calls.SetStatus(ctx, me.ID, seat, telephony.Status{Presence: telephony.Presence(in.Body.Status), Reason: in.Body.Reason})
}

func (s *Server) forceStatus(ctx context.Context, in *forcedInput) (*struct{}, error) {
	lead := identityOf(ctx).user.ID
	return nil, s.deps.Calls.ForceStatus(ctx, lead, in.Seat, telephony.Status{Presence: telephony.Presence(in.Body.Status), Reason: in.Body.Reason})
}

func (s *Server) listSkills(ctx context.Context, _ *struct{}) (*body[Page[PersonSkills]], error) {
	all, err := s.deps.Calls.Skills(ctx)
	if err != nil {
		return nil, err
	}
	people := make([]PersonSkills, 0, len(all))
	for user, skills := range all {
		people = append(people, PersonSkills{User: user, UserName: s.names.of(ctx, user), Skills: skills})
	}
	slices.SortFunc(people, func(a, b PersonSkills) int { return strings.Compare(a.User, b.User) })
	return page(people), nil
}

func (s *Server) setSkills(ctx context.Context, in *skillsInput) (*struct{}, error) {
	if _, err := s.deps.Users.User(ctx, in.User); absent(err) {
		return nil, byStatus(http.StatusNotFound).because(err)
	} else if err != nil {
		return nil, err
	}
	return nil, s.deps.Calls.SetSkills(ctx, in.User, in.Body.Skills, identityOf(ctx).user.ID)
}
