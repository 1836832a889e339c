// Package accounts makes users and seats: the three administrators of a first
// start, those that an operator adds, and the demo's.
//
// What always holds here:
//
//   - A password leaves the package only once, to whoever asked for the account;
//     what is stored is an argon2id hash, and for a SIP seat the digest's HA1.
//   - The three administrators are three users.
package accounts
