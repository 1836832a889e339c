package search

import (
	"regexp"
	"strconv"
	"strings"
	"time"
)

// period is a span of days that somebody names: 上周, 最近三天, 2026-11, 11月1日至11月9日.
type period struct{ from, to time.Time } // [from, to)

var shanghai = time.FixedZone(DayZone, 8*60*60)

var (
	fullDay   = regexp.MustCompile(`^(\d{4})(?:-|/|\.|年)(\d{1,2})(?:-|/|\.|月)(\d{1,2})日?$`)
	fullMonth = regexp.MustCompile(`^(\d{4})(?:-|/|年)(\d{1,2})月?$`)
	shortDay  = regexp.MustCompile(`^(\d{1,2})月(\d{1,2})[日号]$`)
	lately    = regexp.MustCompile(`^(?:最近|近|过去)(\d{1,3}|[一两二三四五六七八九十]{1,3}|半)个?(天|日|周|星期|月|年)$`)
)

// readPeriod understands a name of days; now says what today is.
func readPeriod(text string, now time.Time) (period, bool) {
	for _, between := range []string{"至", "到", "..", "~", "—"} {
		if a, b, ok := strings.Cut(text, between); ok {
			first, ok1 := readDays(a, now)
			last, ok2 := readDays(b, now)
			return period{first.from, last.to}, ok1 && ok2 && last.to.After(first.from)
		}
	}
	return readDays(text, now)
}

func readDays(text string, now time.Time) (period, bool) {
	now = now.In(shanghai)
	today := time.Date(now.Year(), now.Month(), now.Day(), 0, 0, 0, 0, shanghai)
	monday := today.AddDate(0, 0, -(int(today.Weekday())+6)%7)
	month := time.Date(today.Year(), today.Month(), 1, 0, 0, 0, 0, shanghai)
	year := time.Date(today.Year(), 1, 1, 0, 0, 0, 0, shanghai)
	switch text {
	case "今天", "今日", "today":
		return period{today, today.AddDate(0, 0, 1)}, true
	case "昨天", "昨日", "yesterday":
		return period{today.AddDate(0, 0, -1), today}, true
	case "前天":
		return period{today.AddDate(0, 0, -2), today.AddDate(0, 0, -1)}, true
	case "本周", "这周", "本星期":
		return period{monday, monday.AddDate(0, 0, 7)}, true
	case "上周", "上星期", "上个星期":
		return period{monday.AddDate(0, 0, -7), monday}, true
	case "本月", "这个月":
		return period{month, month.AddDate(0, 1, 0)}, true
	case "上月", "上个月":
		return period{month.AddDate(0, -1, 0), month}, true
	case "今年":
		return period{year, year.AddDate(1, 0, 0)}, true
	case "去年":
		return period{year.AddDate(-1, 0, 0), year}, true
	}
	if p, ok := latelyOf(text, today); ok {
		return p, true
	}
	return calendarDays(text, today)
}

// latelyOf reads 最近三天: today and the days before it.
func latelyOf(text string, today time.Time) (period, bool) {
	m := lately.FindStringSubmatch(text)
	if m == nil {
		return period{}, false
	}
	tomorrow := today.AddDate(0, 0, 1)
	if m[1] == "半" {
		switch m[2] {
		case "月":
			return period{tomorrow.AddDate(0, 0, -15), tomorrow}, true
		case "年":
			return period{tomorrow.AddDate(0, -6, 0), tomorrow}, true
		}
		return period{}, false
	}
	n, ok := count(m[1])
	if !ok || n < 1 || n > 999 {
		return period{}, false
	}
	from := map[string]time.Time{
		"天": tomorrow.AddDate(0, 0, -n), "日": tomorrow.AddDate(0, 0, -n), "周": tomorrow.AddDate(0, 0, -7*n), "星期": tomorrow.AddDate(0, 0, -7*n),
		"月": tomorrow.AddDate(0, -n, 0), "年": tomorrow.AddDate(-n, 0, 0),
	}[m[2]]
	return period{from, tomorrow}, true
}

// count reads digits or a Han number up to 99.
func count(text string) (int, bool) {
	if n, err := strconv.Atoi(text); err == nil {
		return n, true
	}
	digits := map[rune]int{'一': 1, '二': 2, '两': 2, '三': 3, '四': 4, '五': 5, '六': 6, '七': 7, '八': 8, '九': 9}
	tens, ones, isTen := strings.Cut(text, "十")
	if !isTen {
		r := []rune(text)
		return digits[r[0]], len(r) == 1
	}
	n := 10
	if r := []rune(tens); len(r) == 1 && digits[r[0]] > 0 {
		n = 10 * digits[r[0]]
	} else if len(r) > 0 {
		return 0, false
	}
	if r := []rune(ones); len(r) == 1 && digits[r[0]] > 0 {
		n += digits[r[0]]
	} else if len(r) > 0 {
		return 0, false
	}
	return n, true
}

// calendarDays reads a day or a month as the calendar has it. A day without a year is
// the last such day.
func calendarDays(text string, today time.Time) (period, bool) {
	number := func(s string) int { n, _ := strconv.Atoi(s); return n } // of at most four digits
	day := func(y, m, d int) (period, bool) {
		t := time.Date(y, time.Month(m), d, 0, 0, 0, 0, shanghai)
		return period{t, t.AddDate(0, 0, 1)}, t.Day() == d && int(t.Month()) == m && y > 0
	}
	if m := fullDay.FindStringSubmatch(text); m != nil {
		return day(number(m[1]), number(m[2]), number(m[3]))
	}
	if m := fullMonth.FindStringSubmatch(text); m != nil {
		t := time.Date(number(m[1]), time.Month(number(m[2])), 1, 0, 0, 0, 0, shanghai)
		return period{t, t.AddDate(0, 1, 0)}, number(m[2]) >= 1 && number(m[2]) <= 12 && number(m[1]) > 0
	}
	if m := shortDay.FindStringSubmatch(text); m != nil {
		p, ok := day(today.Year(), number(m[1]), number(m[2]))
		if ok && p.from.After(today) {
			return day(today.Year()-1, number(m[1]), number(m[2]))
		}
		return p, ok
	}
	return period{}, false
}
