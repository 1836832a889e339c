package interop

import "slices"

// cells are the table, row by row.
func cells() []cell {
	return slices.Concat(
		sippCells(),
		baresipCells(),
		pjsuaCells(),
		kamailioCells(),
		browserCells(),
	)
}
