package city

import (
	"math/rand/v2"

	"hotline/ticketing"
)

// person is a citizen of the made-up city. The same rank is always the same
// person, so that people need not be kept.
type person struct {
	surname string
	name    string
	phone   string
	woman   bool
	home    uint64 // chooses the home among the residential places
}

var (
	surnames = split("王 李 张 刘 陈 杨 黄 赵 周 吴 徐 孙 马 朱 胡 郭 何 林 高 罗 郑 梁 谢 宋 唐 许 邓 韩 冯 曹 彭 曾 肖 田 董 潘 袁 蔡 蒋 余 于 杜 叶 程 魏 苏 吕 丁 任 卢 姚 沈 钟 姜 崔 谭 陆 范 汪 廖 石 金 韦 贾 夏 付 方 邹 熊 白 孟 秦 邱 侯 江 尹 薛 闫 雷 龙 欧阳 上官 司徒")
	menChars = split("伟 强 磊 军 勇 杰 涛 明 超 刚 平 辉 鹏 建国 志远 浩然 文博 海峰 振华 立新 国庆 子轩 俊 斌 凯 晨 永福 德才 长河 家兴 广林 宝山 学文 少东 一鸣 思源")
	womChars = split("芳 娜 敏 静 丽 艳 娟 霞 秀英 桂兰 玉梅 婷 雪 慧 莹 倩 红 春燕 雅琴 淑珍 欣怡 梦琪 佳 琳 萍 月华 晓岚 冬梅 彩云 若曦 美玲 秋菊 素云 诗涵 燕 青")
)

// prefixes are mobile numbers that no operator has given out.
var prefixes = [...]string{"142", "143", "154"}

// phoneModulus is prime, so that phoneStep visits each number once.
const (
	phoneModulus = 99999989
	phoneStep    = 61803398
)

func split(s string) []string {
	var out []string
	from := 0
	for i := 0; i <= len(s); i++ {
		if i == len(s) || s[i] == ' ' {
			if i > from {
				out = append(out, s[from:i])
			}
			from = i + 1
		}
	}
	return out
}

// mix64 is the finaliser of splitmix64: it spreads neighbouring numbers.
func mix64(x uint64) uint64 {
	x += 0x9e3779b97f4a7c15
	x = (x ^ x>>30) * 0xbf58476d1ce4e5b9
	x = (x ^ x>>27) * 0x94d049bb133111eb
	return x ^ x>>31
}

func makePerson(seed uint64, rank int) person {
	h := mix64(seed ^ mix64(uint64(rank)+0x51ed27))
	// The product of two draws makes the frequent surnames frequent.
	n := uint64(len(surnames))
	p := person{surname: surnames[(h>>8%n)*((h>>24)%n)/n], woman: h&1 == 1, home: mix64(h)}
	given := menChars
	if p.woman {
		given = womChars
	}
	p.name = p.surname + given[(h>>40)%uint64(len(given))]
	digits := (uint64(rank)*phoneStep + mix64(seed)%phoneModulus) % phoneModulus
	var b [11]byte
	copy(b[:], prefixes[h>>56%3])
	for i := 10; i > 2; i-- {
		b[i] = byte('0' + digits%10)
		digits /= 10
	}
	p.phone = string(b[:])
	return p
}

// salutation is how an operator names the caller.
func (p person) salutation() string {
	if p.woman {
		return p.surname + "女士"
	}
	return p.surname + "先生"
}

// types are the shares of the six types by the grammar's mix, running.
var types = map[byte][]share{
	'c': {{ticketing.Complaint, .55}, {ticketing.Help, .75}, {ticketing.Inquiry, .83}, {ticketing.Report, .91}, {ticketing.Suggestion, .97}, {ticketing.Praise, 1}},
	'q': {{ticketing.Inquiry, .62}, {ticketing.Help, .76}, {ticketing.Complaint, .90}, {ticketing.Suggestion, .96}, {ticketing.Praise, .99}, {ticketing.Report, 1}},
	'h': {{ticketing.Help, .68}, {ticketing.Complaint, .86}, {ticketing.Inquiry, .94}, {ticketing.Suggestion, .97}, {ticketing.Praise, .99}, {ticketing.Report, 1}},
	'r': {{ticketing.Report, .50}, {ticketing.Complaint, .80}, {ticketing.Help, .88}, {ticketing.Inquiry, .95}, {ticketing.Suggestion, .99}, {ticketing.Praise, 1}},
}

type share struct {
	kind  ticketing.AppealType
	upper float64
}

func pickType(r *rand.Rand, mix byte) ticketing.AppealType {
	u := r.Float64()
	for _, s := range types[mix] {
		if u < s.upper {
			return s.kind
		}
	}
	return ticketing.Complaint
}

func pickChannel(r *rand.Rand) ticketing.Channel {
	switch u := r.Float64(); {
	case u < .78:
		return ticketing.ByPhone
	case u < .89:
		return ticketing.ByWeChat
	case u < .97:
		return ticketing.ByWeb
	default:
		return ticketing.ByAPI
	}
}
