package main

import (
	"context"
	"encoding/csv"
	"errors"
	"io"
	"math/rand/v2"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"time"

	"hotline/cmd/city"
	"hotline/search"
	"hotline/search/address"
	"hotline/search/classify"
	"hotline/ticketing"
)

// askedTickets are asked about, of the last month.
const askedTickets = 300

// window is how far back what is similar is looked for, as the desk does.
const duplicateWindow = 90 * 24 * time.Hour

// duplicates is what the questions are asked of and about.
type duplicates struct {
	end       time.Time
	gazetteer *address.Gazetteer
	matter    map[string]string // of each ticket: its place and category
	members   map[string]int    // of each matter, within the window
	asked     []city.Case
	model     *classify.Model // of tickets before, which proposes categories as the service does
	messages  []message
}

type message struct{ id, title, body string }

// benchDuplicates asks for the same matter while a ticket is typed, on both engines.
func benchDuplicates(ctx context.Context, r *run) error {
	return onEngines(ctx, r, "duplicates", func(engine string, index *search.Index) error { return duplicatesOn(ctx, r, engine, index) })
}

func duplicatesOn(ctx context.Context, r *run, engine string, index *search.Index) error {
	d := &duplicates{
		end: time.Date(2026, 1, 1, 0, 0, 0, 0, ticketing.Shanghai()), gazetteer: city.Addresses(city.Sample(), city.Gazetteer()),
		matter: map[string]string{}, members: map[string]int{},
	}
	if err := d.learn(); err != nil {
		return err
	}
	began := time.Now()
	if err := d.fill(ctx, index, r.tickets); err != nil {
		return err
	}
	r.say("duplicates on %s: %d tickets and %d messages, indexed in %.0f s", engine, r.tickets, len(d.messages), time.Since(began).Seconds())
	if err := d.recall(ctx, r, engine, index); err != nil {
		return err
	}
	return d.typing(ctx, r, engine, index)
}

// learn makes the model of categories from another history's tickets.
func (d *duplicates) learn() error {
	g, err := city.New(8, city.Sample(), city.Options{From: d.end.AddDate(-2, 0, 0), To: d.end.AddDate(-1, 0, 0), Count: 8_000})
	if err != nil {
		return err
	}
	var examples []classify.Example
	for c := range g.All() {
		examples = append(examples, classify.Example{Label: c.Appeal.Category, Text: c.Appeal.Title + "\n" + c.Appeal.Description})
	}
	d.model, err = classify.Learn(examples)
	return err
}

// fill indexes a year of a city, and messages that people wrote where there are any.
func (d *duplicates) fill(ctx context.Context, index *search.Index, n int) error {
	g, err := city.New(12345, city.Sample(), city.Options{From: d.end.AddDate(-1, 0, 0), To: d.end, Count: n})
	if err != nil {
		return err
	}
	every := max(1, n/12/askedTickets)
	var batch []search.Document
	for c := range g.All() {
		matter := c.Place + "\n" + c.Appeal.Category
		if c.ArrivedAt.After(d.end.Add(-duplicateWindow)) {
			d.matter[c.ID] = matter
			d.members[matter]++
		}
		if c.ArrivedAt.After(d.end.AddDate(0, -1, 0)) && c.Seq%every == 0 && len(d.asked) < askedTickets {
			d.asked = append(d.asked, c)
		}
		doc := documentOf(c)
		doc.Place, doc.Location = d.where(c.Appeal.Address, c.Appeal.Title+"。"+c.Appeal.Description)
		if batch = append(batch, doc); len(batch) == 5_000 {
			if err := index.Put(ctx, batch...); err != nil {
				return err
			}
			batch = batch[:0]
		}
	}
	if d.messages, err = readMessages(); err != nil {
		return err
	}
	for i, m := range d.messages {
		doc := search.Document{ID: m.id, Version: 1, Title: m.title, Body: m.body, CreatedAt: d.end.Add(-time.Duration(i) * time.Minute)}
		doc.Place, doc.Location = d.where("", m.title+"。"+m.body)
		batch = append(batch, doc)
	}
	if err := index.Put(ctx, batch...); err != nil {
		return err
	}
	return index.Refresh(ctx)
}

func (d *duplicates) where(addressed, text string) (string, *search.Point) {
	p := d.gazetteer.ReadBoth(addressed, text).Place
	if p == nil {
		return "", nil
	}
	return p.Key(), &search.Point{Lon: p.Lon, Lat: p.Lat}
}

