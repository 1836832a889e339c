package telephony

import (
	"io/fs"
	"log/slog"
	"time"

	"hotline/telephony/media"
	"hotline/telephony/prompts"
)

// sounds are the sentences that the centre plays, read once at start-up.
type sounds struct {
	clips map[string]media.Source
}

// loadSounds reads the prompts. One that is missing or broken is told, and a
// tone takes its place: a caller never hears silence.
func loadSounds(fsys fs.FS, more []string, log *slog.Logger) *sounds {
	s := &sounds{clips: map[string]media.Source{}}
	for _, name := range append(prompts.Names(), more...) {
		if s.clips[name] != nil {
			continue
		}
		clip, err := media.FromWAV(fsys, name+".wav")
		if err != nil {
			log.Warn("prompt cannot be read, a tone is played in its place", "prompt", name+".wav", "error", err)
			s.clips[name] = standIn(name)
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
	return media.Concat(media.Tone(660, -20, 300*time.Millisecond), media.Silence(100*time.Millisecond))
}

func (s *sounds) say(names ...string) media.Source {
	parts := make([]media.Source, 0, len(names))
	for _, n := range names {
		parts = append(parts, s.clips[n])
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
