package telephony

import (
	"context"
	"fmt"
	"slices"
)

// HandOver lets a party that was added to a call have it in the seat's place, which is free then: what began as a consultation, while the citizen
// was on hold or not, ends as a transfer. Errors: ErrNotFound; ErrConflict before the party has answered, and while the call is being transferred.
func (c *Center) HandOver(ctx context.Context, callID, partyID, user string) error {
	return c.asked(ctx, callID, func(k *call) error {
		t := k.partyOf(partyID)
		if t == nil {
			return fmt.Errorf("call %s has no party %s: %w", callID, partyID, ErrNotFound)
		}
		from := k.holder(nil)
		return k.giveTo(t, Transfer{At: k.now(), Seat: from.seat, User: user, Kind: TransferAttended, To: t.number})
	})
}

// partyOf is a party that was added, and is no supervisor.
func (k *call) partyOf(id string) *third {
	k.mu.Lock()
	defer k.mu.Unlock()
	i := slices.IndexFunc(k.thirds, func(t *third) bool { return t.id == id && !t.supervises() })
	if i < 0 {
		return nil
	}
	return k.thirds[i]
}
