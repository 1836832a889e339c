package indextest

import (
	"fmt"
	"math/rand/v2"
	"slices"
	"strings"
	"testing"
	"time"

	"hotline/search"
)

// benchDocs is how many documents the figures are about.
const benchDocs = 100_000

var benchWords = strings.Fields(`路灯 不亮 小区 噪音 扰民 施工 夜间 望江 街道 漏水 停水 停电 供暖 物业 收费 垃圾 清运 违建 占道 经营
	公交 站台 道路 破损 井盖 缺失 树木 修剪 排水 积水 消防 通道 堵塞 电梯 故障 工资 拖欠 社保 医保 学校 招生 医院 挂号 食品 安全 假货 退款 反映 市民
	希望 有关 部门 尽快 处理 来电 表示 已经 多次 联系 没有 解决 影响 居民 生活 晚上 凌晨 机械 单元 大街 胡同 花园 广场 河道 污染 气味 油烟 餐馆 烧烤
	摊位 车辆 停放 违章 充电 飞线 楼道 杂物 宠物 犬只 健身 器材 公厕 暖气 燃气 管道 信号 网络 快递 驿站 幼儿园 补贴 公积金 居住证 落户 拆迁 补偿`)

// texts makes ticket-like documents, the same for the same seed. Words are as unequal as in life:
// the commonest occur in most texts, the rarest in one of some hundred.
func texts(n int) []search.Document {
	r := rand.New(rand.NewPCG(1, 2))
	words := func(n int) string {
		var b strings.Builder
		for range n {
			b.WriteString(benchWords[int(float64(len(benchWords))*r.Float64()*r.Float64())])
			switch r.IntN(40) {
			case 0, 1, 2, 3, 4:
				b.WriteString("，")
			case 5:
				fmt.Fprintf(&b, "%d号楼", r.IntN(60))
			case 6:
				b.WriteRune(rune(0x4E00 + r.IntN(6000)))
			}
		}
		return b.String()
	}
	docs := make([]search.Document, n)
	for i := range docs {
		family := fmt.Sprintf("F%02d", r.IntN(12))
		leaf := fmt.Sprintf("%s-%02d", family, r.IntN(13))
		parent := fmt.Sprintf("P%d", r.IntN(6))
		dept := fmt.Sprintf("%s-D%d", parent, r.IntN(7))
		docs[i] = search.Document{
			ID: fmt.Sprintf("%026d", i), Number: fmt.Sprintf("20260302-%06d", i), Version: 3, Title: words(5), Body: words(45),
			Type: []string{"complaint", "inquiry", "advice", "praise"}[r.IntN(4)], Category: leaf, Categories: []string{leaf, family},
			District: fmt.Sprintf("S%d", r.IntN(6)), Department: dept, Departments: []string{dept, parent},
			State: []string{"dispatched", "signed", "resolved", "closed"}[r.IntN(4)], Channel: []string{"phone", "web", "wechat"}[r.IntN(3)],
			CreatedAt: birth.Add(time.Duration(i) * 5 * time.Minute),
		}
	}
	return docs
}

// Bench measures an engine over 100,000 documents: documents indexed per second in
// batches of 2,000, and the time of searches with facets and histogram.
func Bench(b *testing.B, d search.Driver) {
	docs := texts(benchDocs)
	x := search.New(d, search.Options{})
	start := time.Now()
	if err := x.Put(b.Context(), docs...); err != nil {
		b.Fatal(err)
	}
	if err := x.Refresh(b.Context()); err != nil {
		b.Fatal(err)
	}
	indexed := float64(len(docs)) / time.Since(start).Seconds()
	b.Run("index", func(b *testing.B) { b.ReportMetric(indexed, "docs/s") })
	one := func(text string) []string { return []string{text} }
	for name, queries := range map[string][]string{
		"commonest": one("路灯"), "all": one(""), "character": one("灯"), "two": one("路灯 小区"), "rare": one("公积金"), "phrase": one("路灯不亮"), "without": one("路灯 -小区"),
		"mix": append(slices.Clone(benchWords), "路灯 噪音", "施工 凌晨", "污染 -油烟", "小区物业", "3号楼", "电梯故障 医院"),
	} {
		for _, sort := range []search.Sort{search.ByNewest, search.ByRelevance} {
			b.Run(name+"/"+string(sort), func(b *testing.B) { benchQueries(b, x, queries, sort) })
		}
	}
}

func benchQueries(b *testing.B, x *search.Index, queries []string, sort search.Sort) {
	q := search.Query{
		Scope: search.Scope{Departments: []string{"P0", "P1", "P2", "P3", "P4", "P5"}}, Sort: sort, Histogram: true,
		Facets: []string{"type", "category", "district", "department", "state", "channel"},
	}
	var took []time.Duration
	for i := 0; b.Loop(); i++ {
		q.Text = queries[i%len(queries)]
		start := time.Now()
		if _, err := x.Search(b.Context(), q); err != nil {
			b.Fatal(err)
		}
		took = append(took, time.Since(start))
	}
	slices.Sort(took)
	b.ReportMetric(float64(took[len(took)/2].Microseconds())/1000, "p50-ms")
	b.ReportMetric(float64(took[min(len(took)-1, len(took)*99/100)].Microseconds())/1000, "p99-ms")
}
