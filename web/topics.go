package web

import (
	"context"
	"errors"
	"net/http"
	"slices"
	"time"

	"hotline/search"
	"hotline/search/gather"
	"hotline/search/warning"
	"hotline/ticketing"
)

// Topic is what several people report of one place.
type Topic struct {
	ID        string         `json:"id"`
	Version   int64          `json:"version"`
	Name      string         `json:"name" doc:"By its tickets, or given by hand"`
	Words     []string       `json:"words" nullable:"false" doc:"That most of its tickets have, and few others"`
	Category  string         `json:"category" doc:"Leaf that most of its tickets have; so are district and place"`
	District  string         `json:"district"`
	Place     string         `json:"place"`
	Location  *TopicLocation `json:"location,omitempty"`
	Members   int            `json:"members" doc:"How many tickets"`
	People    int            `json:"people" doc:"How many people filed them"`
	Bad       int            `json:"bad" doc:"Answers that were rated badly"`
	PerMonth  float64        `json:"per_month" doc:"People a month while it lasted"`
	Heat      float64        `json:"heat" doc:"People, how fast they came, bad ratings, one place; halves in 180 days after the last ticket"`
	Week      int            `json:"week" doc:"Tickets of the last seven days"`
	WeekUntil int            `json:"week_until" doc:"Tickets of the seven days before"`
	First     time.Time      `json:"first"`
	Last      time.Time      `json:"last"`
	Into      string         `json:"into,omitempty" doc:"The topic that this one was joined to"`
}

// TopicLocation is where a topic is, in degrees of GCJ-02.
type TopicLocation struct {
	Lon float64 `json:"lon"`
	Lat float64 `json:"lat"`
}

// TopicDetail is a topic with all that belongs to it.
type TopicDetail struct {
	Topic
	Followed bool        `json:"followed" doc:"By the user"`
	Days     []TopicDay  `json:"days" nullable:"false" doc:"Of the last 180 days, those with tickets"`
	Tickets  []Ticket    `json:"tickets" nullable:"false" doc:"The newest, those the user may see; their answers are the replies so far"`
	Hotspots []Hotspot   `json:"hotspots" nullable:"false" doc:"Alerts of this topic"`
	Steps    []TopicStep `json:"steps" nullable:"false" doc:"What people did to it"`
}

// TopicDay is a day with tickets.
type TopicDay struct {
	Day   string `json:"day"`
	Count int    `json:"count"`
}

// TopicStep is what somebody did to a topic.
type TopicStep struct {
	At     time.Time `json:"at"`
	By     string    `json:"by" doc:"User id"`
	ByName string    `json:"by_name"`
	What   string    `json:"what" enum:"named,joined,split,begun"`
	With   string    `json:"with,omitempty" doc:"Id of the other topic, or the name before"`
}

type topicsInput struct {
	Q        string    `query:"q" maxLength:"60" doc:"A part of the name"`
	District []string  `query:"district,explode" maxItems:"100"`
	Category []string  `query:"category,explode" maxItems:"100" doc:"Leaf"`
	Followed bool      `query:"followed" doc:"Those that I follow"`
	Ticket   string    `query:"ticket" maxLength:"64" doc:"The topic of a ticket"`
	Since    time.Time `query:"since" doc:"With a ticket at or after"`
	Sort     string    `query:"sort" enum:"heat,newest,members" default:"heat"`
	Limit    int       `query:"limit" minimum:"1" maximum:"200" default:"50"`
	Cursor   string    `query:"cursor" maxLength:"200"`
}

// TopicRef addresses a topic.
type TopicRef struct {
	ID string `path:"id" minLength:"1" maxLength:"64"`
}

// TopicName is a name that stays.
type TopicName struct {
	Version int64  `json:"version" minimum:"1"`
	Name    string `json:"name" minLength:"1" maxLength:"60"`
}

// TopicJoin names what is joined.
type TopicJoin struct {
	Version int64  `json:"version" minimum:"1"`
	Other   string `json:"other" minLength:"1" maxLength:"64" doc:"The topic that becomes part of this one"`
}

// TopicSplit names what is taken out.
type TopicSplit struct {
	Version int64    `json:"version" minimum:"1"`
	Tickets []string `json:"tickets" minItems:"1" maxItems:"200" nullable:"false" doc:"Ids of tickets that get a topic of their own"`
}

