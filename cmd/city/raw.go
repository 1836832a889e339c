package city

import (
	"bytes"
	"encoding/json"
	"fmt"
	"io"
	"strings"
	"unicode"

	"go.yaml.in/yaml/v3"
)

// raw turns a part of the document into JSON, keeping the order of its keys.
// The policy and the calendar have packages of their own that check them.
func (p *parser) raw(n *yaml.Node, what string, absent func() json.RawMessage) json.RawMessage {
	if n == nil {
		return absent()
	}
	if n.Kind != yaml.MappingNode {
		p.fail(n.Line, "the %s must be a mapping; leave it out for the platform's default", what)
		return nil
	}
	var b bytes.Buffer
	if err := toJSON(&b, n); err != nil {
		p.fail(n.Line, "the %s cannot be read: %v", what, err)
		return nil
	}
	return b.Bytes()
}

// into reads a part that has the same shape in JSON; what it does not know is a fault.
func (p *parser) into(n *yaml.Node, what string, dest any) {
	var b bytes.Buffer
	if err := toJSON(&b, n); err != nil {
		p.fail(n.Line, "the %s cannot be read: %v", what, err)
		return
	}
	d := json.NewDecoder(&b)
	d.DisallowUnknownFields()
	if err := d.Decode(dest); err != nil {
		p.fail(n.Line, "the %s cannot be read: %v", what, err)
	}
}

func toJSON(b *bytes.Buffer, n *yaml.Node) error {
	switch n.Kind {
	case yaml.MappingNode:
		seen := make(map[string]bool, len(n.Content)/2)
		b.WriteByte('{')
		for i := 0; i+1 < len(n.Content); i += 2 {
			k := n.Content[i]
			if k.Kind != yaml.ScalarNode {
				return fmt.Errorf("line %d: a key must be a text", k.Line)
			}
			if seen[k.Value] {
				return fmt.Errorf("line %d: key %q is given twice", k.Line, k.Value)
			}
			seen[k.Value] = true
			if i > 0 {
				b.WriteByte(',')
			}
			writeJSON(b, k.Value)
			b.WriteByte(':')
			if err := toJSON(b, n.Content[i+1]); err != nil {
				return err
			}
		}
		b.WriteByte('}')
		return nil
	case yaml.SequenceNode:
		b.WriteByte('[')
		for i, c := range n.Content {
			if i > 0 {
				b.WriteByte(',')
			}
			if err := toJSON(b, c); err != nil {
				return err
			}
		}
		b.WriteByte(']')
		return nil
	default:
		return scalarJSON(b, n)
	}
}

// scalarJSON writes numbers, booleans and null as such and the rest, dates
// included, as text.
func scalarJSON(b *bytes.Buffer, n *yaml.Node) error {
	switch n.Tag {
	case "!!null":
		b.WriteString("null")
	case "!!bool", "!!int", "!!float":
		if v := strings.ToLower(n.Value); json.Valid([]byte(v)) {
			b.WriteString(v)
			return nil
		}
		var v any
		if err := n.Decode(&v); err != nil {
			return fmt.Errorf("line %d: %w", n.Line, err)
		}
		text, err := json.Marshal(v)
		if err != nil {
			return fmt.Errorf("line %d: %q is not a number that JSON knows", n.Line, n.Value)
		}
		b.Write(text)
	default:
		writeJSON(b, n.Value)
	}
	return nil
}

func writeJSON(b *bytes.Buffer, s string) {
	enc := json.NewEncoder(b)
	enc.SetEscapeHTML(false)
	_ = enc.Encode(s) // a string always encodes
	b.Truncate(b.Len() - 1)
}

// fromJSON builds the node of a JSON document, keeping the order of its keys.
func fromJSON(doc json.RawMessage) (*yaml.Node, error) {
	dec := json.NewDecoder(bytes.NewReader(doc))
	dec.UseNumber()
	n, err := jsonNode(dec)
	if err != nil {
		return nil, err
	}
	if _, err := dec.Token(); err != io.EOF {
		return nil, fmt.Errorf("more than one JSON value")
	}
	return n, nil
}

func jsonNode(dec *json.Decoder) (*yaml.Node, error) {
	t, err := dec.Token()
	if err != nil {
		return nil, fmt.Errorf("read JSON: %w", err)
	}
	switch v := t.(type) {
	case json.Delim:
		n := &yaml.Node{Kind: yaml.SequenceNode, Tag: "!!seq"}
		if v == '{' {
			n = &yaml.Node{Kind: yaml.MappingNode, Tag: "!!map"}
		}
		flat := true
		for dec.More() {
			c, err := jsonNode(dec)
			if err != nil {
				return nil, err
			}
			flat = flat && c.Kind == yaml.ScalarNode
			n.Content = append(n.Content, c)
		}
		if _, err := dec.Token(); err != nil {
			return nil, fmt.Errorf("read JSON: %w", err)
		}
		if flat && len(n.Content) <= 12 {
			n.Style = yaml.FlowStyle
		}
		return n, nil
	case json.Number:
		tag := "!!int"
		if strings.ContainsAny(v.String(), ".eE") {
			tag = "!!float"
		}
		return &yaml.Node{Kind: yaml.ScalarNode, Tag: tag, Value: v.String()}, nil
	case bool:
		return &yaml.Node{Kind: yaml.ScalarNode, Tag: "!!bool", Value: fmt.Sprint(v)}, nil
	case nil:
		return &yaml.Node{Kind: yaml.ScalarNode, Tag: "!!null", Value: "null"}, nil
	default:
		return textNode(fmt.Sprint(v)), nil
	}
}

// textNode is a string that reads back as a string. What is not plain is put
// in double quotes: block style loses leading line breaks.
func textNode(s string) *yaml.Node {
	n := &yaml.Node{Kind: yaml.ScalarNode, Tag: "!!str", Value: s}
	if strings.ContainsFunc(s, func(r rune) bool { return !unicode.IsPrint(r) }) {
		n.Style = yaml.DoubleQuotedStyle
	}
	return n
}
