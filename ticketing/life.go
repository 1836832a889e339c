package ticketing

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"slices"
	"strconv"
	"strings"
	"time"
)

// What a row of the life topic asks for.
const (
	lifeMerged = "merged" // a main ticket was answered, or ended: what becomes of a repeat
	lifeRuling = "ruling" // a ruling amends the catalogue
	lifeResume = "resume" // a suspension has run out
	lifeErase  = "erase"  // a person is to be erased
)

// lifeKey names a step that the platform owes; version is the ticket's after
// the move that called for it.
func lifeKey(what, ticket, other string, version int64) string {
	return strings.Join([]string{what, ticket, other, strconv.FormatInt(version, 10)}, ":")
}

// LiveOn carries out one row of the life topic and settles it. Run twice it has one effect.
func (s *Service) LiveOn(ctx context.Context, item OutboxItem) error {
	parts := strings.Split(item.Key, ":")
	if len(parts) != 4 || item.Topic != TopicLife {
		return fmt.Errorf("life: row %d is not of the life topic or has a wrong key", item.ID)
	}
	version, err := strconv.ParseInt(parts[3], 10, 64)
	if err != nil {
		return fmt.Errorf("life: row %d has a wrong key", item.ID)
	}
	var snap *snapshot
	if parts[0] != lifeErase { // which needs no city: a restored database may have none
		if snap, err = s.snapshot(ctx); err != nil {
			return err
		}
	}
	for range attempts {
		switch parts[0] {
		case lifeMerged:
			err = s.answerRepeat(ctx, parts[1], parts[2], version, snap, &item)
		case lifeRuling:
			err = s.amendCatalogue(ctx, parts[1], version, &item)
		case lifeResume:
			err = s.resumeDue(ctx, parts[1], snap, &item)
		case lifeErase:
			err = s.erase(ctx, parts[2], parts[1] == lifeRestored, &item)
		default:
			return fmt.Errorf("life: row %d asks for what is not known", item.ID)
		}
		switch {
		case err == nil, errors.Is(err, ErrFinished):
			return nil
		case errors.Is(err, ErrStale):
			continue
		}
		return fmt.Errorf("life: %s: %w", parts[0], err)
	}
	return ErrConflict
}

// eventAt finds the event that made a version of a ticket.
func (s *Service) eventAt(ctx context.Context, id string, version int64) (Event, error) {
	events, err := s.store.Events(ctx, id)
	if err != nil {
		return Event{}, err
	}
	for _, e := range events {
		if e.Version == version && e.Type != EventDeadline {
			return e, nil
		}
	}
	return Event{}, fmt.Errorf("ticket %s has no event of version %d", id, version)
}

// answerRepeat gives a repeat its main ticket's reply, or lets it go when there is none.
func (s *Service) answerRepeat(ctx context.Context, id, mainID string, version int64, snap *snapshot, item *OutboxItem) error {
	t, err := s.store.Ticket(ctx, id)
	if err != nil {
		return err
	}
	if t.State != Merged || t.MergedInto != mainID {
		return s.commit(ctx, Change{Finish: item})
	}
	event, err := s.eventAt(ctx, mainID, version)
	if err != nil {
		return err
	}
	cmd := Command{Action: ActUnmerge}
	fields := ActionFields{Reason: "主单已撤销，恢复单独办理"}
	if event.Type == EventReviewApproved {
		main, err := s.store.Ticket(ctx, mainID)
		if err != nil {
			return err
		}
		cmd.Action, fields = ActAnswerMerged, ActionFields{Answer: event.Decode().Answer, Until: event.At}
		if c := main.clock(ClockResolve); c != nil && !c.StoppedAt.IsZero() {
			fields.Until = c.StoppedAt
		}
	}
	if cmd.Fields, err = json.Marshal(fields); err != nil {
		return err
	}
	_, err = s.act(ctx, SystemActor(), t, cmd, snap, nil, item)
	return err
}

// resumeDue ends a suspension whose time has come.
func (s *Service) resumeDue(ctx context.Context, id string, snap *snapshot, item *OutboxItem) error {
	t, err := s.store.Ticket(ctx, id)
	if err != nil {
		return err
	}
	if t.State != Suspended {
		return s.commit(ctx, Change{Finish: item})
	}
	_, err = s.act(ctx, SystemActor(), t, Command{Action: ActResume}, snap, nil, item)
	return err
}

// amendCatalogue puts a ruling into the catalogue, so that it holds for later
// tickets of the matter.
func (s *Service) amendCatalogue(ctx context.Context, id string, version int64, item *OutboxItem) error {
	t, err := s.store.Ticket(ctx, id)
	if err != nil {
		return err
	}
	event, err := s.eventAt(ctx, id, version)
	if err != nil {
		return err
	}
	d := event.Decode()
	ruling := Ruling{
		ID: t.Number, Category: t.Appeal.Category, District: t.Appeal.District, Department: d.Department, Reason: d.Reason, Basis: d.Basis,
		By: event.Actor, At: event.At,
	}
	err = s.changeCity(ctx, event.Actor, func(c *City) error {
		if slices.ContainsFunc(c.Catalogue.Rulings, func(r Ruling) bool {
			return r.Category == ruling.Category && r.District == ruling.District && len(r.Words) == 0 && !r.At.Before(ruling.At)
		}) {
			return nil // it, or a later one of the same matter, was put in before
		}
		kept := make([]Ruling, 0, len(c.Catalogue.Rulings)+1)
		for _, r := range c.Catalogue.Rulings {
			if r.Category != ruling.Category || r.District != ruling.District || len(r.Words) > 0 {
				kept = append(kept, r)
			}
		}
		c.Catalogue.Rulings = append(kept, ruling)
		c.Catalogue.Version++
		return nil
	})
	if err != nil && CodeOf(err) != CodeInvalid { // a category that is gone needs no ruling
		return err
	}
	return s.commit(ctx, Change{Finish: item})
}

// ArchiveClosed archives tickets that have been closed for as long as the
// city's process says; it returns how many. limit bounds one call.
func (s *Service) ArchiveClosed(ctx context.Context, limit int) (int, error) {
	snap, err := s.snapshot(ctx)
	if err != nil {
		return 0, err
	}
	before := s.clock().Add(-time.Duration(snap.process.ArchiveAfterDays) * 24 * time.Hour)
	done := 0
	for _, partition := range []string{"", AnySealed} {
		n, err := s.archive(ctx, partition, before, limit-done, snap)
		if done += n; err != nil {
			return done, err
		}
	}
	return done, nil
}

func (s *Service) archive(ctx context.Context, partition string, before time.Time, limit int, snap *snapshot) (int, error) {
	done, after := 0, ""
	for done < limit {
		list, err := s.store.ClosedBefore(ctx, partition, before, after, min(limit, 200))
		if err != nil || len(list) == 0 {
			return done, err
		}
		for _, t := range list {
			after = t.ID
			switch _, err := s.act(ctx, SystemActor(), t, Command{Action: ActArchive}, snap, nil, nil); {
			case err == nil:
				done++
			case errors.Is(err, ErrStale), CodeOf(err) == CodeNotOpen: // something is open, or somebody was faster
			default:
				return done, fmt.Errorf("archive: %w", err)
			}
		}
	}
	return done, nil
}
