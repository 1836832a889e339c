package web

import (
	"context"
	"errors"
	"net/http"
	"time"

	"hotline/search/hotspot"
	"hotline/search/warning"
	"hotline/ticketing"
)

// Hotspot is an alert of the early warning: more was reported than a place, a matter
// and a day are used to.
type Hotspot struct {
	ID        string         `json:"id"`
	Version   int64          `json:"version"`
	Kind      string         `json:"kind" enum:"daily,surge,topic,place" doc:"Counted over a day and those before it, over an hour, over a day of one topic, or over days at places near one another"`
	Topic     string         `json:"topic,omitempty" doc:"Id; of an alert of that kind"`
	Below     string         `json:"below,omitempty" doc:"The alert that has the same tickets; nobody was told of this one"`
	State     string         `json:"state" enum:"new,verified,handled,closed,false"`
	District  string         `json:"district" doc:"Empty: the whole city"`
	Category  string         `json:"category" doc:"A leaf, or a family of categories"`
	Owner     string         `json:"owner,omitempty" doc:"User id"`
	OwnerName string         `json:"owner_name,omitempty"`
	OpenedAt  time.Time      `json:"opened_at"`
	UpdatedAt time.Time      `json:"updated_at"`
	From      time.Time      `json:"from" doc:"Of the time that is counted"`
	Until     time.Time      `json:"until"`
	Expected  float64        `json:"expected"`
	Observed  int            `json:"observed"`
	Upper     float64        `json:"upper" doc:"The least count of one day, or of the hour, that is warned of"`
	Days      int            `json:"days" doc:"Whose evidence was taken together; 0 for an hour"`
	Score     float64        `json:"score" doc:"-log10 of how probable it was"`
	Level     float64        `json:"level" doc:"Probability from which on it is warned of"`
	FirstSeen time.Time      `json:"first_seen"`
	Words     []string       `json:"words" nullable:"false" doc:"What these tickets say and those before said less"`
	Places    []HotspotPlace `json:"places" nullable:"false"`
	Members   int            `json:"members" doc:"How many tickets"`
}

// HotspotDetail is an alert with all that explains it.
type HotspotDetail struct {
	Hotspot
	Tickets []Ticket      `json:"tickets" nullable:"false" doc:"The newest, those the user may see"`
	Chart   []HotspotDay  `json:"chart" nullable:"false" doc:"The last four weeks"`
	Past    []Hotspot     `json:"past" nullable:"false" doc:"Earlier alerts of the same district and category"`
	Steps   []HotspotStep `json:"steps" nullable:"false"`
	Under   []Hotspot     `json:"under" nullable:"false" doc:"Alerts of the same tickets, of which nobody was told"`
	Next    []string      `json:"next" nullable:"false" doc:"States that the user may give it"`
	Rates   HotspotRates  `json:"rates"`
}

// HotspotStep is one entry of an alert's history.
type HotspotStep struct {
	At     time.Time `json:"at"`
	By     string    `json:"by,omitempty" doc:"User id; missing: the platform"`
	ByName string    `json:"by_name,omitempty"`
	From   string    `json:"from,omitempty"`
	To     string    `json:"to,omitempty"`
	Note   string    `json:"note,omitempty"`
}

// HotspotPlace is a place and how many of the tickets name it.
type HotspotPlace struct {
	Name  string `json:"name" doc:"Without numbers of houses"`
	Count int    `json:"count"`
}

// HotspotDay is a day of the chart.
type HotspotDay struct {
	Day      string  `json:"day"`
	Count    int     `json:"count"`
	Expected float64 `json:"expected"`
}

// HotspotRates are how good the warning is, as measured on simulated counts.
type HotspotRates struct {
	Detection   float64 `json:"detection" doc:"Part of the outbreaks that are found"`
	FalseAlarms float64 `json:"false_alarms" doc:"A series and day"`
	DaysOff     float64 `json:"false_alarms_days_off"`
	MakeUpDays  float64 `json:"false_alarms_make_up_days"`
}

type hotspotsInput struct {
	State    []string `query:"state,explode" maxItems:"5" doc:"new, verified, handled, closed, false"`
	District []string `query:"district,explode" maxItems:"100"`
	All      bool     `query:"all" doc:"With those that are below another, which have the same tickets"`
	Limit    int      `query:"limit" minimum:"1" maximum:"200" default:"50"`
	Cursor   string   `query:"cursor" maxLength:"200"`
}

