package city

import "strings"

// Spoken is what the caller says, in short sentences that fit a telephone
// call: a greeting, the matter, the address, the wish and the caller's name.
func (c Case) Spoken() []string {
	core := strings.TrimSuffix(c.part(c.core), "。")
	out := []string{"你好，我想反映一个问题。"}
	switch c.Appeal.Type {
	case "inquiry":
		out[0] = "你好，我想咨询一下。"
	case "praise":
		out[0] = "你好，我是来表扬的。"
	case "suggestion":
		out[0] = "你好，我有一个建议。"
	}
	if core != "" {
		out = append(out, core+"。")
	}
	if c.Appeal.Address != "" {
		out = append(out, "地址是"+c.Appeal.Address+"。")
	}
	if ask := c.part(c.ask); ask != "" {
		ask = strings.NewReplacer("来电人希望", "我希望", "诉求：", "我就想请你们").Replace(ask)
		out = append(out, ask)
	}
	switch {
	case c.Citizen.Anonymous:
		out = append(out, "我就不留名字了。")
	case c.Citizen.Name != "":
		out = append(out, "我叫"+c.Citizen.Name+"，就打这个电话找我。")
	}
	return append(out, "好的，谢谢，再见。")
}

// Summary is what an operator in a hurry writes: the matter and the wish.
func (c Case) Summary() string {
	core := strings.TrimSuffix(c.part(c.core), "。")
	if core == "" {
		return c.Appeal.Description
	}
	verb := "来电反映"
	if c.Appeal.Type == "inquiry" {
		verb = "来电咨询"
	}
	return verb + "：" + core + "。" + c.part(c.ask)
}

func (c Case) part(at [2]int) string {
	if at[0] < 0 || at[1] > len(c.Appeal.Description) || at[0] >= at[1] {
		return ""
	}
	return c.Appeal.Description[at[0]:at[1]]
}
