// Package tlstest makes certificates for tests and demonstrations while they
// run: nothing that could leak or expire is kept in the repository.
//
// What always holds:
//
//   - Each Authority is new; its key exists in memory only.
//   - Certificates are good for an hour.
package tlstest