// readMessages reads what people wrote, where there is any.
func readMessages() (all []message, err error) {
	dir := os.Getenv("HOTLINE_MESSAGES")
	if dir == "" {
		return nil, nil
	}
	f, err := os.Open(filepath.Join(dir, "messages.csv"))
	if err != nil {
		return nil, err
	}
	defer func() { err = errors.Join(err, f.Close()) }()
	rows := csv.NewReader(f)
	head, err := rows.Read()
	if err != nil {
		return nil, err
	}
	id, title, body := slices.Index(head, "id"), slices.Index(head, "subject"), slices.Index(head, "body")
	for {
		row, err := rows.Read()
		if errors.Is(err, io.EOF) {
			return all, nil
		}
		if err != nil {
			return nil, err
		}
		all = append(all, message{"m" + row[id], row[title], row[body]})
	}
}

// question is what is typed, and which answers are right.
type question struct {
	title, text, address, without string
	right                         func(id string) bool
	rights                        int
}

func (q *question) vary(r *rand.Rand, of func(r *rand.Rand, text string) string) {
	if of == nil {
		q.text, q.address = firstShare(q.text, 0.4), ""
		return
	}
	q.title, q.text, q.address = of(r, q.title), of(r, q.text), of(r, q.address)
}

// variants are other ways to say what a ticket says.
var variants = []struct {
	name string
	of   func(r *rand.Rand, text string) string
}{
	{"whole", func(_ *rand.Rand, text string) string { return text }},
	{"paraphrase", paraphrased},
	{"truncated", nil}, // the title and the first two fifths of the text, no address yet
	{"place", misplaced},
}

// ways are words that people use for one another.
var ways = []string{
	"没有人", "无人", "几天", "好几日", "希望", "请求", "要求", "恳请", "反映", "投诉", "特别", "非常", "一直", "始终", "附近", "旁边", "居民", "住户", "晚上", "夜里", "凌晨", "半夜", "门口", "大门外",
	"处理", "解决", "清理", "打扫", "维修", "修理", "噪声", "噪音", "很大", "太大", "已经", "都", "尽快", "马上", "坏了", "坏掉了", "不亮", "不亮了", "堵塞", "堵住", "车辆", "车子", "问题", "事情",
	"业主", "住户", "物业", "物业公司", "学校", "校方", "孩子", "小孩", "马路", "道路", "垃圾", "废物", "污水", "脏水", "领导", "书记", "咨询", "请问", "严重", "厉害", "影响", "妨碍", "部门", "单位",
}

var rephrase = strings.NewReplacer(ways...)

// paraphrased tells the same in other words, two clauses of three, in another order.
func paraphrased(r *rand.Rand, text string) string {
	clauses := strings.FieldsFunc(text, func(c rune) bool { return strings.ContainsRune("，。！？；,!?;\n", c) })
	r.Shuffle(len(clauses), func(i, j int) { clauses[i], clauses[j] = clauses[j], clauses[i] })
	return rephrase.Replace(strings.Join(clauses[:len(clauses)-len(clauses)/3], "，"))
}

func firstShare(text string, share float64) string {
	runes := []rune(text)
	return string(runes[:max(min(len(runes), 10), int(share*float64(len(runes))))])
}

// misplaced writes places another way: without district and city, a character that sounds the same.
func misplaced(_ *rand.Rand, text string) string {
	return strings.NewReplacer("小区", "", "菜市场", "菜场", "社区卫生服务中心", "社区医院", "交叉口", "路口", "人民医院", "医院", "花园", "花圆", "家园", "佳园", "大街", "街上", "雅苑", "雅园",
		"公馆", "公管", "名邸", "名底", "新村", "新邨", "云澜市", "", "A市", "", "中澜区", "", "澜东区", "").Replace(text)
}

