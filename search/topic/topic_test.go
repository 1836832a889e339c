package topic_test

import (
	"fmt"
	"math/rand/v2"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/stretchr/testify/require"
	"pgregory.net/rapid"

	"hotline/search/topic"
)

var noon = time.Date(2026, 5, 4, 12, 0, 0, 0, time.UTC)

// Matters as people put them, each in several wordings, and places they are at.
var (
	matters = [][]string{
		{"搅拌站噪音扰民", "搅拌站夜里轰鸣睡不着", "附近搅拌站灰尘大噪音大", "搅拌站噪音太吵"},
		{"商铺油烟直排", "楼下餐馆油烟味重", "夜宵摊油烟扰民", "餐馆油烟没有烟道"},
		{"路灯不亮", "晚上路灯全黑", "路灯坏了半个月", "几盏路灯不亮"},
		{"捆绑销售车位", "买房强制搭售车位", "开发商车位捆绑销售", "车位捆绑才肯卖房"},
		{"拖欠农民工工资", "工地欠薪", "包工头拖欠工资", "工资拖欠三个月"},
	}
	places = func() []string {
		var names []string
		for i, first := range []string{"丽水", "东湖", "青石", "望江", "云门", "白鹭", "金桥", "柳荫", "梧桐", "枫林"} {
			for k, ending := range []string{"花园", "家园", "新村", "路"} {
				names = append(names, first+string([]rune("南北东西")[(i+k)%4])+string([]rune("岭塘溪坡")[k])+ending)
			}
		}
		return names
	}()
)

func report(i, place, matter, wording int) topic.Report {
	return topic.Report{
		ID: fmt.Sprint("r", i), User: fmt.Sprint("u", i), Time: noon.Add(time.Duration(i) * time.Hour),
		Title: places[place] + matters[matter][wording], Body: "您好，" + places[place] + "这边" + matters[matter][(wording+1)%4] + "，请处理。",
	}
}

func grouped(reports []topic.Report) *topic.Groups {
	words := topic.NewWords()
	for _, r := range reports {
		words.Learn(r.Title, r.Body)
	}
	g := topic.NewGroups(words, topic.DefaultSettings())
	for _, r := range reports {
		g.Add(r)
	}
	return g
}

// many are reports of every matter at every place, shuffled.
func many() []topic.Report {
	var all []topic.Report
	for place := range places {
		for _, matter := range []int{place % 5, (place*3 + 1) % 5} {
			for wording := range 4 {
				all = append(all, report(len(all), place, matter, wording))
			}
		}
	}
	random := rand.New(rand.NewPCG(1, 2))
	random.Shuffle(len(all), func(i, j int) { all[i], all[j] = all[j], all[i] })
	return all
}

func matterOf(r topic.Report) string {
	for i, wordings := range matters {
		if slices.Contains(wordings, wordingOf(r)) {
			return fmt.Sprint(i)
		}
	}
	return ""
}

// wordingOf is a title without its place.
func wordingOf(r topic.Report) string {
	for _, p := range places {
		if rest, ok := strings.CutPrefix(r.Title, p); ok {
			return rest
		}
	}
	return r.Title
}

// TestOneMatterAtOnePlace: neither a place alone nor a matter alone makes a topic.
func TestOneMatterAtOnePlace(t *testing.T) {
	g := grouped(many())
	truth := map[string]string{}
	for _, r := range many() {
		truth[r.ID] = r.Title[:len(r.Title)-len(wordingOf(r))] + matterOf(r)
	}
	together, apart, mixed := 0, 0, 0
	at := map[string]int{}
	for _, x := range g.Topics() {
		for _, m := range x.Members {
			at[m.ID] = x.Number
		}
	}
	for a := range truth {
		for b := range truth {
			switch same, joined := truth[a] == truth[b], at[a] == at[b]; {
			case a >= b:
			case same && joined:
				together++
			case same:
				apart++
			case joined:
				mixed++
			}
		}
	}
	f1 := 2 * float64(together) / float64(2*together+apart+mixed)
	require.Greater(t, f1, 0.85, "%d together, %d apart, %d mixed", together, apart, mixed)
}

