// Package bridge turns what the call centre reports into work orders and live
// events: telephony.Handler on one side, the ticketing service on the other.
//
// What always holds here:
//
//   - When a seat's phone rings there is one draft ticket for the call, however
//     many seats it was offered to.
//   - The seat's user hears of the call before the phone rings.
//   - A draft whose caller left before anybody answered is cancelled by the
//     platform, with the missed call as its reason. A message that the caller
//     left is a draft, and who calls the citizen back goes on with it.
package bridge
