// Package sso lets people sign in at the city's identity provider (OpenID
// Connect Core 1.0, authorization code flow with PKCE, RFC 7636).
//
// What always holds here:
//
//   - The provider is known by its issuer alone, found by discovery when it is
//     first needed; one that does not answer is asked again, and bounded in time.
//   - A code counts for the browser that began with the same state; the token for
//     the same nonce, this client, this issuer and the present moment. All else is
//     [ErrRefused].
//   - Nothing is kept between beginning and end: [Attempt] goes with the browser,
//     sealed by the caller, so that any node may finish what another began.
package sso
