package telephony

import (
	"log/slog"
	"slices"
	"sync"
	"time"

	"hotline/telephony/ivr"
	"hotline/telephony/media"
	"hotline/telephony/prompts"
)

// sounds are the sentences that the centre plays, read once at start-up.
type sounds struct {
	mu    sync.RWMutex            // of clips: announcements add to them
	clips map[string]media.Source // by name, or LANGUAGE/name
}

// sentences are the names of all that may be played: in the usual language, and where a flow speaks another one, in that.
func sentences(flows []ivr.Flow) (names []string) {
	said, languages := prompts.Names(), []string{}
	for _, f := range flows {
		said = append(said, f.Prompts()...)
		languages = append(languages, f.Languages()...)
	}
	add := func(name string) {
		if !slices.Contains(names, name) {
			names = append(names, name)
		}
	}
	for _, name := range said {
		add(name)
	}
	for _, language := range languages {
		for _, name := range said {
			if name != prompts.Music {
				add(language + "/" + name)
			}
		}
	}
	return names
}

// loadSounds reads the prompts. One that is missing or broken is told, and a tone takes its place, or the sentence of the usual language: a
// caller never hears silence.
func loadSounds(cfg Config, log *slog.Logger) *sounds {
	s := &sounds{clips: map[string]media.Source{}}
	for _, name := range sentences(cfg.Flows) {
		clip, err := media.FromWAV(cfg.Prompts, name+".wav")
		if err != nil {
			_, _, foreign := prompts.Foreign(name)
			log.Warn("prompt cannot be read, another sound is played in its place", "prompt", name+".wav", "error", err)
			if !foreign {
				s.clips[name] = standIn(name)
			}
			continue
		}
		s.clips[name] = clip
	}
	return s
}

func standIn(name string) media.Source {
	if name == prompts.Music {
		return media.Concat(media.Tone(440, -30, time.Second), media.Silence(4*time.Second))
	}
	return beep()
}

func beep() media.Source {
	return media.Concat(media.Tone(660, -20, 300*time.Millisecond), media.Silence(100*time.Millisecond))
}

// say makes one sound of sentences in a language; "" is the usual one.
func (s *sounds) say(language string, names ...string) media.Source {
	parts := make([]media.Source, 0, len(names))
	s.mu.RLock()
	defer s.mu.RUnlock()
	for _, n := range names {
		clip := s.clips[language+"/"+n]
		if clip == nil {
			clip = s.clips[n]
		}
		if clip == nil { // it is no sentence that was known at start-up
			clip = standIn(n)
		}
		parts = append(parts, clip)
	}
	if len(parts) == 1 {
		return parts[0]
	}
	return media.Concat(parts...)
}

// ringback is the tone of a called party's ringing in China: 450 Hz, 1 s on,
// 4 s off (GB/T 3380).
func ringback() media.Source {
	return media.Concat(media.Tone(450, -15, time.Second), media.Silence(4*time.Second))
}
