package web

import (
	"context"
	"net/http"
	"time"

	"hotline/telephony"
	"hotline/ticketing"
)

// Announcement is what the callers of a line hear first.
type Announcement struct {
	Line    string    `json:"line"`
	Say     []string  `json:"say" nullable:"false" doc:"Names of prompts"`
	From    time.Time `json:"from"`
	Until   time.Time `json:"until,omitzero" doc:"Missing: until it is taken off"`
	Ends    bool      `json:"ends" doc:"The call ends with it"`
	By      string    `json:"by"`
	InForce bool      `json:"in_force" doc:"Callers hear it now"`
}

// LineRef addresses a line.
type LineRef struct {
	Line string `path:"line" minLength:"1" maxLength:"32"`
}

// AnnouncementText is what is to be heard, and when.
type AnnouncementText struct {
	Say   []string  `json:"say" minItems:"1" maxItems:"10" doc:"Names of WAV files in the folder of the prompts, without .wav, or shipped ones such as holiday and emergency"`
	From  time.Time `json:"from,omitzero" required:"false" doc:"Now when none is given"`
	Until time.Time `json:"until,omitzero" required:"false" doc:"Until it is taken off when none is given"`
	Ends  bool      `json:"ends,omitempty" doc:"The call ends with it; else the line's flow follows"`
}

type announceInput struct {
	LineRef
	Body AnnouncementText
}

func (s *Server) announcementRoutes() {
	op := func(method, path, id, summary string, who access) operation {
		return operation{method: method, path: "/api/v1" + path, id: id, tag: "calls", who: who, summary: summary}
	}
	// Also who runs the system: an emergency asks for whoever is there.
	who := holding(ticketing.RightAnnounce)
	handle(s, op(http.MethodGet, "/announcements", "announcements", "What lines announce, now or at a time to come", centre), withCalls(s, s.listAnnouncements))
	handle(s, op(http.MethodPut, "/lines/{line}/announcement", "announce", "Have the callers of a line hear something first, from the next call on", who), withCalls(s, s.announce))
	handle(s, op(http.MethodDelete, "/lines/{line}/announcement", "take-off-announcement", "Announce nothing any more", who), withCalls(s, s.takeOff))
}

func (s *Server) listAnnouncements(context.Context, *struct{}) (*body[Page[Announcement]], error) {
	all := s.deps.Calls.Announcements()
	return answer(Page[Announcement]{Items: convert(all, s.announcementView), Total: len(all)}), nil
}

func (s *Server) announce(ctx context.Context, in *announceInput) (*body[Announcement], error) {
	a, err := s.deps.Calls.Announce(ctx, telephony.Announcement{
		Line: in.Line, Say: in.Body.Say, From: in.Body.From, Until: in.Body.Until, Ends: in.Body.Ends, By: identityOf(ctx).user.ID,
	})
	if err != nil {
		return nil, err
	}
	return answer(s.announcementView(a)), nil
}

func (s *Server) takeOff(ctx context.Context, in *LineRef) (*struct{}, error) {
	return nil, s.deps.Calls.TakeOff(ctx, in.Line, identityOf(ctx).user.ID)
}

func (s *Server) announcementView(a telephony.Announcement) Announcement {
	return Announcement{
		Line: a.Line, Say: append([]string{}, a.Say...), From: cst(a.From), Until: cst(a.Until), Ends: a.Ends, By: a.By, InForce: a.InForce(s.opts.Now()),
	}
}
