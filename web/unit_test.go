package web

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"io"
	"net/http"
	"strings"
	"testing"
	"time"

	"github.com/danielgtaylor/huma/v2"
	"github.com/gofiber/fiber/v2"
	"github.com/stretchr/testify/require"
	"pgregory.net/rapid"

	"hotline/ticketing"
)

func TestPasswordHash(t *testing.T) {
	h, err := HashPassword("hotline-demo")
	require.NoError(t, err)
	require.True(t, strings.HasPrefix(h, "$argon2id$v=19$m=19456,t=2,p=1$"))
	other, err := HashPassword("hotline-demo")
	require.NoError(t, err)
	require.NotEqual(t, h, other)
	ok, err := checkPassword(h, "hotline-demo")
	require.NoError(t, err)
	require.True(t, ok)
	ok, err = checkPassword(h, "hotline-demo ")
	require.NoError(t, err)
	require.False(t, ok)

	// A hash that another implementation made (python argon2-cffi's form of parameters).
	for _, bad := range []string{
		"", "plain", "$argon2i$v=19$m=8,t=1,p=1$c29tZXNhbHQ$AAAAAAAAAAAAAAAAAAAAAA", "$argon2id$v=18$m=8,t=1,p=1$c29tZXNhbHQ$AAAAAAAAAAAAAAAAAAAAAA",
		"$argon2id$v=19$m=99999999,t=1,p=1$c29tZXNhbHQ$AAAAAAAAAAAAAAAAAAAAAA", "$argon2id$v=19$m=8,t=99,p=1$c29tZXNhbHQ$AAAAAAAAAAAAAAAAAAAAAA",
		"$argon2id$v=19$m=8,t=1,p=1$c29t$AAAAAAAAAAAAAAAAAAAAAA", "$argon2id$v=19$m=8,t=1,p=1$c29tZXNhbHQ$AAA",
		"$argon2id$v=19$m=0,t=0,p=0$c29tZXNhbHQ$AAAAAAAAAAAAAAAAAAAAAA", "$argon2id$v=19$m=8,t=1,p=1$!!!$AAAAAAAAAAAAAAAAAAAAAA",
	} {
		_, err := checkPassword(bad, "x")
		require.ErrorIs(t, err, errBadHash, bad)
	}
	_, err = HashPassword("")
	require.Error(t, err)
	_, err = HashPassword(strings.Repeat("x", maxPassword+1))
	require.Error(t, err)
}

func TestVerifierIsBounded(t *testing.T) {
	v, err := newVerifier(1)
	require.NoError(t, err)
	ok, err := v.check(context.Background(), "", "anything")
	require.NoError(t, err)
	require.False(t, ok)
	// An unknown user costs a whole hash with the parameters of a known one's:
	// nobody can tell by the time it takes.
	known, err := HashPassword("x")
	require.NoError(t, err)
	require.Equal(t, strings.Split(known, "$")[:4], strings.Split(v.dummy, "$")[:4])
	v.dummy = "broken"
	_, err = v.check(context.Background(), "", "anything")
	require.ErrorIs(t, err, errBadHash, "the hash of nobody is really computed")
	v.slots <- struct{}{} // someone else is at it
	ctx, cancel := context.WithCancel(context.Background())
	cancel()
	_, err = v.check(ctx, "", "anything")
	require.ErrorIs(t, err, context.Canceled)
}

func TestLimiterNeverGivesMoreThanItsRate(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		rate := Rate{Burst: rapid.IntRange(1, 20).Draw(t, "burst"), Per: time.Duration(rapid.IntRange(1, 600).Draw(t, "per")) * time.Second}
		now := time.Unix(1_800_000_000, 0)
		began, taken := now, 0
		l := NewMemoryLimiter(func() time.Time { return now })
		for range rapid.IntRange(1, 200).Draw(t, "steps") {
			now = now.Add(time.Duration(rapid.IntRange(0, 5000).Draw(t, "ms")) * time.Millisecond)
			ok, wait, err := l.Take(context.Background(), "k", rate)
			if err != nil {
				t.Fatal(err)
			}
			if ok {
				taken++
			} else {
				// After the wait it must be let through.
				at := now
				now = now.Add(wait + time.Millisecond)
				again, _, _ := l.Take(context.Background(), "k", rate)
				if !again {
					t.Fatalf("told to wait %v, refused after it", wait)
				}
				taken++
				_ = at
			}
			most := float64(rate.Burst) + float64(rate.Burst)*float64(now.Sub(began))/float64(rate.Per) + 1e-6
			if float64(taken) > most {
				t.Fatalf("%d taken in %v, at most %.2f allowed", taken, now.Sub(began), most)
			}
		}
	})
}

