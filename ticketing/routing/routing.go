package routing

import (
	"fmt"

	"hotline/ticketing"
)

// maxDepth bounds the trees, so that a circle in them cannot hang anybody.
const maxDepth = 16

// Router answers from one version of the catalogue. It is immutable and safe
// for use by many goroutines; it is a ticketing.Router.
type Router struct {
	version     int
	entries     map[key]string
	categories  map[string]ticketing.Category
	districts   map[string]ticketing.District
	departments map[string]ticketing.Department
}

// key is where an entry of the catalogue stands; no district is the whole city.
type key struct{ category, district string }

// New makes a Router from a city's reference data.
func New(c ticketing.City) *Router {
	r := &Router{
		version:     c.Catalogue.Version,
		entries:     make(map[key]string, len(c.Catalogue.Entries)),
		categories:  make(map[string]ticketing.Category, len(c.Categories)),
		districts:   make(map[string]ticketing.District, len(c.Districts)),
		departments: make(map[string]ticketing.Department, len(c.Departments)),
	}
	for _, e := range c.Catalogue.Entries {
		r.entries[key{e.Category, e.District}] = e.Department
	}
	for _, n := range c.Categories {
		r.categories[n.Code] = n
	}
	for _, n := range c.Districts {
		r.districts[n.Code] = n
	}
	for _, n := range c.Departments {
		r.departments[n.Code] = n
	}
	return r
}

// Route finds the department in charge, or says that the dispatch desk has to.
func (r *Router) Route(t ticketing.Ticket) ticketing.Decision {
	if t.Appeal.Category == "" {
		return desk("工单没有诉求分类", "the ticket has no category")
	}
	category := t.Appeal.Category
	for depth := 0; category != "" && depth < maxDepth; depth++ {
		if d, ok := r.inCategory(category, t.Appeal); ok {
			return d
		}
		category = r.categories[category].Parent
	}
	return desk(
		fmt.Sprintf("派单目录第 %d 版没有“%s”在%s的条目", r.version, r.categoryName(t.Appeal.Category), r.districtName(t.Appeal.District)),
		fmt.Sprintf("catalogue version %d has no entry for %s in %s", r.version, t.Appeal.Category, orCity(t.Appeal.District)),
	)
}

// inCategory tries the entries of one category from the ticket's district up to the city.
func (r *Router) inCategory(category string, a ticketing.Appeal) (ticketing.Decision, bool) {
	district := a.District
	for depth := 0; depth < maxDepth; depth++ {
		if code, ok := r.entries[key{category, district}]; ok {
			return r.decide(code, category, district, a), true
		}
		if district == "" {
			break
		}
		district = r.districts[district].Parent
	}
	return ticketing.Decision{}, false
}

func (r *Router) decide(code, category, district string, a ticketing.Appeal) ticketing.Decision {
	unit, ok := r.departments[code]
	if !ok {
		return desk(
			fmt.Sprintf("派单目录第 %d 版“%s”的承办单位 %s 已不存在", r.version, r.categoryName(category), code),
			fmt.Sprintf("the department %s that catalogue version %d names for %s no longer exists", code, r.version, category),
		)
	}
	zh := fmt.Sprintf("派单目录第 %d 版:%s × %s → %s", r.version, r.categoryName(category), r.districtName(district), unit.Name)
	en := fmt.Sprintf("catalogue version %d: %s × %s → %s", r.version, category, orCity(district), code)
	if category != a.Category {
		zh += "(按上级分类)"
		en += " (by the parent category)"
	}
	return ticketing.Decision{Department: code, Reason: zh, ReasonEn: en}
}

func desk(zh, en string) ticketing.Decision {
	return ticketing.Decision{Desk: true, Reason: zh, ReasonEn: en}
}

func (r *Router) categoryName(code string) string {
	if c, ok := r.categories[code]; ok {
		return c.Name
	}
	return code
}

func (r *Router) districtName(code string) string {
	if d, ok := r.districts[code]; ok {
		return d.Name
	}
	if code == "" {
		return "全市"
	}
	return code
}

func orCity(district string) string {
	if district == "" {
		return "the whole city"
	}
	return district
}
