// Command hotline is a 12345 citizen hotline in one binary: calls, work orders,
// search and analysis, web.
//
// What always holds here:
//
//   - main only hands over to commands; app wires the parts; engines opens them;
//     config says how. No other folder knows which engine is in use.
package main
