package ticketing

import (
	"errors"
	"fmt"
	"slices"
)

// cityIndex looks things up in one version of the reference data.
type cityIndex struct {
	version     int64
	city        City
	parents     map[string]string // category → parent
	leaves      map[string]bool   // category → has no children
	districts   map[string]string // district → parent
	departments map[string]Department
	below       map[string][]string // "c:"/"d:"/"u:" + code → itself and all below
}

func newCityIndex(version int64, c City) cityIndex {
	x := cityIndex{
		version: version, city: c,
		parents: map[string]string{}, leaves: map[string]bool{}, districts: map[string]string{},
		departments: map[string]Department{}, below: map[string][]string{},
	}
	departments := map[string]string{}
	for _, d := range c.Categories {
		x.parents[d.Code] = d.Parent
		x.leaves[d.Code] = true
	}
	for _, d := range c.Categories {
		delete(x.leaves, d.Parent)
	}
	for _, d := range c.Districts {
		x.districts[d.Code] = d.Parent
	}
	for _, d := range c.Departments {
		x.departments[d.Code] = d
		departments[d.Code] = d.Parent
	}
	for prefix, tree := range map[string]map[string]string{"c:": x.parents, "d:": x.districts, "u:": departments} {
		for code := range tree {
			for node, depth := code, 0; node != "" && depth < maxDepth; node, depth = tree[node], depth+1 {
				x.below[prefix+node] = append(x.below[prefix+node], code)
			}
		}
	}
	return x
}

// maxDepth bounds the trees, so that a cycle cannot hang anybody.
const maxDepth = 16

// path is a category and its ancestors, leaf first.
func (x cityIndex) path(category string) []string {
	var path []string
	for node := category; node != "" && len(path) < maxDepth; node = x.parents[node] {
		path = append(path, node)
	}
	return path
}

// spread replaces each node by itself and all below it.
func (x cityIndex) spread(prefix string, codes []string) []string {
	var all []string
	for _, code := range codes {
		if below, ok := x.below[prefix+code]; ok {
			all = append(all, below...)
		} else {
			all = append(all, code)
		}
	}
	slices.Sort(all)
	return slices.Compact(all)
}

// A city that has not been imported knows nothing and refuses nothing: tickets
// are taken all the same and wait at the dispatch desk.
func (x cityIndex) checkCategory(c string) error {
	if err := code("appeal.category", c, maxCode); err != nil || c == "" || len(x.parents) == 0 {
		return err
	}
	if _, ok := x.parents[c]; !ok {
		return invalid("appeal.category", "is not a known category; see GET /api/v1/categories", "没有这个诉求分类")
	}
	if !x.leaves[c] {
		return invalid("appeal.category", "is a family; choose a category below it", "请选择最末级分类")
	}
	return nil
}

func (x cityIndex) checkDistrict(d string) error {
	if err := code("appeal.district", d, maxCode); err != nil || d == "" || len(x.districts) == 0 {
		return err
	}
	if _, ok := x.districts[d]; !ok {
		return invalid("appeal.district", "is not a known district; see GET /api/v1/districts", "没有这个区域")
	}
	return nil
}

// departmentIn checks a field that names a department; empty is none.
func (x cityIndex) departmentIn(field, d string) error {
	if err := code(field, d, maxCode); err != nil || d == "" || len(x.departments) == 0 {
		return err
	}
	if _, ok := x.departments[d]; !ok {
		return invalid(field, "is not a known department; see GET /api/v1/departments", "没有这个承办单位")
	}
	return nil
}

// level is how deep a department stands: 1 city, 2 district, 3 street. A
// department of a district is one level deeper than the tree says when it has
// no parent there.
func (x cityIndex) level(department string) int {
	d, ok := x.departments[department]
	if !ok {
		return 0
	}
	depth := 1
	for node := d.Parent; node != "" && depth < maxDepth; node = x.departments[node].Parent {
		depth++
	}
	area := 1
	for node := d.District; node != "" && area < maxDepth; node = x.districts[node] {
		area++
	}
	return max(depth, area)
}

// under tells whether a department stands below another.
func (x cityIndex) under(department, above string) bool {
	if above == "" || department == above {
		return false
	}
	for node, depth := x.departments[department].Parent, 0; node != "" && depth < maxDepth; node, depth = x.departments[node].Parent, depth+1 {
		if node == above {
			return true
		}
	}
	return false
}

