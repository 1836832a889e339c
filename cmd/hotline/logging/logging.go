package logging

import (
	"context"
	"fmt"
	"io"
	"log/slog"
	"regexp"
	"strings"
)

// New makes a log of JSON lines at a level: debug, info, warn or error.
func New(w io.Writer, level string) (*slog.Logger, error) {
	var l slog.Level
	if err := l.UnmarshalText([]byte(level)); err != nil {
		return nil, fmt.Errorf("unknown log level %q; use debug, info, warn or error", level)
	}
	return slog.New(masking{slog.NewJSONHandler(w, &slog.HandlerOptions{Level: l})}), nil
}

// personal finds Chinese mobile numbers and identity card numbers that stand
// alone; digits within longer runs (ids, times, traces) are left as they are.
var personal = regexp.MustCompile(`(^|[^0-9A-Za-z_-])((?:\+?86)?1[3-9]\d{9}|\d{17}[\dXx])([^0-9A-Za-z_-]|$)`)

// Mask hides telephone and identity card numbers in a text.
func Mask(s string) string {
	if !strings.ContainsAny(s, "0123456789") {
		return s
	}
	// Twice: matches that share a separator overlap.
	return maskOnce(maskOnce(s))
}

func maskOnce(s string) string {
	return personal.ReplaceAllStringFunc(s, func(found string) string {
		parts := personal.FindStringSubmatch(found)
		number := parts[2]
		return parts[1] + number[:3] + "****" + number[len(number)-4:] + parts[3]
	})
}

// masking masks on the way to another handler.
type masking struct{ next slog.Handler }

func (m masking) Enabled(ctx context.Context, l slog.Level) bool { return m.next.Enabled(ctx, l) }

func (m masking) Handle(ctx context.Context, r slog.Record) error {
	clean := slog.NewRecord(r.Time, r.Level, Mask(r.Message), r.PC)
	r.Attrs(func(a slog.Attr) bool {
		clean.AddAttrs(maskAttr(a))
		return true
	})
	return m.next.Handle(ctx, clean)
}

func (m masking) WithAttrs(attrs []slog.Attr) slog.Handler {
	clean := make([]slog.Attr, len(attrs))
	for i, a := range attrs {
		clean[i] = maskAttr(a)
	}
	return masking{m.next.WithAttrs(clean)}
}

func (m masking) WithGroup(name string) slog.Handler { return masking{m.next.WithGroup(name)} }

func maskAttr(a slog.Attr) slog.Attr {
	a.Value = a.Value.Resolve()
	switch a.Value.Kind() {
	case slog.KindString:
		a.Value = slog.StringValue(Mask(a.Value.String()))
	case slog.KindGroup:
		group := a.Value.Group()
		clean := make([]slog.Attr, len(group))
		for i, g := range group {
			clean[i] = maskAttr(g)
		}
		a.Value = slog.GroupValue(clean...)
	case slog.KindAny:
		// Errors and the like: what they say is a text too.
		a.Value = slog.StringValue(Mask(fmt.Sprint(a.Value.Any())))
	}
	return a
}
