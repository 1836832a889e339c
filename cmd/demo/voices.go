package demo

import (
	"embed"
	"fmt"
	"strings"

	"hotline/cmd/city"
	"hotline/telephony/media"
	"hotline/ticketing"
)

//go:embed voices/*.wav
var voiceFiles embed.FS

// voices are the spoken sentences by name.
type voices struct{ clips map[string]media.Clip }

func loadVoices() (*voices, error) {
	entries, err := voiceFiles.ReadDir("voices")
	if err != nil {
		return nil, fmt.Errorf("demo: voices: %w", err)
	}
	v := &voices{clips: make(map[string]media.Clip, len(entries))}
	for _, e := range entries {
		clip, err := media.FromWAV(voiceFiles, "voices/"+e.Name())
		if err != nil {
			return nil, fmt.Errorf("demo: voice %s: %w", e.Name(), err)
		}
		v.clips[strings.TrimSuffix(e.Name(), ".wav")] = clip
	}
	return v, nil
}

// citizen is what the caller of a case says, sentence by sentence.
func (v *voices) citizen(c city.Case) []media.Clip {
	greeting := fmt.Sprintf("citizen-complaint-%d", 1+c.Caller%2)
	switch c.Appeal.Type {
	case ticketing.Inquiry:
		greeting = "citizen-inquiry"
	case ticketing.Praise:
		greeting = "citizen-praise"
	}
	family, _, _ := strings.Cut(c.Appeal.Category, "-")
	return v.pick(greeting, "citizen-"+family, "citizen-address")
}

// farewell is the caller's last sentence.
func (v *voices) farewell(c city.Case) []media.Clip {
	return v.pick(fmt.Sprintf("citizen-thanks-%d", 1+c.Caller%2))
}

func (v *voices) pick(names ...string) []media.Clip {
	var out []media.Clip
	for _, n := range names {
		if c, ok := v.clips[n]; ok {
			out = append(out, c)
		}
	}
	return out
}