// recall asks in each way and counts what is among the first five.
func (d *duplicates) recall(ctx context.Context, r *run, engine string, index *search.Index) error {
	random := rand.New(rand.NewPCG(1, 2)) //nolint:gosec // the same texts each time
	var generated, written, alone score
	for _, v := range variants {
		var own score
		for _, c := range d.asked {
			matter := d.matter[c.ID]
			if d.members[matter] < 2 {
				continue
			}
			q := question{title: c.Appeal.Title, text: c.Appeal.Description, address: c.Appeal.Address, without: c.ID,
				right: func(id string) bool { return d.matter[id] == matter }, rights: d.members[matter] - 1}
			q.vary(random, v.of)
			if err := d.ask(ctx, index, q, true, &own, &generated); err != nil {
				return err
			}
			if err := d.ask(ctx, index, q, false, &alone); err != nil {
				return err
			}
		}
		var real score
		for i := 0; i < len(d.messages); i += max(1, len(d.messages)/askedTickets) {
			m := d.messages[i]
			q := question{title: m.title, text: m.body, right: func(id string) bool { return id == m.id }, rights: 1}
			q.vary(random, v.of)
			if err := d.ask(ctx, index, q, true, &real, &written); err != nil {
				return err
			}
		}
		r.say("duplicates on %s, %s: recall@5 %.3f of generated texts, %.3f of written ones; precision of what is called likely %.3f and %.3f",
			engine, v.name, own.recall(), real.recall(), own.precision(), real.precision())
	}
	r.add(Figure{
		Name: "duplicates_recall5_" + engine, Value: generated.recall(), Goal: 0.9, HigherIsBetter: true,
		Baseline: alone.recall(), BaselineName: "the same without understanding places",
	})
	r.add(Figure{
		Name: "duplicates_precision_" + engine, Value: generated.precision(), Goal: 0.9, HigherIsBetter: true,
		Baseline: alone.precision(), BaselineName: "the same without understanding places",
	})
	if len(d.messages) > 0 {
		r.add(Figure{Name: "duplicates_recall5_messages_" + engine, Value: written.recall(), Goal: 0.9, HigherIsBetter: true, BaselineName: "none: a message's own original is looked for"})
	}
	return nil
}

// score counts answers.
type score struct{ found, sought, likely, likelyRight float64 }

func (s score) recall() float64    { return s.found / max(s.sought, 1) }
func (s score) precision() float64 { return s.likelyRight / max(s.likely, 1) }

func (d *duplicates) ask(ctx context.Context, index *search.Index, q question, places bool, into ...*score) error {
	sq := search.SimilarQuery{
		Title: q.title, Text: q.text, Without: q.without, Since: d.end.Add(-duplicateWindow), Now: d.end, Scope: search.Scope{All: true},
	}
	if p := d.model.Predict(q.title + "\n" + q.text); p.Sure && len(q.without) > 0 {
		sq.Category = p.Label
	}
	if places {
		sq.Place, sq.Location = d.where(q.address, q.title+"。"+q.text)
	}
	answers, err := index.Similar(ctx, sq)
	if err != nil {
		return err
	}
	for _, s := range into {
		s.sought += float64(min(5, q.rights))
		for _, a := range answers {
			right := q.right(a.ID)
			if right {
				s.found++
			}
			if a.Likely() {
				s.likely++
				if right {
					s.likelyRight++
				}
			}
		}
	}
	return nil
}

// typing asks after every eight characters of a text, as the desk does after a pause.
func (d *duplicates) typing(ctx context.Context, r *run, engine string, index *search.Index) error {
	var took, plain []time.Duration
	for _, c := range d.asked {
		runes := []rune(c.Appeal.Title + "。" + c.Appeal.Description)
		for n := 8; n < len(runes)+8; n += 8 {
			text := string(runes[:min(n, len(runes))])
			began := time.Now()
			if err := d.ask(ctx, index, question{text: text, without: c.ID, right: func(string) bool { return false }}, true); err != nil {
				return err
			}
			took = append(took, time.Since(began))
		}
		began := time.Now()
		if _, err := index.Search(ctx, search.Query{Text: firstShare(c.Appeal.Title, 0.5), Scope: search.Scope{All: true}, Sort: search.ByRelevance}); err != nil {
			return err
		}
		plain = append(plain, time.Since(began))
	}
	r.add(Figure{
		Name: "duplicates_typing_p99_" + engine, Value: millis(percentile(took, 0.99)), Unit: "ms", Goal: 50,
		Baseline: millis(percentile(plain, 0.99)), BaselineName: "a search for half of the title by relevance",
	})
	r.say("duplicates on %s: p50 %.1f ms of %d questions", engine, millis(percentile(took, 0.5)), len(took))
	return nil
}