func (s *Server) topicRoutes() {
	op := func(method, path, id, summary, right string) operation {
		return operation{method: method, path: "/api/v1/topics" + path, id: id, tag: "hotspots", who: holding(right), summary: summary}
	}
	handle(s, op(http.MethodGet, "", "topics", "What several people report of one place, the hottest first", ticketing.RightHotspots), s.topics)
	handle(s, op(http.MethodGet, "/{id}", "topic", "One topic, with its days, tickets and alerts", ticketing.RightHotspots), s.topic)
	handle(s, op(http.MethodPost, "/{id}/name", "name-topic", "Give a topic a name that stays", ticketing.RightHotspotAct), s.nameTopic)
	handle(s, op(http.MethodPost, "/{id}/join", "join-topic", "Make another topic part of this one", ticketing.RightHotspotAct), s.joinTopic)
	handle(s, op(http.MethodPost, "/{id}/split", "split-topic", "Take tickets out, to a topic of their own; the two stay apart. Answers the new one", ticketing.RightHotspotAct), s.splitTopic)
	handle(s, op(http.MethodPut, "/{id}/follow", "follow-topic", "Be told of new tickets of a topic", ticketing.RightHotspots), s.followTopic)
	handle(s, op(http.MethodDelete, "/{id}/follow", "unfollow-topic", "Be told no more", ticketing.RightHotspots), s.unfollowTopic)
}

func (s *Server) topics(ctx context.Context, in *topicsInput) (*body[Page[Topic]], error) {
	who := actorOf(ctx)
	out := Page[Topic]{Items: []Topic{}}
	if in.Ticket != "" {
		t, err := s.topicOfTicket(ctx, who, in.Ticket)
		if err != nil || t == nil {
			return answer(out), err
		}
		out.Items, err = s.topicViews(ctx, []gather.Topic{*t})
		out.Total = 1
		return answer(out), err
	}
	f := gather.Filter{Name: in.Q, Since: in.Since, Sort: gather.Sort(in.Sort), Limit: in.Limit, Cursor: in.Cursor}
	if in.Followed {
		f.FollowedBy = who.UserID
	}
	if len(in.Category) > 0 {
		f.Categories = list[string](in.Category)
	}
	var asked []string
	if len(in.District) > 0 {
		asked = list[string](in.District)
	}
	f.Districts = districtsSeen(who, asked)
	found, err := s.deps.Topics.Topics(ctx, f)
	if err != nil {
		return nil, err
	}
	out.NextCursor, out.Total = found.Next, found.Total
	out.Items, err = s.topicViews(ctx, found.Items)
	return answer(out), err
}

// topicOfTicket is the topic that a ticket is in; nil where it is alone.
func (s *Server) topicOfTicket(ctx context.Context, who ticketing.Actor, ref string) (*gather.Topic, error) {
	ticket, err := s.deps.Tickets.Ticket(ctx, who, ref)
	if err != nil {
		return nil, err
	}
	known, err := s.deps.Topics.Memberships(ctx, []string{ticket.ID})
	if err != nil || len(known) == 0 || known[0].Topic == "" {
		return nil, err
	}
	t, err := s.topicSeen(ctx, known[0].Topic)
	if errors.Is(err, gather.ErrNotFound) {
		return nil, nil
	}
	return &t, err
}

// topicSeen reads a topic that the user may see.
func (s *Server) topicSeen(ctx context.Context, id string) (gather.Topic, error) {
	t, err := s.deps.Topics.Topic(ctx, id)
	if err != nil {
		return t, err
	}
	if seen := districtsSeen(actorOf(ctx), nil); seen != nil && !slices.Contains(seen, t.District) {
		return t, gather.ErrNotFound
	}
	return t, nil
}

func (s *Server) topic(ctx context.Context, in *TopicRef) (*body[TopicDetail], error) {
	t, err := s.topicSeen(ctx, in.ID)
	if err != nil {
		return nil, err
	}
	return s.topicAnswer(ctx, t)
}

// topicDays is how far the days of a topic go back.
const topicDays = 180 * 24 * time.Hour

