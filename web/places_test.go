package web_test

import (
	"net/http"
	"strings"
	"testing"

	"github.com/stretchr/testify/require"

	"hotline/search/address"
	"hotline/web"
)

const gazetteer = address.Header + "\n兴隆街,,d,D1,,121.5,31.2\n兴隆花园,兴隆小区,r,D1,,121.6,31.3\n"

// placesOf is a gazetteer that is in force.
func placesOf(t *testing.T, csv string) func() *address.Gazetteer {
	places, err := address.Parse(strings.NewReader(csv))
	require.NoError(t, err)
	g := address.New([]address.Area{{Code: "D1", Name: "东山区"}}, places)
	return func() *address.Gazetteer { return g }
}

func TestPlacesAreFoundAndProposed(t *testing.T) {
	w := newWorld(t, func(d *web.Deps, _ *web.Options) { d.Places = placesOf(t, gazetteer) })
	agent := w.as("agent1")
	var list web.PlaceList
	agent.send("GET", "/api/v1/places?q=xlhy", nil).want(http.StatusOK).json(&list)
	require.Equal(t, []web.PlaceView{{Name: "兴隆花园", Kind: "r", District: "D1", Lon: 121.6, Lat: 31.3}}, list.Items)
	agent.send("GET", "/api/v1/places?q=%E5%85%B4%E9%9A%86&limit=1", nil).want(http.StatusOK).json(&list)
	require.Equal(t, "兴隆街", list.Items[0].Name)
	require.Len(t, list.Items, 1)
	agent.send("GET", "/api/v1/places?q="+strings.Repeat("x", 41), nil).problem(http.StatusUnprocessableEntity, "invalid")

	var p web.CategoryProposal
	agent.send("POST", "/api/v1/classify", map[string]string{"title": "漏水", "description": "我是兴龙花园3号楼的"}).want(http.StatusOK).json(&p)
	require.Equal(t, "兴隆花园", p.Place.Place.Name)
	require.True(t, p.Place.Sure)
	p = web.CategoryProposal{}
	agent.send("POST", "/api/v1/classify", map[string]string{"title": "东山区停水"}).want(http.StatusOK).json(&p)
	require.Nil(t, p.Place.Place)
	require.Equal(t, "D1", p.Place.District)
	p = web.CategoryProposal{}
	agent.send("POST", "/api/v1/classify", map[string]string{"title": "公积金怎么取"}).want(http.StatusOK).json(&p)
	require.Nil(t, p.Place)
}

func TestANodeWithoutPlacesProposesNone(t *testing.T) {
	w := newWorld(t, func(d *web.Deps, _ *web.Options) { d.Lists = nil })
	var list web.PlaceList
	w.as("agent1").send("GET", "/api/v1/places?q=x", nil).want(http.StatusOK).json(&list)
	require.Empty(t, list.Items)
	w.as("dispatcher1").send("GET", "/api/v1/lists/gazetteer", nil).problem(http.StatusServiceUnavailable, "no_lists")
}

func TestTheCityEditsItsGazetteer(t *testing.T) {
	w := newWorld(t, nil)
	w.as("agent1").send("GET", "/api/v1/lists/gazetteer", nil).problem(http.StatusForbidden, "forbidden")
	d := w.as("dispatcher1")
	var l web.ListView
	d.send("GET", "/api/v1/lists/gazetteer", nil).want(http.StatusOK).json(&l)
	require.Equal(t, web.ListView{Name: "gazetteer"}, l)
	put := func(version int64, text string) reply {
		return d.send("PUT", "/api/v1/lists/gazetteer", map[string]any{"version": version, "text": text})
	}
	district := testCity().Districts[0].Code
	text := strings.ReplaceAll(gazetteer, "D1", district)
	put(0, text).want(http.StatusOK).json(&l)
	require.EqualValues(t, 1, l.Version)
	require.Equal(t, text, l.Text)
	require.False(t, l.UpdatedAt.IsZero())
	put(0, text).problem(http.StatusConflict, "version_conflict")
	for _, wrong := range []string{"", "a,b\n", strings.ReplaceAll(gazetteer, "D1", "nowhere"), text + "x"} {
		put(1, wrong).problem(http.StatusUnprocessableEntity, "invalid")
	}
	require.Contains(t, string(put(1, strings.ReplaceAll(gazetteer, "D1", "nowhere")).Body), "nowhere")
	d.send("PUT", "/api/v1/lists/dictionary", map[string]any{"version": 0, "text": "路灯,街灯"}).want(http.StatusOK)
	require.Contains(t, string(d.send("PUT", "/api/v1/lists/dictionary", map[string]any{"version": 1, "text": "路灯"}).Body), "line 1")
	d.send("GET", "/api/v1/lists/secrets", nil).problem(http.StatusUnprocessableEntity, "invalid")
	big := text + strings.Repeat("路路路路路路路路,,d,"+district+",,1,1\n", 30_000)
	require.Contains(t, string(put(1, big).Body), "line 5", "a large one is read to where it is wrong")
}
