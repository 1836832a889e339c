// Package ui holds the built pages (desk, portal, wall) inside the binary.
//
// `make ui` fills dist; a clean clone has only dist/.gitkeep, and the server
// then says that the pages are not built.
package ui

import (
	"embed"
	"io/fs"
)

//go:embed all:dist
var dist embed.FS

// FS returns the built files, with desk.html, portal.html and wall.html at its top.
func FS() fs.FS {
	sub, err := fs.Sub(dist, "dist")
	if err != nil { // cannot happen: the name is a constant and embedded
		return dist
	}
	return sub
}