// TestKnownPlacesAndCategories decide where words alone would not.
func TestKnownPlacesAndCategories(t *testing.T) {
	var all []topic.Report
	for _, r := range many() {
		for place, name := range places {
			if len(r.Title) > len(name) && r.Title[:len(name)] == name {
				r.Place = fmt.Sprint("p", place)
				r.Title, r.Body = r.Title[len(name):], r.Title[len(name):]
			}
		}
		all = append(all, r)
	}
	for _, x := range grouped(all).Topics() {
		for _, m := range x.Members {
			require.Equal(t, x.Members[0].Place, m.Place)
		}
	}
}

// TestEveryReportIsInOneTopic, numbers last, and the same reports make the same topics.
func TestEveryReportIsInOneTopic(t *testing.T) {
	rapid.Check(t, func(rt *rapid.T) {
		n := rapid.IntRange(1, 60).Draw(rt, "reports")
		var all []topic.Report
		for i := range n {
			all = append(all, report(i, rapid.IntRange(0, 39).Draw(rt, "place"), rapid.IntRange(0, 4).Draw(rt, "matter"), rapid.IntRange(0, 3).Draw(rt, "wording")))
		}
		words := topic.NewWords()
		for _, r := range all {
			words.Learn(r.Title, r.Body)
		}
		g := topic.NewGroups(words, topic.DefaultSettings())
		given := map[string]int{}
		for _, r := range all {
			given[r.ID] = g.Add(r).Number
		}
		seen := map[string]bool{}
		for _, x := range g.Topics() {
			for _, m := range x.Members {
				require.False(rt, seen[m.ID])
				seen[m.ID] = true
				require.Same(rt, x, g.Of(given[m.ID]), "the number that a report was given leads to its topic")
			}
		}
		require.Len(rt, seen, n)
		again := grouped(all)
		require.Len(rt, again.Topics(), len(g.Topics()))
		for i, x := range again.Topics() {
			require.Equal(rt, g.Topics()[i].Number, x.Number)
			require.Equal(rt, g.Topics()[i].Members, x.Members)
		}
	})
}

// TestHeat: people count more than reports, likes count, a burst is hotter than the
// same over a year, and what is over cools.
func TestHeat(t *testing.T) {
	of := func(n, users int, over time.Duration, likes int) float64 {
		var all []topic.Report
		for i := range n {
			r := report(i, 0, 0, i%4)
			r.User, r.Time, r.Likes = fmt.Sprint("u", i%users), noon.Add(over*time.Duration(i)/time.Duration(n)), likes
			r.Title, r.Body = places[0]+matters[0][0], ""
			all = append(all, r)
		}
		topics := grouped(append(all, many()[:150]...)).Topics()
		best := topics[0]
		require.GreaterOrEqual(t, len(best.Members), n)
		return best.Heat(noon.Add(over)).Value
	}
	day := 24 * time.Hour
	require.Greater(t, of(20, 20, 10*day, 0), of(20, 2, 10*day, 0)+5)
	require.Greater(t, of(20, 20, 10*day, 0), of(20, 20, 365*day, 0)+5)
	require.Greater(t, of(20, 20, 10*day, 30), of(20, 20, 10*day, 0)+5)
	g := grouped(many())
	x := g.Topics()[0]
	require.InDelta(t, x.Heat(noon.Add(360*day)).Value/x.Heat(noon.Add(180*day)).Value, 0.5, 0.01)
}

// TestNameAndWords tell place and matter.
func TestNameAndWords(t *testing.T) {
	g := grouped(many())
	named := 0
	for _, x := range g.Topics() {
		name := g.Name(x)
		require.NotEmpty(t, name)
		for _, p := range places {
			if len(name) >= len(p) && name[:len(p)] == p {
				named++
			}
		}
		require.LessOrEqual(t, len(g.Words(x)), 5)
	}
	require.Equal(t, len(g.Topics()), named)
	odd := grouped([]topic.Report{{ID: "1"}, {ID: "2", Title: "请问"}, {ID: "3", Title: "的的的", Body: "\xff"}})
	require.Len(t, odd.Topics(), 3)
	require.Equal(t, "请问", odd.Name(odd.Topics()[1]))
}
