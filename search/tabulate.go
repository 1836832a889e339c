package search

import (
	"cmp"
	"context"
	"fmt"
	"math"
	"slices"
	"strconv"
	"strings"
	"time"
)

// Axis is what documents are counted by.
type Axis struct {
	Name string // of Axes
	Zoom int    // of tiles, 1 to 20; the world is 2^Zoom tiles wide (slippy map)
}

// The axes. Days, weeks (by their Monday), months, hours of the day (00 to 23) and days of
// the week (1 is Monday) are those in Shanghai; a tile is "zoom/x/y".
const (
	ByDay     = "day"
	ByWeek    = "week"
	ByMonth   = "month"
	ByHour    = "hour"
	ByWeekday = "weekday"
	ByTile    = "tile"
	ByPlace   = "place"
)

var axisNames = append(slices.Clone(facetNames), ByPlace, ByDay, ByWeek, ByMonth, ByHour, ByWeekday, ByTile)

// The bounds of a table.
const (
	MaxPairs   = 100_000 // of values that occur together
	MaxShown   = 1000    // rows or columns
	maxZoom    = 20
	shownFirst = 20
)

// Pair is a value of each of two axes, the second empty where there is one axis, or where
// a document has no such value.
type Pair struct{ Row, Column string }

// TableQuery asks how many documents have which values.
type TableQuery struct {
	Query         // Sort, Limit, Cursor, Facets and Histogram are not looked at
	Rows, Columns Axis
	RowGroup      func(string) string // what a value is counted as; nil: itself
	ColumnGroup   func(string) string
	Shown         int // rows and columns; 20 when zero
}

// Table counts documents by two axes: the rows and columns with the most, by falling
// count; those of time by time, the newest. Counts of a row are over all columns.
type Table struct {
	Rows    []Bucket
	Columns []Bucket
	Cells   [][]int // by row and column
	Total   int     // documents
	Without int     // documents that have no value of the rows' axis
	MoreRow int     // rows that are not shown
	MoreCol int

	Understood []Understood
}

// Tabulate counts.
func (x *Index) Tabulate(ctx context.Context, q TableQuery) (Table, error) {
	p, err := x.planWhole(ctx, q.Query)
	if err != nil {
		return Table{}, err
	}
	if q.Shown == 0 {
		q.Shown = shownFirst
	}
	if q.Shown < 1 || q.Shown > MaxShown {
		return Table{}, refuse("shown", "use 1 to %d", MaxShown)
	}
	if err := checkAxis("rows", q.Rows); err != nil {
		return Table{}, err
	}
	if q.Columns.Name != "" {
		if err := checkAxis("columns", q.Columns); err != nil {
			return Table{}, err
		}
	}
	ctx, cancel := x.bounded(ctx)
	defer cancel()
	pairs, err := x.driver.Tabulate(ctx, p, q.Rows, q.Columns)
	if err != nil {
		return Table{}, unanswered(ctx, err)
	}
	t := arrange(pairs, q)
	t.Understood = p.Understood
	return t, nil
}

// TooManyPairs refuses a table that no engine counts.
func TooManyPairs() error {
	return refuse("rows", "more than %d values occur together: narrow the time or take wider axes", MaxPairs)
}

func checkAxis(which string, a Axis) error {
	if !slices.Contains(axisNames, a.Name) {
		return refuse(which, "use one of %s", strings.Join(axisNames, ", "))
	}
	if a.Name == ByTile && (a.Zoom < 1 || a.Zoom > maxZoom) {
		return refuse(which, "use a zoom of 1 to %d", maxZoom)
	}
	return nil
}

// OfTime reports whether an axis' values have an order of their own.
func (a Axis) OfTime() bool {
	return slices.Contains([]string{ByDay, ByWeek, ByMonth, ByHour, ByWeekday}, a.Name)
}

// arrange makes a table of what occurs together.
func arrange(pairs map[Pair]int, q TableQuery) Table {
	var t Table
	rows, columns, cells := map[string]int{}, map[string]int{}, map[Pair]int{}
	for p, n := range pairs {
		t.Total += n
		row, column := grouped(p.Row, q.RowGroup), grouped(p.Column, q.ColumnGroup)
		if row == "" {
			t.Without += n
			continue
		}
		rows[row] += n
		if column != "" {
			columns[column] += n
			cells[Pair{row, column}] += n
		}
	}
	t.Rows, t.MoreRow = shown(rows, q.Rows, q.Shown)
	t.Columns, t.MoreCol = shown(columns, q.Columns, q.Shown)
	t.Cells = make([][]int, len(t.Rows))
	for i, r := range t.Rows {
		t.Cells[i] = make([]int, len(t.Columns))
		for k, c := range t.Columns {
			t.Cells[i][k] = cells[Pair{r.Key, c.Key}]
		}
	}
	return t
}

func grouped(value string, group func(string) string) string {
	if group == nil || value == "" {
		return value
	}
	return group(value)
}

// shown are the values with the most documents, and how many are left out.
func shown(counts map[string]int, a Axis, most int) ([]Bucket, int) {
	list := make([]Bucket, 0, len(counts))
	for key, n := range counts {
		list = append(list, Bucket{key, n})
	}
	byKey := func(a, b Bucket) int { return strings.Compare(a.Key, b.Key) }
	if a.OfTime() {
		slices.SortFunc(list, byKey)
		left := max(0, len(list)-most)
		return list[left:], left
	}
	slices.SortFunc(list, func(a, b Bucket) int { return cmp.Or(b.Count-a.Count, byKey(a, b)) })
	return list[:min(len(list), most)], max(0, len(list)-most)
}

// zone is that of the axes of time.
var zone = time.FixedZone(DayZone, 8*60*60)

// Key is the value of an axis of time at a moment; "" for another axis.
func (a Axis) Key(at time.Time) string {
	at = at.In(zone)
	switch a.Name {
	case ByDay:
		return at.Format(time.DateOnly)
	case ByWeek:
		return at.AddDate(0, 0, -weekday(at)).Format(time.DateOnly)
	case ByMonth:
		return at.Format("2006-01")
	case ByHour:
		return at.Format("15")
	case ByWeekday:
		return strconv.Itoa(weekday(at) + 1)
	}
	return ""
}

// weekday counts from Monday, 0.
func weekday(at time.Time) int { return (int(at.Weekday()) + 6) % 7 }

// latitude beyond which the slippy map ends.
const mostLatitude = 85.0511287798

// Tile is the tile that a point is in.
func (a Axis) Tile(p Point) string {
	side := 1 << a.Zoom
	lat := math.Max(-mostLatitude, math.Min(mostLatitude, p.Lat)) * math.Pi / 180
	x := int(math.Floor((p.Lon + 180) / 360 * float64(side)))
	y := int(math.Floor((1 - math.Asinh(math.Tan(lat))/math.Pi) / 2 * float64(side)))
	bound := func(v int) int { return max(0, min(v, side-1)) }
	return fmt.Sprintf("%d/%d/%d", a.Zoom, bound(x), bound(y))
}

// TileCentre is the middle of a tile; false for what is no tile.
func TileCentre(tile string) (Point, bool) {
	var z, x, y int
	if n, err := fmt.Sscanf(tile, "%d/%d/%d", &z, &x, &y); err != nil || n != 3 || z < 0 || z > maxZoom {
		return Point{}, false
	}
	side := float64(int(1) << z)
	return Point{
		Lon: (float64(x)+0.5)/side*360 - 180,
		Lat: math.Atan(math.Sinh(math.Pi*(1-2*(float64(y)+0.5)/side))) * 180 / math.Pi,
	}, true
}
