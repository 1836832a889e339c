package web

import (
	"context"
	"encoding/json"
	"errors"
	"net/http"
	"time"

	"hotline/ticketing"
)

// PublicFiling is an appeal as a citizen files it.
type PublicFiling struct {
	Appeal       PublicAppeal `json:"appeal"`
	Citizen      CitizenInput `json:"citizen,omitempty" doc:"A phone number, unless anonymous"`
	Confidential bool         `json:"confidential,omitempty" doc:"Departments do not learn who asks"`
}

// PublicAppeal is what the citizen wants; the centre finds the category.
type PublicAppeal struct {
	Type        string           `json:"type" enum:"inquiry,help,complaint,report,suggestion,praise"`
	Title       string           `json:"title,omitempty" maxLength:"200"`
	Description string           `json:"description" minLength:"1" maxLength:"10000"`
	District    string           `json:"district,omitempty" maxLength:"64" doc:"Code, see districts"`
	Address     string           `json:"address,omitempty" maxLength:"300"`
	Location    *ticketing.Point `json:"location,omitempty"`
}

type fileInput struct {
	Idempotency string `header:"Idempotency-Key" minLength:"16" maxLength:"200" doc:"Chosen at random by the client; a repeat gets the same number and code"`
	Site        string `header:"Sec-Fetch-Site" hidden:"true"`
	Origin      string `header:"Origin" hidden:"true"`
	Host        string `header:"Host" hidden:"true"`
	Body        PublicFiling
}

// FiledAppeal is what a citizen gets for an appeal.
type FiledAppeal struct {
	Number    string `json:"number" example:"20261122-000318"`
	QueryCode string `json:"query_code" doc:"Shown once; with the number it opens the progress"`
}

type fileOutput struct {
	Replayed string `header:"Idempotent-Replayed" doc:"true when this was filed before"`
	Body     FiledAppeal
}

type progressInput struct {
	Number string `path:"number" minLength:"1" maxLength:"64"`
	Code   string `query:"code" maxLength:"64" doc:"The query code"`
}

// Progress is what a citizen sees of the own appeal.
type Progress struct {
	Number     string          `json:"number"`
	State      ticketing.State `json:"state"`
	Title      string          `json:"title"`
	Department string          `json:"department" doc:"Name of who acts"`
	CreatedAt  time.Time       `json:"created_at"`
	DueAt      time.Time       `json:"due_at,omitzero" doc:"When a reply is due"`
	Answer     string          `json:"answer"`
	Steps      []ProgressStep  `json:"steps" nullable:"false"`
	Rating     int             `json:"rating" doc:"That counts; 0 when there is none"`
	Actions    []Action        `json:"actions" nullable:"false" doc:"What the citizen may do now, and why not"`
}

// ProgressStep is one line of the way an appeal went.
type ProgressStep struct {
	At     time.Time `json:"at"`
	Text   string    `json:"text"`
	TextEn string    `json:"text_en"`
}

func (s *Server) publicRoutes() {
	handle(s, operation{
		method: http.MethodPost, path: "/api/public/v1/appeals", id: "file-appeal", tag: "public", who: anyone, scope: ticketing.ScopeFile,
		status: http.StatusCreated, maxBody: 64 << 10, summary: "File an appeal",
		description: "Answers once the appeal is safely stored. Limited per address.",
	}, s.fileAppeal)
	handle(s, operation{
		method: http.MethodGet, path: "/api/public/v1/appeals/{number}", id: "appeal-progress", tag: "public", who: anyone,
		summary: "Follow an appeal", description: "One answer whichever of number and code is wrong. Limited per address and per number.",
	}, s.progress)
	handle(s, operation{
		method: http.MethodPost, path: "/api/public/v1/appeals/{number}/actions", id: "appeal-act", tag: "public", who: anyone, maxBody: 64 << 10,
		summary:     "Urge, add a note, withdraw, rate or have it reopened",
		description: "The progress says which are open. Limited per address and per number; wrong codes count.",
	}, s.appealAct)
	handle(s, operation{
		method: http.MethodGet, path: "/api/public/v1/districts", id: "public-districts", tag: "public", who: anyone,
		summary: "Districts of the city",
	}, s.publicDistricts)
}

