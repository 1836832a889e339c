// Command bench measures what the project promises about speed, each figure
// beside a baseline of the same run, and writes them to a file.
//
// What always holds here:
//
//   - A figure is taken on the real parts: the database on the disk, the server
//     in a process of its own, real sockets.
//   - A baseline is measured on the same machine in the same run; a figure
//     without one says why by its baseline's name.
//   - What cannot be measured, because an engine is not there, is told and left
//     out, never estimated.
package main