// HotspotRef addresses an alert.
type HotspotRef struct {
	ID string `path:"id" minLength:"1" maxLength:"64"`
}

// HotspotAction is a step in an alert's life.
type HotspotAction struct {
	Version int64  `json:"version" minimum:"1"`
	State   string `json:"state,omitempty" required:"false" enum:"verified,handled,closed,false" doc:"Empty: stays"`
	Take    bool   `json:"take,omitempty" required:"false" doc:"The user has it in hand from now on"`
	Note    string `json:"note,omitempty" required:"false" maxLength:"1000" doc:"Needed to close it or to call it false"`
}

type hotspotActInput struct {
	HotspotRef
	Body HotspotAction
}

// shownMembers bounds the tickets that come with an alert.
const shownMembers = 50

func (s *Server) hotspotRoutes() {
	op := func(method, path, id, summary, right string) operation {
		return operation{method: method, path: "/api/v1/hotspots" + path, id: id, tag: "hotspots", who: holding(right), summary: summary}
	}
	handle(s, op(http.MethodGet, "", "hotspots", "Alerts of the early warning, the last updated first", ticketing.RightHotspots), s.hotspots)
	handle(s, op(http.MethodGet, "/{id}", "hotspot", "One alert, with what explains it", ticketing.RightHotspots), s.hotspot)
	handle(s, op(http.MethodPost, "/{id}/actions", "act-on-hotspot", "Verify, handle or close an alert, call it false, take it in hand, or note something", ticketing.RightHotspotAct), s.actOnHotspot)
}

// districtsSeen are the districts whose alerts and topics the user sees, of those that are
// asked for: nil is all, within a partition none.
func districtsSeen(who ticketing.Actor, asked []string) []string {
	switch {
	case who.Partition != "" || len(who.Lines) > 0:
		return []string{}
	case len(who.Districts) > 0 && len(asked) == 0:
		return who.Districts
	case len(who.Districts) > 0:
		return common(asked, who.Districts)
	}
	return asked
}

func common(a, b []string) []string {
	both := []string{}
	for _, x := range a {
		for _, y := range b {
			if x == y {
				both = append(both, x)
			}
		}
	}
	return both
}

func (s *Server) hotspots(ctx context.Context, in *hotspotsInput) (*body[Page[Hotspot]], error) {
	f := warning.Filter{Limit: in.Limit, Cursor: in.Cursor}
	for _, state := range in.State {
		f.States = append(f.States, warning.State(state))
	}
	if len(in.District) > 0 {
		f.Districts = list[string](in.District)
	}
	f.Districts = districtsSeen(actorOf(ctx), f.Districts)
	f.Top = !in.All && f.Districts == nil // what an alert is below may be of another district
	found, err := s.deps.Alerts.Alerts(ctx, f)
	if err != nil {
		return nil, err
	}
	out := Page[Hotspot]{Items: []Hotspot{}, NextCursor: found.Next, Total: found.Total}
	for _, a := range found.Items {
		out.Items = append(out.Items, s.hotspotView(ctx, a))
	}
	return answer(out), nil
}

// alertOf reads an alert that the user may see.
func (s *Server) alertOf(ctx context.Context, id string) (warning.Alert, error) {
	a, err := s.deps.Alerts.Alert(ctx, id)
	if err != nil {
		return a, err
	}
	if seen := districtsSeen(actorOf(ctx), nil); seen != nil && len(common(seen, []string{a.Series.District})) == 0 {
		return a, warning.ErrNotFound
	}
	return a, nil
}

func (s *Server) hotspot(ctx context.Context, in *HotspotRef) (*body[HotspotDetail], error) {
	a, err := s.alertOf(ctx, in.ID)
	if err != nil {
		return nil, err
	}
	return s.hotspotAnswer(ctx, a)
}

func (s *Server) actOnHotspot(ctx context.Context, in *hotspotActInput) (*body[HotspotDetail], error) {
	a, err := s.alertOf(ctx, in.ID)
	if err != nil {
		return nil, err
	}
	who := actorOf(ctx)
	c := warning.Command{Version: in.Body.Version, State: warning.State(in.Body.State), Note: in.Body.Note}
	if in.Body.Take {
		c.Owner = who.UserID
	}
	if a, err = a.Do(c, who.UserID, s.opts.Now().UTC()); err != nil {
		return nil, err
	}
	if err := s.deps.Alerts.SaveAlert(ctx, a); err != nil {
		return nil, err
	}
	return s.hotspotAnswer(ctx, a)
}