func (s *Server) topicAnswer(ctx context.Context, t gather.Topic) (*body[TopicDetail], error) {
	views, err := s.topicViews(ctx, []gather.Topic{t})
	if err != nil {
		return nil, err
	}
	out := TopicDetail{Topic: views[0], Days: []TopicDay{}, Tickets: []Ticket{}}
	if out.Days, err = s.topicTimeline(ctx, t.ID); err != nil {
		return nil, err
	}
	if out.Tickets, err = s.topicTickets(ctx, t.ID); err != nil {
		return nil, err
	}
	alerts, err := s.deps.Alerts.Alerts(ctx, warning.Filter{Topic: t.ID})
	if err != nil {
		return nil, err
	}
	out.Hotspots = convert(alerts.Items, func(a warning.Alert) Hotspot { return s.hotspotView(ctx, a) })
	out.Steps = convert(t.Steps, func(step gather.Step) TopicStep {
		return TopicStep{At: cst(step.At), By: step.By, ByName: s.names.of(ctx, step.By), What: string(step.What), With: step.With}
	})
	followers, err := s.deps.Topics.Followers(ctx, t.ID)
	if err != nil {
		return nil, err
	}
	out.Followed = slices.Contains(followers, actorOf(ctx).UserID)
	return answer(out), nil
}

func (s *Server) topicTimeline(ctx context.Context, id string) ([]TopicDay, error) {
	now := s.opts.Now()
	days, err := s.deps.Topics.Days(ctx, []string{id}, now.Add(-topicDays), now.Add(time.Minute))
	return convert(days, func(d gather.Day) TopicDay { return TopicDay{Day: d.Day, Count: d.Count} }), err
}

func (s *Server) topicTickets(ctx context.Context, id string) ([]Ticket, error) {
	members, _, err := s.deps.Topics.Members(ctx, id, shownMembers)
	if err != nil {
		return nil, err
	}
	return s.ticketsSeen(ctx, convert(members, func(m gather.Member) string { return m.Ticket }))
}

// topicViews shows topics with what came of late.
func (s *Server) topicViews(ctx context.Context, topics []gather.Topic) ([]Topic, error) {
	now := s.opts.Now()
	ids := convert(topics, func(t gather.Topic) string { return t.ID })
	week, err := s.topicCounts(ctx, ids, now.AddDate(0, 0, -7), now.Add(time.Minute))
	if err != nil {
		return nil, err
	}
	before, err := s.topicCounts(ctx, ids, now.AddDate(0, 0, -14), now.AddDate(0, 0, -7))
	if err != nil {
		return nil, err
	}
	return convert(topics, func(t gather.Topic) Topic {
		return Topic{
			ID: t.ID, Version: t.Version, Name: t.Name, Words: append([]string{}, t.Words...), Category: t.Category, District: t.District, Place: t.PlaceName,
			Location: located(t.Location), Members: t.Members, People: t.People, Bad: t.Bad, PerMonth: t.PerMonth, Heat: t.HeatAt(now), Week: week[t.ID], WeekUntil: before[t.ID],
			First: cst(t.First), Last: cst(t.Last), Into: t.Into,
		}
	}), nil
}

func located(p *search.Point) *TopicLocation {
	if p == nil {
		return nil
	}
	return &TopicLocation{Lon: p.Lon, Lat: p.Lat}
}

func (s *Server) topicCounts(ctx context.Context, ids []string, from, to time.Time) (map[string]int, error) {
	days, err := s.deps.Topics.Days(ctx, ids, from, to)
	counts := map[string]int{}
	for _, d := range days {
		counts[d.Topic] += d.Count
	}
	return counts, err
}

// topicProblem maps the errors of package gather.
func topicProblem(err error) *Problem {
	var refused *gather.RefusedError
	switch {
	case errors.As(err, &refused):
		return problem(http.StatusUnprocessableEntity, "bad_step", "Not possible: "+refused.Reason+".").because(err)
	case errors.Is(err, gather.ErrConflict):
		return problem(http.StatusConflict, "conflict", "The topic has changed meanwhile. Look at it again.").because(err)
	case errors.Is(err, gather.ErrNotFound):
		return problem(http.StatusNotFound, "not_found", "There is no such topic.").because(err)
	}
	return nil
}
