package config

import (
	"bytes"
	"errors"
	"fmt"
	"os"
	"strings"

	"go.yaml.in/yaml/v3"
)

// readSection reads a key of a file that holds more than a line can say, and
// refuses what it does not know. It leaves into alone when the key is not there.
func readSection(path, key string, into any) error {
	data, err := os.ReadFile(path)
	if err != nil {
		return fmt.Errorf("configuration file: %w", err)
	}
	var top map[string]yaml.Node
	if err := yaml.Unmarshal(data, &top); err != nil {
		return fmt.Errorf("configuration file %s: %w", path, err)
	}
	node, ok := top[key]
	if !ok {
		return nil
	}
	// Out and in again: only a decoder of its own refuses unknown keys.
	section, err := yaml.Marshal(&node)
	if err != nil {
		return fmt.Errorf("configuration file %s: %s: %w", path, key, err)
	}
	dec := yaml.NewDecoder(bytes.NewReader(section))
	dec.KnownFields(true)
	if err := dec.Decode(into); err != nil {
		return fmt.Errorf("configuration file %s, in %s at line %d: %w", path, key, node.Line, unsecret(err))
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
