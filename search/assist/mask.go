package assist

import "regexp"

// What a text may say of people beside their names, and what stands in its place.
var personal = []struct {
	is *regexp.Regexp
	by string
}{
	{regexp.MustCompile(`[\w.+-]+@[\w-]+(\.[\w-]+)+`), "（邮箱）"},
	{regexp.MustCompile(`\d{17}[\dXx]`), "（证件号）"},
	{regexp.MustCompile(`[京津沪渝冀豫云辽黑湘皖鲁新苏浙赣鄂桂甘晋蒙陕吉闽贵粤青藏川宁琼][A-Z][·\-]?[A-Z0-9]{5,6}`), "（车牌）"},
	{regexp.MustCompile(`\+?\d(?:[ -]?\d){6,}`), "（号码）"},
	{regexp.MustCompile(`[\p{Han}]{1,2}(先生|女士|小姐|阿姨|大爷|师傅)`), "某$1"},
}

// Masked takes numbers, plates, addresses of e-mail and forms of address out of a text.
func Masked(text string) string {
	for _, p := range personal {
		text = p.is.ReplaceAllString(text, p.by)
	}
	return text
}
