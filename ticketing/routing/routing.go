package routing

import (
	"fmt"
	"slices"
	"strings"

	"hotline/ticketing"
)

// maxDepth bounds the trees, so that a circle in them cannot hang anybody.
const maxDepth = 16

// Router answers from one version of the catalogue. It is immutable and safe
// for use by many goroutines; it is a ticketing.Router.
type Router struct {
	version     int
	lines       map[string]string
	rulings     map[key][]ticketing.Ruling
	rules       []ticketing.RouteRule
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
		lines:       make(map[string]string, len(c.Catalogue.Lines)),
		rulings:     make(map[key][]ticketing.Ruling, len(c.Catalogue.Rulings)),
		rules:       c.Catalogue.Rules,
		entries:     make(map[key]string, len(c.Catalogue.Entries)),
		categories:  make(map[string]ticketing.Category, len(c.Categories)),
		districts:   make(map[string]ticketing.District, len(c.Districts)),
		departments: make(map[string]ticketing.Department, len(c.Departments)),
	}
	for _, l := range c.Catalogue.Lines {
		r.lines[l.Line] = l.Department
	}
	for _, d := range c.Catalogue.Rulings {
		at := key{d.Category, d.District}
		r.rulings[at] = append(r.rulings[at], d)
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

// stage is one source of an answer. No candidate means that it has nothing to
// say; several, that a person has to choose.
type stage func(ticketing.Ticket) []candidate

type candidate struct{ department, zh, en string }

// Route finds the department in charge, or says that the dispatch desk has to:
// the line's department, a ruling on this matter, a rule, the catalogue. What
// comes first goes before what comes later; where one stage names two
// departments, the desk decides between them.
func (r *Router) Route(t ticketing.Ticket) ticketing.Decision {
	if passed := returned(t); passed != "" {
		return r.afterReturn(t, passed)
	}
	return r.decide(t)
}

func (r *Router) decide(t ticketing.Ticket) ticketing.Decision {
	for _, s := range []stage{r.byLine, r.byRuling, r.byRule, r.byCatalogue} {
		found := r.living(s(t))
		switch {
		case len(found) == 0:
			continue
		case len(found) == 1 && found[0].department == "":
			return desk(found[0].zh, found[0].en)
		case len(found) == 1:
			return ticketing.Decision{Department: found[0].department, Reason: found[0].zh, ReasonEn: found[0].en, Candidates: []string{found[0].department}}
		}
		return tie(found)
	}
	if t.Appeal.Category == "" {
		return desk("工单没有诉求分类", "the ticket has no category")
	}
	return desk(
		fmt.Sprintf("派单目录第 %d 版没有“%s”在%s的条目", r.version, r.categoryName(t.Appeal.Category), r.districtName(t.Appeal.District)),
		fmt.Sprintf("catalogue version %d has no entry for %s in %s", r.version, t.Appeal.Category, orCity(t.Appeal.District)),
	)
}

// returned is the department whose return was approved last.
func returned(t ticketing.Ticket) string {
	last := ""
	for _, rec := range t.Records {
		if rec.Kind == ticketing.RecordReturn && rec.State == ticketing.RecordApproved && rec.Decider == "" {
			last = rec.Department
		}
	}
	return last
}

// afterReturn leaves the choice to the desk: what the catalogue says did not
// hold. Both it and the unit that the department named are candidates.
func (r *Router) afterReturn(t ticketing.Ticket, by string) ticketing.Decision {
	d := desk(
		fmt.Sprintf("%s已退单，由派单员决定", r.departmentName(by)), fmt.Sprintf("%s returned it; a dispatcher decides", by),
	)
	for _, rec := range t.Records {
		if rec.Kind == ticketing.RecordReturn && rec.State == ticketing.RecordApproved && rec.Proposed != "" {
			d.Candidates = append(d.Candidates, rec.Proposed)
		}
	}
	if again := r.decide(t); again.Department != "" && again.Department != by {
		d.Candidates = append(d.Candidates, again.Department)
	}
	slices.Sort(d.Candidates)
	d.Candidates = slices.Compact(d.Candidates)
	return d
}

// living turns candidates whose department is gone into a word to the desk, and
// joins those that name the same department.
func (r *Router) living(found []candidate) []candidate {
	var list []candidate
	for _, c := range found {
		if _, ok := r.departments[c.department]; !ok {
			c = candidate{
				zh: fmt.Sprintf("派单目录第 %d 版的承办单位 %s 已不存在:%s", r.version, c.department, c.zh),
				en: fmt.Sprintf("the department %s of catalogue version %d no longer exists: %s", c.department, r.version, c.en),
			}
		}
		if !slices.ContainsFunc(list, func(other candidate) bool { return other.department == c.department }) {
			list = append(list, c)
		}
	}
	return list
}

func tie(found []candidate) ticketing.Decision {
	var zh, en []string
	d := ticketing.Decision{Desk: true}
	for _, c := range found {
		zh, en = append(zh, c.zh), append(en, c.en)
		if c.department != "" {
			d.Candidates = append(d.Candidates, c.department)
		}
	}
	d.Reason = "有多个候选单位，由派单员决定:" + strings.Join(zh, ";")
	d.ReasonEn = "several departments may be in charge; a dispatcher decides: " + strings.Join(en, "; ")
	return d
}

func (r *Router) byLine(t ticketing.Ticket) []candidate {
	d, ok := r.lines[t.Line]
	if !ok || t.Line == "" {
		return nil
	}
	return []candidate{{
		department: d, zh: fmt.Sprintf("专线 %s → %s", t.Line, r.departmentName(d)), en: fmt.Sprintf("line %s → %s", t.Line, d),
	}}
}

// byRuling looks for rulings on this category, in the nearest district that has one.
func (r *Router) byRuling(t ticketing.Ticket) []candidate {
	if len(r.rulings) == 0 {
		return nil
	}
	for _, district := range r.areas(t.Appeal.District) {
		var found []candidate
		for _, ruling := range r.rulings[key{t.Appeal.Category, district}] {
			if len(ruling.Words) > 0 && !mentions(t, ruling.Words) {
				continue
			}
			found = append(found, candidate{
				department: ruling.Department,
				zh:         fmt.Sprintf("裁定 %s:%s × %s → %s", ruling.ID, r.categoryName(ruling.Category), r.districtName(district), r.departmentName(ruling.Department)),
				en:         fmt.Sprintf("ruling %s: %s × %s → %s", ruling.ID, ruling.Category, orCity(district), ruling.Department),
			})
		}
		if len(found) > 0 {
			return found
		}
	}
	return nil
}

func (r *Router) byRule(t ticketing.Ticket) []candidate {
	var found []candidate
	for _, rule := range r.rules {
		if r.matches(rule, t) {
			found = append(found, candidate{
				department: rule.Department,
				zh:         fmt.Sprintf("派单规则“%s” → %s", rule.Name, r.departmentName(rule.Department)),
				en:         fmt.Sprintf("rule %q → %s", rule.Name, rule.Department),
			})
		}
	}
	return found
}

func (r *Router) matches(rule ticketing.RouteRule, t ticketing.Ticket) bool {
	a := t.Appeal
	return (len(rule.Types) == 0 || slices.Contains(rule.Types, a.Type)) &&
		(len(rule.Lines) == 0 || slices.Contains(rule.Lines, t.Line)) &&
		(len(rule.Categories) == 0 || overlap(rule.Categories, r.path(a.Category))) &&
		(len(rule.Districts) == 0 || overlap(rule.Districts, r.areas(a.District))) &&
		(len(rule.Words) == 0 || mentions(t, rule.Words)) &&
		(len(rule.Addresses) == 0 || contains(a.Address, rule.Addresses))
}

func overlap(a, b []string) bool {
	return slices.ContainsFunc(a, func(s string) bool { return s != "" && slices.Contains(b, s) })
}

func mentions(t ticketing.Ticket, words []string) bool {
	return contains(t.Appeal.Title+"\n"+t.Appeal.Description, words)
}

func contains(text string, words []string) bool {
	return slices.ContainsFunc(words, func(w string) bool { return w != "" && strings.Contains(text, w) })
}

// byCatalogue tries the category's entries from the ticket's district up to the
// city, then its parent's.
func (r *Router) byCatalogue(t ticketing.Ticket) []candidate {
	for _, category := range r.path(t.Appeal.Category) {
		for _, district := range r.areas(t.Appeal.District) {
			code, ok := r.entries[key{category, district}]
			if !ok {
				continue
			}
			zh := fmt.Sprintf("派单目录第 %d 版:%s × %s → %s", r.version, r.categoryName(category), r.districtName(district), r.departmentName(code))
			en := fmt.Sprintf("catalogue version %d: %s × %s → %s", r.version, category, orCity(district), code)
			if category != t.Appeal.Category {
				zh += "(按上级分类)"
				en += " (by the parent category)"
			}
			return []candidate{{department: code, zh: zh, en: en}}
		}
	}
	return nil
}

// path is a category and its ancestors, leaf first.
func (r *Router) path(category string) []string {
	var path []string
	for node := category; node != "" && len(path) < maxDepth; node = r.categories[node].Parent {
		path = append(path, node)
	}
	return path
}

// areas is a district, those around it and the whole city, the nearest first.
func (r *Router) areas(district string) []string {
	var path []string
	for node := district; node != "" && len(path) < maxDepth; node = r.districts[node].Parent {
		path = append(path, node)
	}
	return append(path, "")
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

func (r *Router) departmentName(code string) string {
	if d, ok := r.departments[code]; ok {
		return d.Name
	}
	return code
}

func orCity(district string) string {
	if district == "" {
		return "the whole city"
	}
	return district
}
