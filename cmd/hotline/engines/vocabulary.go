package engines

import (
	"hotline/search"
	"hotline/search/address"
	"hotline/ticketing"
)

var (
	states = []ticketing.State{
		ticketing.Draft, ticketing.Accepted, ticketing.Dispatched, ticketing.InProgress, ticketing.InReview, ticketing.FollowUp, ticketing.Closed, ticketing.Archived,
		ticketing.Suspended, ticketing.Merged, ticketing.Cancelled,
	}
	channels = map[ticketing.Channel][]string{
		ticketing.ByPhone: {"电话", "来电"}, ticketing.ByWeb: {"网站", "网页", "网络"}, ticketing.ByWeChat: {"微信"}, ticketing.ByAPI: {"接口", "外部系统"},
	}
)

// vocabulary is what a city's people call the values of a query's fields.
func vocabulary(c ticketing.City, places []address.Place, d *search.Dictionary) *search.Vocabulary {
	var all []search.Named
	add := func(field, code string, names ...string) {
		all = append(all, search.Named{Field: field, Code: code, Names: names})
	}
	for _, t := range ticketing.AppealTypes() {
		add(search.FieldType, string(t), t.Zh())
	}
	for _, s := range states {
		add(search.FieldState, string(s), s.Zh())
	}
	for channel, names := range channels {
		add(search.FieldChannel, string(channel), names...)
	}
	for _, k := range c.Categories {
		add(search.FieldCategory, k.Code, k.Name)
	}
	for _, k := range c.Districts {
		add(search.FieldDistrict, k.Code, k.Name)
	}
	for _, k := range c.Departments {
		add(search.FieldDepartment, k.Code, k.Name)
	}
	for _, p := range places {
		add(search.FieldPlace, p.Key(), append([]string{p.Name}, p.Aliases...)...)
	}
	return search.NewVocabulary(all, d)
}
