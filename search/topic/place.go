package topic

import (
	"slices"
	"strings"

	"hotline/search"
)

// What names of places end in, longest first.
var placeEndings = sorted([]string{
	"小区", "社区", "花园", "家园", "公寓", "新城", "新村", "国际", "广场", "华庭", "华府", "之城", "商城", "帝景", "蓝湾", "名邸", "公馆", "大厦", "城际", "郡",
	"苑", "府", "湾", "庭", "院", "园", "里", "路", "街", "大道", "巷", "桥", "镇", "乡", "村", "湖", "县", "区", "市", "街道", "站", "地铁站", "公园", "市场", "菜场",
	"学校", "中学", "小学", "大学", "学院", "幼儿园", "医院", "公司", "厂", "超市", "酒店", "工地", "中心", "山庄", "别墅", "水库", "机场", "码头", "豪庭", "御景",
})

// placeStops end the name of a place on its left: no name goes on over them.
var placeStops = func() map[string]bool {
	stops := map[string]bool{}
	for _, r := range "的了在和与及是请问有被对从到于为让把给向往我你他她它们这那某该各每都就也还又将要能会可想关反映投诉咨询建议求助举报附近旁边对面门口楼下内外里上下前后位于住至由因" {
		stops[string(r)] = true
	}
	return stops
}()

const longestPlaceName = 6 // characters before the ending

func sorted(endings []string) []string {
	slices.SortStableFunc(endings, func(a, b string) int { return len(b) - len(a) })
	return endings
}

// placed tells which atoms of a text are part of the name of a place, as its ending tells it.
func placed(atoms []search.Atom) []bool {
	in := make([]bool, len(atoms))
	from := 0 // names do not overlap
	for i := 0; i < len(atoms); i++ {
		n := endingAt(atoms[i:])
		if n == 0 || i > 0 && !atoms[i].Joined && atoms[i-1].Han {
			continue
		}
		begin := i
		for begin > from && i-begin < longestPlaceName && (atoms[begin].Joined || !atoms[begin-1].Han) && !placeStops[atoms[begin-1].Text] {
			begin--
			if !atoms[begin].Han {
				break
			}
		}
		if begin == i {
			continue
		}
		for k := begin; k < i+n; k++ {
			in[k] = true
		}
		from = i + n
		i = from - 1
	}
	return in
}

// endingAt is how many atoms an ending has that begins here; 0: none does.
func endingAt(atoms []search.Atom) int {
	var text strings.Builder
	for i, a := range atoms {
		if i == 3 || !a.Han || i > 0 && !a.Joined {
			break
		}
		text.WriteString(a.Text)
	}
	for _, e := range placeEndings {
		if strings.HasPrefix(text.String(), e) {
			return len(e) / len("路")
		}
	}
	return 0
}
