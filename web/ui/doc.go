// Package ui embeds the pages that Vite builds: desk, portal and wall.
//
// What always holds here:
//
//   - dist holds what `make ui` built from src, and is empty in a fresh clone.
//   - The pages load nothing from other hosts and run no inline script.
package ui