func TestLimiterKeepsKeysApartAndForgets(t *testing.T) {
	now := time.Unix(1_800_000_000, 0)
	l := NewMemoryLimiter(func() time.Time { return now }).(*memoryLimiter)
	rate := Rate{1, time.Minute}
	for i := range maxLimiterKeys + 10 {
		ok, _, err := l.Take(context.Background(), fmt.Sprint(i), rate)
		require.NoError(t, err)
		require.True(t, ok)
		if i%1000 == 0 {
			now = now.Add(time.Millisecond)
		}
	}
	require.LessOrEqual(t, len(l.buckets), maxLimiterKeys)
	ok, wait, _ := l.Take(context.Background(), fmt.Sprint(maxLimiterKeys+9), rate)
	require.False(t, ok)
	require.Positive(t, wait)
	require.NoError(t, l.Give(context.Background(), fmt.Sprint(maxLimiterKeys+9), rate))
	ok, _, _ = l.Take(context.Background(), fmt.Sprint(maxLimiterKeys+9), rate)
	require.True(t, ok)
	require.NoError(t, l.Reset(context.Background(), fmt.Sprint(maxLimiterKeys+9)))
	ok, _, _ = l.Take(context.Background(), fmt.Sprint(maxLimiterKeys+9), rate)
	require.True(t, ok)
}

func TestMask(t *testing.T) {
	for in, want := range map[string]string{
		"call from 13812345678 failed":                     "call from 138****5678 failed",
		"0519-86601234":                                    "0519-86****34",
		"id 320402199001011234":                            "id 320****1234",
		"id 32040219900101123X":                            "id 320****123X",
		"dial redis://hotline:geheim@10.0.0.1:6379/0: EOF": "dial redis://hotline:***@10.0.0.1:6379/0: EOF",
		"GET /x?password=geheim&a=1":                       "GET /x?password=***&a=1",
		"version 42, status 503":                           "version 42, status 503",
	} {
		require.Equal(t, want, mask(in))
	}
	for in, want := range map[string]string{"13812345678": "138****5678", "86601234": "86****34", "110": "****", "": ""} {
		require.Equal(t, want, maskPhone(in))
	}
}

func TestSameOrigin(t *testing.T) {
	for _, c := range []struct {
		site, origin, host string
		want               bool
	}{
		{"same-origin", "", "h", true},
		{"none", "", "h", true},
		{"cross-site", "http://h", "h", false},
		{"same-site", "http://h", "h", false},
		{"", "", "h", true}, // no browser
		{"", "http://h:8080", "h:8080", true},
		{"", "https://H:8080", "h:8080", true},
		{"", "http://evil", "h", false},
		{"", "null", "h", false},
		{"", "http://h.evil", "h", false},
		{"nonsense", "http://h", "h", false},
	} {
		require.Equal(t, c.want, sameOrigin(c.site, c.origin, c.host), "%+v", c)
	}
}

type memFile struct{ *bytes.Reader }

func (memFile) Close() error { return nil }

func TestRanges(t *testing.T) {
	data := []byte("0123456789")
	for _, c := range []struct {
		header, want string
		partial      bool
		status       int
	}{
		{"", "0123456789", false, 0},
		{"bytes=0-", "0123456789", true, 0},
		{"bytes=2-4", "234", true, 0},
		{"bytes=9-", "9", true, 0},
		{"bytes=-3", "789", true, 0},
		{"bytes=-30", "0123456789", true, 0},
		{"bytes=5-99", "56789", true, 0},
		{"bytes=10-", "", false, http.StatusRequestedRangeNotSatisfiable},
		{"bytes=-0", "", false, http.StatusRequestedRangeNotSatisfiable},
		{"bytes=4-2", "0123456789", false, 0},
		{"bytes=a-b", "0123456789", false, 0},
		{"bytes=0-1,3-4", "0123456789", false, 0},
		{"seconds=1-2", "0123456789", false, 0},
		{"bytes=99999999999999999999-", "0123456789", false, 0},
	} {
		r, err := serveRange(memFile{bytes.NewReader(data)}, c.header)
		if c.status != 0 {
			var p *Problem
			require.ErrorAs(t, err, &p, c.header)
			require.Equal(t, c.status, p.Status)
			continue
		}
		require.NoError(t, err, c.header)
		got, err := io.ReadAll(io.LimitReader(r.file, r.last-r.first+1))
		require.NoError(t, err)
		require.Equal(t, c.want, string(got), c.header)
		require.Equal(t, c.partial, r.partial, c.header)
	}
}

