package city

import (
	"strconv"

	"go.yaml.in/yaml/v3"

	"hotline/ticketing"
	"hotline/ticketing/sla"
)

// tree checks the codes and parents of one of the three trees.
type tree struct {
	what   string
	line   map[string]int
	parent map[string]string
	order  []string
}

func newTree(what string) *tree {
	return &tree{what: what, line: map[string]int{}, parent: map[string]string{}}
}

func (p *parser) add(t *tree, code, parent string, line int) {
	p.code(code, line, t.what)
	if code == "" {
		return
	}
	if first, dup := t.line[code]; dup {
		p.fail(line, "%s %q is already defined in line %d; give this one another code or remove it", t.what, code, first)
		return
	}
	t.line[code], t.parent[code] = line, parent
	t.order = append(t.order, code)
}

// check follows every parent up to a root.
func (p *parser) check(t *tree) {
	for _, code := range t.order {
		up := t.parent[code]
		if up != "" && t.line[up] == 0 {
			p.fail(t.line[code], "parent %q of %s %q is not defined; define it or correct the spelling", up, t.what, code)
			continue
		}
		for steps := 0; up != ""; up = t.parent[up] {
			if steps++; up == code || steps > len(t.order) {
				p.fail(t.line[code], "%s %q is its own ancestor; correct its parent", t.what, code)
				break
			}
		}
	}
}

func (p *parser) city(root *yaml.Node) ticketing.City {
	f := p.fields(root, "the city", "name", "districts", "departments", "categories", "catalogue", "policy", "calendar", "process")
	c := ticketing.City{Name: p.text(f, "name", "the city", root.Line, true)}
	districts, departments, categories := newTree("district"), newTree("department"), newTree("category")

	for _, n := range p.list(f["districts"], "districts", root.Line) {
		i := p.fields(n, "a district", "code", "name", "parent")
		d := ticketing.District{Code: p.text(i, "code", "a district", n.Line, true),
			Name: p.text(i, "name", "a district", n.Line, true), Parent: p.text(i, "parent", "a district", n.Line, false)}
		p.add(districts, d.Code, d.Parent, n.Line)
		c.Districts = append(c.Districts, d)
	}
	p.check(districts)

	for _, n := range p.list(f["departments"], "departments", root.Line) {
		i := p.fields(n, "a department", "code", "name", "parent", "district")
		d := ticketing.Department{Code: p.text(i, "code", "a department", n.Line, true),
			Name: p.text(i, "name", "a department", n.Line, true), Parent: p.text(i, "parent", "a department", n.Line, false),
			District: p.text(i, "district", "a department", n.Line, false)}
		if d.District != "" && districts.line[d.District] == 0 {
			p.fail(n.Line, "district %q of department %q is not defined; define it or leave it out for the whole city", d.District, d.Code)
		}
		p.add(departments, d.Code, d.Parent, n.Line)
		c.Departments = append(c.Departments, d)
	}
	p.check(departments)

	for _, n := range p.list(f["categories"], "categories", root.Line) {
		i := p.fields(n, "a category", "code", "name", "parent")
		d := ticketing.Category{Code: p.text(i, "code", "a category", n.Line, true),
			Name: p.text(i, "name", "a category", n.Line, true), Parent: p.text(i, "parent", "a category", n.Line, false)}
		p.add(categories, d.Code, d.Parent, n.Line)
		c.Categories = append(c.Categories, d)
	}
	p.check(categories)

	if n := f["catalogue"]; n == nil {
		p.fail(root.Line, "the catalogue is missing; add catalogue: {version: 1, entries: […]}")
	} else {
		c.Catalogue = p.catalogue(n, districts, departments, categories)
	}
	c.Policy = p.raw(f["policy"], "policy", defaultPolicy)
	if c.Policy != nil {
		if _, err := sla.ParsePolicy(c.Policy); err != nil {
			p.fail(lineOf(f["policy"]), "%v", err)
		}
	}
	c.Calendar = p.raw(f["calendar"], "calendar", defaultCalendar)
	if c.Calendar != nil {
		if _, err := sla.ParseCalendar(c.Calendar); err != nil {
			p.fail(lineOf(f["calendar"]), "%v", err)
		}
	}
	if n := f["process"]; n != nil {
		p.into(n, "process", &c.Process)
	}
	return c
}

func lineOf(n *yaml.Node) int {
	if n == nil {
		return 0
	}
	return n.Line
}

func (p *parser) catalogue(n *yaml.Node, districts, departments, categories *tree) ticketing.Catalogue {
	f := p.fields(n, "the catalogue", "version", "entries", "lines", "rulings", "rules")
	var c ticketing.Catalogue
	version := p.text(f, "version", "the catalogue", n.Line, true)
	if v, err := strconv.Atoi(version); err == nil && v >= 1 {
		c.Version = v
	} else if version != "" {
		p.fail(f["version"].Line, "version %q of the catalogue must be a whole number from 1; raise it with every change", version)
	}
	inner := make(map[string]bool, len(categories.parent))
	for _, parent := range categories.parent {
		inner[parent] = true
	}
	first := map[[2]string]int{}
	for _, n := range p.list(f["entries"], "entries of the catalogue", n.Line) {
		i := p.fields(n, "a catalogue entry", "category", "district", "department")
		e := ticketing.CatalogueEntry{Category: p.text(i, "category", "a catalogue entry", n.Line, true),
			District:   p.text(i, "district", "a catalogue entry", n.Line, false),
			Department: p.text(i, "department", "a catalogue entry", n.Line, true)}
		switch {
		case e.Category != "" && categories.line[e.Category] == 0:
			p.fail(n.Line, "category %q is not defined; define it under categories or correct the spelling", e.Category)
		case inner[e.Category]:
			p.fail(n.Line, "category %q has sub-categories; name a leaf", e.Category)
		}
		if e.District != "" && districts.line[e.District] == 0 {
			p.fail(n.Line, "district %q is not defined; define it, or leave it out for the whole city", e.District)
		}
		if e.Department != "" && departments.line[e.Department] == 0 {
			p.fail(n.Line, "department %q is not defined; define it under departments or correct the spelling", e.Department)
		}
		key := [2]string{e.Category, e.District}
		if l := first[key]; l != 0 {
			p.fail(n.Line, "category %q in district %q is already in the catalogue in line %d; keep one", e.Category, e.District, l)
		} else {
			first[key] = n.Line
		}
		c.Entries = append(c.Entries, e)
	}
	for name, dest := range map[string]any{"lines": &c.Lines, "rulings": &c.Rulings, "rules": &c.Rules} {
		if n := f[name]; n != nil {
			p.into(n, name+" of the catalogue", dest)
		}
	}
	return c
}
