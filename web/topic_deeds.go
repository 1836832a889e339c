package web

import (
	"context"

	"hotline/search/gather"
)

type topicNameInput struct {
	TopicRef
	Body TopicName
}

type topicJoinInput struct {
	TopicRef
	Body TopicJoin
}

type topicSplitInput struct {
	TopicRef
	Body TopicSplit
}

func (s *Server) nameTopic(ctx context.Context, in *topicNameInput) (*body[TopicDetail], error) {
	return s.changeTopic(ctx, in.ID, func(by string) (gather.Topic, error) {
		return s.deps.Gatherer.Rename(ctx, in.ID, in.Body.Version, in.Body.Name, by, s.opts.Now().UTC())
	})
}

func (s *Server) joinTopic(ctx context.Context, in *topicJoinInput) (*body[TopicDetail], error) {
	if _, err := s.topicSeen(ctx, in.Body.Other); err != nil {
		return nil, err
	}
	return s.changeTopic(ctx, in.ID, func(by string) (gather.Topic, error) {
		return s.deps.Gatherer.Join(ctx, in.ID, in.Body.Version, in.Body.Other, by, s.opts.Now().UTC())
	})
}

func (s *Server) splitTopic(ctx context.Context, in *topicSplitInput) (*body[TopicDetail], error) {
	return s.changeTopic(ctx, in.ID, func(by string) (gather.Topic, error) {
		_, other, err := s.deps.Gatherer.Split(ctx, in.ID, in.Body.Version, in.Body.Tickets, by, s.opts.Now().UTC())
		return other, err
	})
}

// changeTopic changes a topic that the user may see.
func (s *Server) changeTopic(ctx context.Context, id string, change func(by string) (gather.Topic, error)) (*body[TopicDetail], error) {
	if _, err := s.topicSeen(ctx, id); err != nil {
		return nil, err
	}
	t, err := change(actorOf(ctx).UserID)
	if err != nil {
		return nil, err
	}
	return s.topicAnswer(ctx, t)
}

func (s *Server) followTopic(ctx context.Context, in *TopicRef) (*body[TopicDetail], error) {
	return s.follow(ctx, in.ID, true)
}

func (s *Server) unfollowTopic(ctx context.Context, in *TopicRef) (*body[TopicDetail], error) {
	return s.follow(ctx, in.ID, false)
}

func (s *Server) follow(ctx context.Context, id string, on bool) (*body[TopicDetail], error) {
	t, err := s.topicSeen(ctx, id)
	if err != nil {
		return nil, err
	}
	if err := s.deps.Topics.Follow(ctx, id, actorOf(ctx).UserID, on); err != nil {
		return nil, err
	}
	return s.topicAnswer(ctx, t)
}
