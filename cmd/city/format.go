package city

import (
	"bytes"
	"encoding/json"
	"fmt"
	"strconv"

	"go.yaml.in/yaml/v3"

	"hotline/ticketing"
)

// Format writes a city document that Parse reads back to the same city. It
// fails only when the policy or the calendar is not JSON.
func Format(c ticketing.City) ([]byte, error) {
	root := mapping("name", textNode(c.Name))
	districts := list()
	for _, d := range c.Districts {
		districts.Content = append(districts.Content, item("code", d.Code, "name", d.Name, "parent", d.Parent))
	}
	departments := list()
	for _, d := range c.Departments {
		departments.Content = append(departments.Content, item("code", d.Code, "name", d.Name, "parent", d.Parent, "district", d.District))
	}
	categories := list()
	for _, d := range c.Categories {
		categories.Content = append(categories.Content, item("code", d.Code, "name", d.Name, "parent", d.Parent))
	}
	entries := list()
	for _, e := range c.Catalogue.Entries {
		entries.Content = append(entries.Content, item("category", e.Category, "district", e.District, "department", e.Department))
	}
	version := &yaml.Node{Kind: yaml.ScalarNode, Tag: "!!int", Value: strconv.Itoa(c.Catalogue.Version)}
	set(root, "districts", districts)
	set(root, "departments", departments)
	set(root, "categories", categories)
	catalogue := mapping("version", version, "entries", entries)
	set(root, "catalogue", catalogue)
	for _, part := range []struct {
		name  string
		into  *yaml.Node
		empty bool
		value any
	}{
		{"lines", catalogue, len(c.Catalogue.Lines) == 0, c.Catalogue.Lines}, {"rulings", catalogue, len(c.Catalogue.Rulings) == 0, c.Catalogue.Rulings},
		{"rules", catalogue, len(c.Catalogue.Rules) == 0, c.Catalogue.Rules}, {"process", root, c.Process == nil, c.Process},
	} {
		if part.empty {
			continue
		}
		raw, err := json.Marshal(part.value)
		if err != nil {
			return nil, fmt.Errorf("format %s: %w", part.name, err)
		}
		n, err := fromJSON(raw)
		if err != nil {
			return nil, fmt.Errorf("format %s: %w", part.name, err)
		}
		set(part.into, part.name, n)
	}
	for _, part := range []struct {
		name string
		doc  json.RawMessage
	}{{"policy", c.Policy}, {"calendar", c.Calendar}} {
		if len(part.doc) == 0 {
			continue
		}
		n, err := fromJSON(part.doc)
		if err != nil {
			return nil, fmt.Errorf("format %s: %w", part.name, err)
		}
		set(root, part.name, n)
	}
	var b bytes.Buffer
	enc := yaml.NewEncoder(&b)
	enc.SetIndent(2)
	if err := enc.Encode(root); err != nil {
		return nil, fmt.Errorf("format city: %w", err)
	}
	if err := enc.Close(); err != nil {
		return nil, fmt.Errorf("format city: %w", err)
	}
	return b.Bytes(), nil
}

func list() *yaml.Node { return &yaml.Node{Kind: yaml.SequenceNode, Tag: "!!seq"} }

func set(m *yaml.Node, key string, v *yaml.Node) {
	m.Content = append(m.Content, textNode(key), v)
}

// mapping takes pairs of a key and a *yaml.Node.
func mapping(pairs ...any) *yaml.Node {
	m := &yaml.Node{Kind: yaml.MappingNode, Tag: "!!map"}
	for i := 0; i+1 < len(pairs); i += 2 {
		set(m, pairs[i].(string), pairs[i+1].(*yaml.Node))
	}
	return m
}

// item is one line of a list: pairs of key and value, empty values left out.
func item(pairs ...string) *yaml.Node {
	m := &yaml.Node{Kind: yaml.MappingNode, Tag: "!!map", Style: yaml.FlowStyle}
	for i := 0; i+1 < len(pairs); i += 2 {
		if pairs[i+1] != "" {
			set(m, pairs[i], textNode(pairs[i+1]))
		}
	}
	return m
}
