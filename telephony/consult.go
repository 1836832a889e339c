package telephony

import "context"

// HandOver lets a party that was added to a call have it in the seat's place, which is free then: what began as a consultation, while the citizen
// was on hold or not, ends as a transfer. Errors: ErrNotFound; ErrConflict before the party has answered, and while the call is being transferred.
func (c *Center) HandOver(ctx context.Context, callID, partyID, user string) error {
	return c.withThird(ctx, callID, partyID, (*third).added, func(k *call, t *third) error {
		from := k.holder(nil)
		return k.giveTo(t, Transfer{At: k.now(), Seat: from.seat, User: user, Kind: TransferAttended, To: t.number})
	})
}