func (s *Server) fileAppeal(ctx context.Context, in *fileInput) (*fileOutput, error) {
	addr, rate := requestOf(ctx).source(), s.opts.PublicPerAddress
	if key := identityOf(ctx).key; key != nil { // a system files for many
		addr, rate = "key:"+key.ID, s.opts.FilingsPerKey
	}
	if err := s.limit(ctx, "file:"+addr, rate); err != nil {
		return nil, err
	}
	channel := ticketing.ByAPI
	if in.Site+in.Origin != "" && sameOrigin(in.Site, in.Origin, in.Host) {
		channel = ticketing.ByWeb // our own portal; browsers leave Sec-Fetch-Site out without TLS
	}
	a := in.Body.Appeal
	filed, err := s.deps.Tickets.File(ctx, ticketing.Filing{
		Channel: channel, Confidential: in.Body.Confidential, Citizen: in.Body.Citizen.domain(), Idempotency: in.Idempotency,
		Appeal: ticketing.Appeal{
			Type: ticketing.AppealType(a.Type), Title: a.Title, Description: a.Description, District: a.District, Address: a.Address, Location: a.Location,
		},
	})
	if err != nil || filed.Replayed {
		// Neither a mistake nor a repeat uses up the allowance; a count too many does no harm.
		_ = s.opts.Limiter.Give(ctx, "file:"+addr, rate)
	}
	if err != nil {
		return nil, err
	}
	out := &fileOutput{Body: FiledAppeal{Number: filed.Ticket.Number, QueryCode: filed.QueryCode}}
	if filed.Replayed {
		out.Replayed = "true"
	}
	return out, nil
}

// CitizenAction is what a citizen does to the own appeal.
type CitizenAction struct {
	Code   string `json:"code" minLength:"1" maxLength:"64" doc:"The query code"`
	Action string `json:"action" enum:"urge,note,cancel,request_withdrawal,rate,reopen"`
	Reason string `json:"reason,omitempty" maxLength:"1000" doc:"urge, cancel, request_withdrawal, reopen"`
	Note   string `json:"note,omitempty" maxLength:"2000" doc:"note, rate"`
	Rating int    `json:"rating,omitempty" minimum:"0" maximum:"5" doc:"rate: 5 very satisfied … 1 very dissatisfied"`
}

type citizenActInput struct {
	Key
	Number string `path:"number" minLength:"1" maxLength:"64"`
	Body   CitizenAction
}

// guessed lets a number be asked for with a code; only wrong guesses count.
func (s *Server) guessed(ctx context.Context, number string, ask func() (ticketing.Progress, error)) (ticketing.Progress, error) {
	limits := []keyRate{
		{"progress:" + requestOf(ctx).source(), s.opts.ProgressPerClient},
		{"progress-of:" + number, s.opts.ProgressPerClient},
	}
	for _, l := range limits {
		if err := s.limit(ctx, l.key, l.rate); err != nil {
			return ticketing.Progress{}, err
		}
	}
	p, err := ask()
	if !errors.Is(err, ticketing.ErrWrongQueryCode) {
		for _, l := range limits {
			_ = s.opts.Limiter.Give(ctx, l.key, l.rate)
		}
	}
	return p, err
}

func (s *Server) appealAct(ctx context.Context, in *citizenActInput) (*body[Progress], error) {
	b := in.Body
	fields := map[string]any{}
	for name, value := range map[string]string{"reason": b.Reason, "note": b.Note} {
		if value != "" {
			fields[name] = value
		}
	}
	if b.Rating != 0 {
		fields["rating"] = b.Rating
	}
	own, err := json.Marshal(fields)
	if err != nil {
		return nil, err
	}
	p, err := s.guessed(ctx, in.Number, func() (ticketing.Progress, error) {
		return s.deps.Tickets.CitizenAct(ctx, in.Number, b.Code, ticketing.Command{Action: ticketing.Action(b.Action), Fields: own, Idempotency: in.Idempotency})
	})
	if err != nil {
		return nil, err
	}
	return answer(progressView(p)), nil
}

func (s *Server) progress(ctx context.Context, in *progressInput) (*body[Progress], error) {
	p, err := s.guessed(ctx, in.Number, func() (ticketing.Progress, error) { return s.deps.Tickets.Progress(ctx, in.Number, in.Code) })
	if err != nil {
		return nil, err
	}
	return answer(progressView(p)), nil
}

func progressView(p ticketing.Progress) Progress {
	return Progress{
		Number: p.Number, State: p.State, Title: p.Title, Department: p.Department, CreatedAt: cst(p.CreatedAt), DueAt: cst(p.DueAt),
		Answer: p.Answer, Steps: convert(p.Steps, func(st ticketing.ProgressStep) ProgressStep {
			return ProgressStep{At: cst(st.At), Text: st.Zh, TextEn: st.En}
		}),
		Rating: p.Rating, Actions: convert(p.Actions, actionView),
	}
}

func (s *Server) publicDistricts(ctx context.Context, _ *struct{}) (*body[Page[ticketing.District]], error) {
	v, err := s.city.get(ctx)
	if err != nil {
		return nil, err
	}
	var top []ticketing.District
	for _, d := range v.city.Districts {
		if v.districts[d.Parent] == "" { // no parent of ours
			top = append(top, d)
		}
	}
	return page(top), nil
}
