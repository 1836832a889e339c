package telephony

import (
	"context"
	"io"
	"time"
)

// Offer is a call on its way to a seat whose phone does not ring yet.
type Offer struct {
	CallID  string
	Caller  string // national number; empty when nobody told it
	Private bool   // the caller asked that the number be not shown
	Line    string
	Queue   string
	Digit   string
	Seat    string
	User    string
	Attempt int    // from 1, counted over the call
	For     string // call that this one calls the citizen back for; empty: none
	Contact string // of a campaign, that is called; empty: none
	At      time.Time
}

// Handler is told what calls do. Its methods run on the call's goroutine and
// are given a deadline; an error is logged and does not harm the call. Ended
// is called exactly once for each call that was accepted; Missed before it.
type Handler interface {
	Offered(ctx context.Context, o Offer) error
	Answered(ctx context.Context, callID, seat, user string, at time.Time) error
	Ended(ctx context.Context, cdr CDR) error
	Missed(ctx context.Context, m MissedCall) error
}

// Observer may be implemented by a Handler that wants to hear of changes of
// seats and queues. It is called on one goroutine, in order, with the newest
// state; changes in quick succession are told once.
type Observer interface {
	SeatChanged(ctx context.Context, a AgentState)
	QueueChanged(ctx context.Context, q QueueState)
}

// CallObserver may be implemented by a Handler that wants to hear what happens in conversations: holds, mutes, parties, transfers, losses of the
// seat. It is called as an Observer is, with the record as it stands.
type CallObserver interface {
	CallChanged(ctx context.Context, cdr CDR)
}

// RatingAsker may be implemented by a Handler that can ask a citizen for a rating in another way, such as by SMS: it is told of each call of a queue
// with rate whose citizen talked with a seat and did not rate.
type RatingAsker interface {
	NotRated(ctx context.Context, cdr CDR) error
}

// TrunkObserver may be implemented by a Handler that wants to hear of changes
// of trunks, as an Observer does of seats.
type TrunkObserver interface {
	TrunkChanged(ctx context.Context, t TrunkState)
}

// BlobInfo describes a stored blob.
type BlobInfo struct {
	Name   string
	Size   int64
	SHA256 string // hex
}

// Blobs keeps recordings. Put is atomic: after an error nothing is there.
type Blobs interface {
	// Put keeps what number's citizen is heard in; empty when nobody knows whose it is.
	Put(ctx context.Context, name, number string, r io.Reader) (BlobInfo, error)
	Open(ctx context.Context, name string) (io.ReadSeekCloser, BlobInfo, error)
}
