package web

import (
	"context"
	"net/http"
	"time"

	"hotline/telephony"
)

// Block keeps a number from calling.
type Block struct {
	ID          string    `json:"id"`
	Caller      string    `json:"caller" doc:"Masked"`
	CallID      string    `json:"call_id" doc:"The call that it is about"`
	Reason      string    `json:"reason"`
	ProposedBy  string    `json:"proposed_by"`
	ProposedAt  time.Time `json:"proposed_at"`
	ConfirmedBy string    `json:"confirmed_by,omitempty"`
	ConfirmedAt time.Time `json:"confirmed_at,omitzero"`
	Until       time.Time `json:"until,omitzero" doc:"Missing: not in force yet"`
	LiftedBy    string    `json:"lifted_by,omitempty"`
	LiftedAt    time.Time `json:"lifted_at,omitzero"`
	LiftReason  string    `json:"lift_reason,omitempty"`
	InForce     bool      `json:"in_force" doc:"The number is refused now"`
}

// BlockRef addresses one block.
type BlockRef struct {
	ID string `path:"id" minLength:"1" maxLength:"64"`
}

type blocksInput struct {
	Open   bool   `query:"open" doc:"Only those to decide on and those in force"`
	Limit  int    `query:"limit" minimum:"1" maximum:"200" default:"50"`
	Cursor string `query:"cursor" maxLength:"500"`
}

// BlockReason says why.
type BlockReason struct {
	Reason string `json:"reason" minLength:"1" maxLength:"300"`
}

type proposeBlockInput struct {
	CallRef
	Body BlockReason
}

// BlockTerm is how long a number is refused.
type BlockTerm struct {
	Days int `json:"days" minimum:"1" maximum:"366"`
}

type confirmBlockInput struct {
	BlockRef
	Body BlockTerm
}

type liftBlockInput struct {
	BlockRef
	Body BlockReason
}

func (s *Server) blockRoutes() {
	op := func(method, path, id, summary string, who access) operation {
		return operation{method: method, path: "/api/v1" + path, id: id, tag: "calls", who: who, summary: summary}
	}
	handle(s, op(http.MethodPost, "/calls/{id}/harassment", "propose-block", "Mark a call's caller for harassment, for a lead to decide; agents in their own", operators), withCalls(s, s.proposeBlock))
	handle(s, op(http.MethodGet, "/blocks", "blocks", "Numbers that are refused or proposed for it, newest first", floor), withCalls(s, s.listBlocks))
	handle(s, op(http.MethodPut, "/blocks/{id}", "confirm-block", "Refuse a number for a term from now on", floor), withCalls(s, s.confirmBlock))
	handle(s, op(http.MethodPost, "/blocks/{id}/lift", "lift-block", "Let a number in again, as after an appeal, or decline a proposal", floor), withCalls(s, s.liftBlock))
}

func (s *Server) proposeBlock(ctx context.Context, in *proposeBlockInput) (*body[Block], error) {
	if _, err := s.ownCall(ctx, in.ID, floor); err != nil {
		return nil, err
	}
	b, err := s.deps.Calls.ProposeBlock(ctx, in.ID, identityOf(ctx).user.ID, in.Body.Reason)
	return s.blockOr(b, err)
}

func (s *Server) confirmBlock(ctx context.Context, in *confirmBlockInput) (*body[Block], error) {
	if err := s.blockThere(ctx, in.ID); err != nil {
		return nil, err
	}
	b, err := s.deps.Calls.ConfirmBlock(ctx, in.ID, identityOf(ctx).user.ID, time.Duration(in.Body.Days)*24*time.Hour)
	return s.blockOr(b, err)
}

func (s *Server) liftBlock(ctx context.Context, in *liftBlockInput) (*body[Block], error) {
	if err := s.blockThere(ctx, in.ID); err != nil {
		return nil, err
	}
	b, err := s.deps.Calls.LiftBlock(ctx, in.ID, identityOf(ctx).user.ID, in.Body.Reason)
	return s.blockOr(b, err)
}

func (s *Server) listBlocks(ctx context.Context, in *blocksInput) (*body[Page[Block]], error) {
	p, err := s.deps.Calls.Blocks(ctx, telephony.BlockFilter{Open: in.Open, NotLines: s.sealedFrom(ctx), Limit: in.Limit, Cursor: in.Cursor})
	if err != nil {
		return nil, err
	}
	return answer(Page[Block]{Items: convert(p.Items, s.blockView), NextCursor: p.NextCursor, Total: p.Total, TotalCapped: p.TotalCapped}), nil
}

// blockThere tells whether a block is there for the user.
func (s *Server) blockThere(ctx context.Context, id string) error {
	b, err := s.deps.Calls.Block(ctx, id)
	if err != nil {
		return err
	}
	return s.there(ctx, b.Line)
}

func (s *Server) blockOr(b telephony.Block, err error) (*body[Block], error) {
	if err != nil {
		return nil, err
	}
	return answer(s.blockView(b)), nil
}

func (s *Server) blockView(b telephony.Block) Block {
	return Block{
		ID: b.ID, Caller: maskPhone(b.Caller), CallID: b.CallID, Reason: b.Reason, ProposedBy: b.ProposedBy, ProposedAt: cst(b.ProposedAt),
		ConfirmedBy: b.ConfirmedBy, ConfirmedAt: cst(b.ConfirmedAt), Until: cst(b.Until),
		LiftedBy: b.LiftedBy, LiftedAt: cst(b.LiftedAt), LiftReason: b.LiftReason, InForce: b.InForce(s.opts.Now()),
	}
}