// ValidateCity checks that codes are unique and that whatever is referred to
// exists. The policy and the calendar are checked by RulesFunc.
func ValidateCity(c City) error {
	if c.Name == "" {
		return required("name")
	}
	categories, districts, departments := map[string]string{}, map[string]string{}, map[string]string{}
	for i, d := range c.Categories {
		if err := addNode(categories, fmt.Sprintf("categories[%d]", i), d.Code, d.Name, d.Parent); err != nil {
			return err
		}
	}
	for i, d := range c.Districts {
		if err := addNode(districts, fmt.Sprintf("districts[%d]", i), d.Code, d.Name, d.Parent); err != nil {
			return err
		}
	}
	for i, d := range c.Departments {
		field := fmt.Sprintf("departments[%d]", i)
		if err := addNode(departments, field, d.Code, d.Name, d.Parent); err != nil {
			return err
		}
		if _, ok := districts[d.District]; d.District != "" && !ok {
			return invalid(field+".district", "names a district that is not listed", "所属区域不存在")
		}
	}
	trees := []struct {
		name string
		tree map[string]string
	}{{"categories", categories}, {"districts", districts}, {"departments", departments}}
	for _, t := range trees {
		if err := checkTree(t.name, t.tree); err != nil {
			return err
		}
	}
	if err := checkProcess(c.Process); err != nil {
		return err
	}
	return checkCatalogue(c.Catalogue, categories, districts, departments)
}

func addNode(tree map[string]string, field, id, name, parent string) error {
	if id == "" {
		return required(field + ".code")
	}
	if err := code(field+".code", id, maxCode); err != nil {
		return err
	}
	if name == "" {
		return required(field + ".name")
	}
	if _, twice := tree[id]; twice {
		return invalid(field+".code", "is used twice", "编码重复")
	}
	tree[id] = parent
	return nil
}

func checkTree(name string, tree map[string]string) error {
	for code := range tree {
		depth := 0
		for node := tree[code]; node != ""; node = tree[node] {
			if _, ok := tree[node]; !ok {
				return invalid(name+"."+code+".parent", "names a node that is not listed", "上级不存在")
			}
			if depth++; depth >= maxDepth {
				return invalid(name+"."+code+".parent", "runs in a circle or too deep", "上级关系成环或层级过深")
			}
		}
	}
	return nil
}

func checkCatalogue(c Catalogue, categories, districts, departments map[string]string) error {
	seen := map[[2]string]bool{}
	for i, e := range c.Entries {
		field := fmt.Sprintf("catalogue.entries[%d]", i)
		if _, ok := categories[e.Category]; !ok {
			return invalid(field+".category", "names a category that is not listed", "诉求分类不存在")
		}
		if _, ok := districts[e.District]; e.District != "" && !ok {
			return invalid(field+".district", "names a district that is not listed", "区域不存在")
		}
		if _, ok := departments[e.Department]; !ok {
			return invalid(field+".department", "names a department that is not listed", "承办单位不存在")
		}
		key := [2]string{e.Category, e.District}
		if seen[key] {
			return invalid(field, "repeats a category and district that has an entry already", "同一分类与区域重复")
		}
		seen[key] = true
	}
	return checkRouting(c, categories, districts, departments)
}

// checkRouting checks what goes before the entries.
func checkRouting(c Catalogue, categories, districts, departments map[string]string) error {
	known := func(field string, tree map[string]string, codes ...string) error {
		for _, id := range codes {
			if _, ok := tree[id]; !ok && id != "" {
				return invalid(field, "names what is not listed", "引用的编码不存在")
			}
		}
		return nil
	}
	for i, l := range c.Lines {
		field := fmt.Sprintf("catalogue.lines[%d]", i)
		if l.Line == "" || l.Department == "" {
			return required(field)
		}
		if err := known(field+".department", departments, l.Department); err != nil {
			return err
		}
	}
	for i, r := range c.Rulings {
		field := fmt.Sprintf("catalogue.rulings[%d]", i)
		if r.Category == "" || r.Department == "" {
			return required(field)
		}
		if err := errors.Join(known(field+".category", categories, r.Category), known(field+".district", districts, r.District),
			known(field+".department", departments, r.Department)); err != nil {
			return err
		}
	}
	for i, r := range c.Rules {
		field := fmt.Sprintf("catalogue.rules[%d]", i)
		if r.Department == "" {
			return required(field + ".department")
		}
		if len(r.Types)+len(r.Categories)+len(r.Districts)+len(r.Lines)+len(r.Words)+len(r.Addresses) == 0 {
			return invalid(field, "has no condition; it would take every ticket", "规则没有任何条件")
		}
		if err := errors.Join(known(field+".categories", categories, r.Categories...), known(field+".districts", districts, r.Districts...),
			known(field+".department", departments, r.Department)); err != nil {
			return err
		}
	}
	return nil
}