func TestProblemsNeverRepeatValues(t *testing.T) {
	p := fromHuma(&huma.ErrorModel{Status: 422, Errors: []*huma.ErrorDetail{
		{Message: "expected string to be RFC 5322 email: mail: missing '@' in 13812345678", Location: "body.x", Value: "13812345678"},
		{Message: "expected required property title to be present", Location: "body.appeal", Value: map[string]any{"phone": "13812345678"}},
	}})
	require.Len(t, p.Errors, 2)
	require.NotContains(t, fmt.Sprint(p.Errors), "1381")
	require.Equal(t, "expected required property title to be present", p.Errors[1].Message)
	p = fromHuma(&huma.ErrorModel{Status: 400, Errors: []*huma.ErrorDetail{{Message: "invalid character '1' in 138", Value: "{138"}}})
	require.Empty(t, p.Errors)
	require.Equal(t, "bad_request", p.Code)
	require.Equal(t, "internal", fromFiber(errors.New("13812345678")).Code)
	require.NotContains(t, fromFiber(errors.New("13812345678")).Detail, "138")
	for status := 400; status < 600; status++ {
		p := fromFiber(fiber.NewError(status))
		require.NotEmpty(t, p.Code, status)
		require.NotEmpty(t, p.Detail, status)
		if status < 500 {
			require.Equal(t, status, p.Status)
		}
	}
}

func TestClockState(t *testing.T) {
	at := func(min int) time.Time { return time.Unix(1_800_000_000, 0).Add(time.Duration(min) * time.Minute) }
	c := ticketing.Clock{StartedAt: at(0), YellowAt: at(50), RedAt: at(80), DueAt: at(100)}
	for min, want := range map[int]string{0: "green", 49: "green", 50: "yellow", 79: "yellow", 80: "red", 99: "red", 100: "overdue", 1000: "overdue"} {
		require.Equal(t, want, clockState(c, at(min)), min)
	}
	c.StoppedAt = at(100)
	require.Equal(t, "met", clockState(c, at(5000)))
	c.StoppedAt = at(101)
	require.Equal(t, "late", clockState(c, at(5000)))
	require.Zero(t, clockView(c, at(5000)).RemainingMS)
}

func TestPeriod(t *testing.T) {
	now := time.Date(2026, 11, 22, 17, 30, 0, 0, time.UTC) // 01:30 on the 23rd in Shanghai
	from, to, err := Period{}.bounds(now)
	require.NoError(t, err)
	require.Equal(t, "2026-11-23T00:00:00+08:00", from.Format(time.RFC3339))
	require.Equal(t, now, to)
	_, _, err = Period{From: now, To: now}.bounds(now)
	require.Error(t, err)
	_, _, err = Period{From: now.AddDate(-9, 0, 0), To: now}.bounds(now)
	require.Error(t, err)
}

func TestTraceID(t *testing.T) {
	require.Equal(t, "4bf92f3577b34da6a3ce929d0e0e4736", traceID("00-4BF92f3577b34da6a3ce929d0e0e4736-00f067aa0ba902b7-01"))
	for _, bad := range []string{"", "x", "00-4bf92f3577b34da6a3ce929d0e0e473-00f067aa0ba902b7-01", "00-00000000000000000000000000000000-00f067aa0ba902b7-01", "00-zzf92f3577b34da6a3ce929d0e0e4736-00f067aa0ba902b7-01"} {
		require.Len(t, traceID(bad), 32)
		require.NotEqual(t, traceID(bad), traceID(bad))
	}
}
