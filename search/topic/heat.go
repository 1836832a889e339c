package topic

import (
	"math"
	"time"
)

// How heat is made.
const (
	halfLife  = 180 * 24 * time.Hour // after the last report
	month     = 30.0                 // days
	likeScale = 3                    // likes weigh as logarithms: 3 likes two reports, 300 fourteen
	onePlace  = 1.2                  // factor of a topic most of whose reports name one place
	mostly    = 0.6
	alone     = 0.6 // factor of what one person says alone
)

// Heat is how much a topic moves people at a time: how many of them, how many a month
// while it lasts, how many agree, how many were left dissatisfied; more where it is
// about one place, less the longer nothing came.
type Heat struct {
	Value     float64
	People    int
	Likes     int
	Bad       int
	PerMonth  float64 // people, over the time from the first report to the last and a month
	First     time.Time
	Last      time.Time
	PlaceSure bool // most reports name one place
}

// Heat weighs a topic.
func (t *Topic) Heat(now time.Time) Heat {
	h := Heat{First: t.Members[0].Time, Last: t.Members[0].Time}
	users, weight := map[string]int{}, 0.0
	for _, m := range t.Members {
		if m.User == "" {
			h.People++
			weight++
		} else {
			users[m.User]++
			if n := float64(users[m.User]); n == 1 {
				weight++
			} else { // who reports again adds less
				weight += (math.Log(n) - math.Log(n-1)) / 2
			}
		}
		h.Likes += m.Likes
		if m.Bad {
			h.Bad++
		}
		if m.Time.Before(h.First) {
			h.First = m.Time
		}
		if m.Time.After(h.Last) {
			h.Last = m.Time
		}
	}
	h.People += len(users)
	days := h.Last.Sub(h.First).Hours() / 24
	h.PerMonth = float64(h.People) * month / (days + month)
	h.PlaceSure = t.placeShare() >= mostly
	h.Value = weight + h.PerMonth + likeScale*math.Log(1+float64(h.Likes)/likeScale) + float64(h.Bad)
	if h.People == 1 {
		h.Value *= alone
	}
	if h.PlaceSure {
		h.Value *= onePlace
	}
	if age := now.Sub(h.Last); age > 0 {
		h.Value *= math.Pow(0.5, float64(age)/float64(halfLife))
	}
	return h
}

// placeShare is the part of the reports that name the place which most of them name.
func (t *Topic) placeShare() float64 {
	most := 0
	for _, n := range t.known {
		most = max(most, n)
	}
	if most == 0 { // by words: how alike the places are that are named
		if t.place.n < 2 {
			return float64(t.place.n) / float64(len(t.Members))
		}
		n := float64(t.place.n)
		return (t.place.dot(&t.place) - n) / (n * (n - 1)) * n / float64(len(t.Members)) * 2
	}
	return float64(most) / float64(len(t.Members))
}
