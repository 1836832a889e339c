package web

import (
	"context"
	"net/http"
)

func (s *Server) pauseRoutes() {
	handle(s, operation{
		method: http.MethodPost, path: "/api/v1/calls/{id}/recording/pause", id: "pause-recording", tag: "calls", who: operators,
		summary: "Keep what is said from now on out of a running call's recording, such as a card's number; agents in their own",
	}, withCalls(s, s.pauseRecording))
	handle(s, operation{
		method: http.MethodPost, path: "/api/v1/calls/{id}/recording/resume", id: "resume-recording", tag: "calls", who: operators,
		summary: "Record a running call again; agents their own",
	}, withCalls(s, s.resumeRecording))
}

func (s *Server) pauseRecording(ctx context.Context, in *CallRef) (*struct{}, error) {
	if _, err := s.ownCall(ctx, in.ID, floor); err != nil {
		return nil, err
	}
	return nil, s.deps.Calls.PauseRecording(ctx, in.ID, identityOf(ctx).user.ID)
}

func (s *Server) resumeRecording(ctx context.Context, in *CallRef) (*struct{}, error) {
	if _, err := s.ownCall(ctx, in.ID, floor); err != nil {
		return nil, err
	}
	return nil, s.deps.Calls.ResumeRecording(ctx, in.ID, identityOf(ctx).user.ID)
}
