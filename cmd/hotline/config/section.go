package config

import (
	"bytes"
	"errors"
	"fmt"
	"os"
	"strings"

	"go.yaml.in/yaml/v3"
)

// sections are the keys of a file that hold more than a line can say.
type sections struct {
	path string
	keys map[string]yaml.Node
}

func openSections(path string) (sections, error) {
	data, err := os.ReadFile(path)
	if err != nil {
		return sections{}, fmt.Errorf("configuration file: %w", err)
	}
	s := sections{path: path}
	if err := yaml.Unmarshal(data, &s.keys); err != nil {
		return s, fmt.Errorf("configuration file %s: %w", path, err)
	}
	return s, nil
}

// read decodes a key, and refuses what it does not know. It leaves into alone
// when the key is not there.
func (s sections) read(key string, into any) error {
	node, ok := s.keys[key]
	if !ok {
		return nil
	}
	// Out and in again: only a decoder of its own refuses unknown keys.
	section, err := yaml.Marshal(&node)
	if err != nil {
		return fmt.Errorf("configuration file %s: %s: %w", s.path, key, err)
	}
	dec := yaml.NewDecoder(bytes.NewReader(section))
	dec.KnownFields(true)
	if err := dec.Decode(into); err != nil {
		return fmt.Errorf("configuration file %s, in %s at line %d: %w", s.path, key, node.Line, unsecret(err))
	}
	return nil
}

// unsecret keeps what stood in the file out of a decoder's complaint.
func unsecret(err error) error {
	var typed *yaml.TypeError
	if !errors.As(err, &typed) {
		return err
	}
	plain := make([]string, len(typed.Errors))
	for i, e := range typed.Errors {
		before, after, quoted := strings.Cut(e, "`")
		if quoted {
			_, after, _ = strings.Cut(after, "`")
			e = before + "a value" + after
		}
		plain[i] = strings.ReplaceAll(e, "config.", "")
	}
	return errors.New(strings.Join(plain, "; "))
}