func (s *Server) hotspotAnswer(ctx context.Context, a warning.Alert) (*body[HotspotDetail], error) {
	who := actorOf(ctx)
	rates := hotspot.Published()
	out := HotspotDetail{
		Hotspot: s.hotspotView(ctx, a), Tickets: []Ticket{}, Past: []Hotspot{}, Steps: []HotspotStep{}, Chart: convert(a.Chart, func(p warning.Point) HotspotDay { return HotspotDay(p) }), Next: []string{},
		Rates: HotspotRates{Detection: rates.Detection, FalseAlarms: rates.FalseAlarms, DaysOff: rates.DaysOff, MakeUpDays: rates.MakeUpDays},
	}
	var err error
	if out.Tickets, err = s.ticketsSeen(ctx, a.Tickets[:min(len(a.Tickets), shownMembers)]); err != nil {
		return nil, err
	}
	for _, id := range a.Past {
		past, err := s.deps.Alerts.Alert(ctx, id)
		if errors.Is(err, warning.ErrNotFound) {
			continue
		}
		if err != nil {
			return nil, err
		}
		out.Past = append(out.Past, s.hotspotView(ctx, past))
	}
	under, err := s.deps.Alerts.Alerts(ctx, warning.Filter{Below: a.ID, Districts: districtsSeen(who, nil)})
	if err != nil {
		return nil, err
	}
	out.Under = convert(under.Items, func(a warning.Alert) Hotspot { return s.hotspotView(ctx, a) })
	for _, step := range a.Steps {
		out.Steps = append(out.Steps, HotspotStep{At: cst(step.At), By: step.By, ByName: s.names.of(ctx, step.By), From: string(step.From), To: string(step.To), Note: step.Note})
	}
	if who.May(ticketing.RightHotspotAct) {
		out.Next = convert(a.State.Next(), func(next warning.State) string { return string(next) })
	}
	return answer(out), nil
}

// ticketsSeen reads those of some tickets that the user may see.
func (s *Server) ticketsSeen(ctx context.Context, ids []string) ([]Ticket, error) {
	who, out := actorOf(ctx), []Ticket{}
	for _, id := range ids {
		t, err := s.deps.Tickets.Ticket(ctx, who, id)
		if absent(err) {
			continue
		}
		if err != nil {
			return nil, err
		}
		out = append(out, s.ticketView(ctx, who, t))
	}
	return out, nil
}

func (s *Server) hotspotView(ctx context.Context, a warning.Alert) Hotspot {
	return Hotspot{
		ID: a.ID, Version: a.Version, Kind: string(a.Kind), Topic: a.Topic, Below: a.Below, State: string(a.State), District: a.Series.District, Category: a.Series.Category,
		Owner: a.Owner, OwnerName: s.names.of(ctx, a.Owner), OpenedAt: cst(a.OpenedAt), UpdatedAt: cst(a.UpdatedAt), From: cst(a.From), Until: cst(a.Until),
		Expected: a.Expected, Observed: a.Observed, Upper: a.Upper, Days: a.Days, Score: a.Score, Level: a.Level, FirstSeen: cst(a.FirstSeen),
		Words: append([]string{}, a.Words...), Places: convert(a.Places, func(c warning.Count) HotspotPlace { return HotspotPlace(c) }), Members: a.Members,
	}
}

// alertProblem maps the errors of package warning.
func alertProblem(err error) *Problem {
	var refused *warning.RefusedError
	switch {
	case errors.As(err, &refused):
		return problem(http.StatusUnprocessableEntity, "bad_step", "Not possible: "+refused.Reason+".").because(err)
	case errors.Is(err, warning.ErrConflict):
		return problem(http.StatusConflict, "conflict", "Somebody else changed the alert meanwhile. Look at it again.").because(err)
	case errors.Is(err, warning.ErrNotFound):
		return problem(http.StatusNotFound, "not_found", "There is no such alert.").because(err)
	}
	return nil
}
