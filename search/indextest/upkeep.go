package indextest

import (
	"errors"
	"fmt"
	"slices"
	"testing"

	"github.com/stretchr/testify/require"

	"hotline/search"
)

func versioned(id string, version int64, title string) search.Document {
	d := text(id, title, "")
	d.Version = version
	return d
}

func testVersions(t *testing.T, d search.Driver) {
	x := fill(t, d, versioned("a", 5, "五"))
	put := func(doc search.Document) {
		require.NoError(t, x.Put(t.Context(), doc))
		require.NoError(t, x.Refresh(t.Context()))
	}
	put(versioned("a", 4, "四"))
	require.Equal(t, []string{"a"}, found(t, x, everything("五")), "an older version does not overwrite")
	require.Equal(t, []string{}, found(t, x, everything("四")))
	put(versioned("a", 5, "伍"))
	require.Equal(t, []string{"a"}, found(t, x, everything("伍")), "the same version may be written again")
	require.Equal(t, []string{}, found(t, x, everything("五")))
	put(versioned("a", 9, "九"))
	require.Equal(t, []string{"a"}, found(t, x, everything("九")))
	res := find(t, x, everything(""))
	require.Equal(t, 1, res.Total)
	require.Equal(t, int64(9), res.Hits[0].Version)
	require.Equal(t, birth, res.Hits[0].CreatedAt)
}

func testDeletes(t *testing.T, d search.Driver) {
	x := fill(t, d, versioned("a", 5, "甲"), versioned("b", 5, "乙"), versioned("c", 1, "丙"))
	require.NoError(t, x.DeleteVersions(t.Context(), search.Deletion{ID: "a", Version: 4}, search.Deletion{ID: "b", Version: 6}, search.Deletion{ID: "unknown", Version: 3}))
	require.NoError(t, x.Refresh(t.Context()))
	require.Equal(t, []string{"a", "c"}, found(t, x, everything("")), "an older deletion removes nothing")
	require.NoError(t, x.Put(t.Context(), versioned("b", 5, "乙"), versioned("unknown", 2, "丁")))
	require.NoError(t, x.Refresh(t.Context()))
	require.Equal(t, []string{"a", "c"}, found(t, x, everything("")), "a late write does not bring back what was deleted")
	require.NoError(t, x.Put(t.Context(), versioned("b", 7, "乙")))
	require.NoError(t, x.Delete(t.Context(), "a", "c", "never there"))
	require.NoError(t, x.Refresh(t.Context()))
	require.Equal(t, []string{"b"}, found(t, x, everything("")))
	require.Equal(t, []string{}, found(t, x, everything("甲")))
	require.NoError(t, x.Put(t.Context(), versioned("a", 5, "甲又来")))
	require.NoError(t, x.Refresh(t.Context()))
	require.Equal(t, []string{"a"}, found(t, x, everything("甲又")), "the version that was deleted may be written again")
}

func testTwiceInBatch(t *testing.T, d search.Driver) {
	x := fill(t, d, versioned("a", 1, "一"), versioned("a", 3, "三"), versioned("a", 2, "二"), versioned("b", 1, "乙"))
	require.Equal(t, []string{"a"}, found(t, x, everything("三")))
	require.Equal(t, 2, find(t, x, everything("")).Total)
	require.NoError(t, x.DeleteVersions(t.Context(), search.Deletion{ID: "b", Version: 1}, search.Deletion{ID: "b", Version: 2}))
	require.NoError(t, x.Refresh(t.Context()))
	require.Equal(t, []string{"a"}, found(t, x, everything("")))
}

func testStamps(t *testing.T, d search.Driver) {
	docs := city(60)
	fill(t, d, docs...)
	want := map[string]search.Stamp{}
	for _, doc := range docs {
		want[doc.ID] = search.Stamp{ID: doc.ID, Version: doc.Version, Digest: doc.Digest()}
	}
	after, last := "", ""
	for seen := 0; ; {
		page, err := d.Stamps(t.Context(), after, 7)
		require.NoError(t, err)
		if len(page) == 0 {
			require.Equal(t, len(docs), seen)
			break
		}
		for _, s := range page {
			require.Greater(t, s.ID, last)
			require.Equal(t, want[s.ID], s)
			last = s.ID
		}
		seen += len(page)
		after = last
	}
	some, err := d.Lookup(t.Context(), []string{docs[3].ID, "none", docs[8].ID})
	require.NoError(t, err)
	require.ElementsMatch(t, []search.Stamp{want[docs[3].ID], want[docs[8].ID]}, some)
}

func testVerify(t *testing.T, d search.Driver) {
	docs := city(130)
	src := sourceOf(docs...)
	x := fill(t, d, docs...)
	report, err := x.Verify(t.Context(), src, false)
	require.NoError(t, err)
	require.Equal(t, search.Report{Checked: 130}, report)
	require.True(t, report.Clean())

	stale := docs[10]
	stale.Version++
	stale.Title = "新的标题"
	src.docs[stale.ID] = stale
	moved := docs[11] // other content under the same version
	moved.Departments = append(slices.Clone(moved.Departments), "NEW")
	src.docs[moved.ID] = moved
	delete(src.docs, docs[12].ID)
	for _, extra := range []string{"0-before-all", "zzz-after-all"} {
		require.NoError(t, x.Put(t.Context(), versioned(extra, 3, "多余")))
	}
	for i := 20; i < 25; i++ {
		require.NoError(t, x.Delete(t.Context(), docs[i].ID))
	}
	want := search.Report{Checked: 129, Missing: 5, Stale: 2, Extra: 3}
	report, err = x.Verify(t.Context(), src, false)
	require.NoError(t, err)
	require.Equal(t, want, report)
	require.False(t, report.Clean())
	want.Repaired = 10
	report, err = x.Verify(t.Context(), src, true)
	require.NoError(t, err)
	require.Equal(t, want, report)
	report, err = x.Verify(t.Context(), src, true)
	require.NoError(t, err)
	require.Equal(t, search.Report{Checked: 129}, report, "nothing is left to repair")
	require.Equal(t, []string{stale.ID}, found(t, x, everything("新的标题")))
	require.Equal(t, []string{}, found(t, x, everything("多余")))
}

func testVerifyAhead(t *testing.T, d search.Driver) {
	docs := city(30)
	x := fill(t, d, docs...)
	ahead := docs[4]
	ahead.Version = 50
	require.NoError(t, x.Put(t.Context(), ahead))
	src := sourceOf(docs...)
	report, err := x.Verify(t.Context(), src, true)
	require.NoError(t, err)
	require.Equal(t, search.Report{Checked: 30, Ahead: 1, Repaired: 1}, report)
	report, err = x.Verify(t.Context(), src, false)
	require.NoError(t, err)
	require.Equal(t, search.Report{Checked: 30}, report, "the index went back with its source")
	next := docs[4]
	next.Version++
	require.NoError(t, x.Put(t.Context(), next))
	src.docs[next.ID] = next
	report, err = x.Verify(t.Context(), src, false)
	require.NoError(t, err)
	require.True(t, report.Clean())
}

func testRebuild(t *testing.T, d search.Driver) {
	x := indexOf(d)
	require.ErrorIs(t, x.Ready(t.Context()), search.ErrNeedsRebuild, "a new index is not ready")
	require.NoError(t, x.Rebuild(t.Context(), sourceOf()))
	require.NoError(t, x.Ready(t.Context()), "an empty index of an empty source is whole")
	docs := city(90)
	src := sourceOf(docs...)
	for range 2 {
		require.NoError(t, x.Put(t.Context(), versioned("extra", 7, "多余")))
		require.NoError(t, x.Rebuild(t.Context(), src))
		require.NoError(t, x.Ready(t.Context()))
		q := everything("")
		require.Equal(t, model{docs}.ids(q, nil), ids(find(t, x, q)))
	}
	require.NoError(t, x.Put(t.Context(), versioned("extra", 1, "又来")))
	require.NoError(t, x.Refresh(t.Context()))
	require.Equal(t, []string{"extra"}, found(t, x, everything("又来")), "a rebuilt index remembers no deletions and takes writes")
}

func testRebuildWhileWriting(t *testing.T, d search.Driver) {
	docs := city(100)
	x := fill(t, d, docs...)
	src := sourceOf(docs...)
	step := 0
	src.during = func() { // a write to the first documents, which the rebuild has read already
		step++
		changed := src.docs[slices.MinFunc(docs, func(a, b search.Document) int { return map[bool]int{true: -1, false: 1}[a.ID < b.ID] }).ID]
		changed.Version += 10
		changed.Title = fmt.Sprintf("改写%d次", step)
		src.docs[changed.ID] = changed
		require.NoError(t, x.Put(t.Context(), changed))
		require.NoError(t, x.Refresh(t.Context()))
		require.Equal(t, 100, find(t, x, everything("")).Total, "queries see a whole index all the time")
		require.Equal(t, []string{changed.ID}, found(t, x, everything(changed.Title)))
	}
	require.NoError(t, x.Rebuild(t.Context(), src))
	src.during = nil
	report, err := x.Verify(t.Context(), src, false)
	require.NoError(t, err)
	require.Equal(t, search.Report{Checked: 100}, report)
	require.GreaterOrEqual(t, step, 4)
}

func testRebuildFails(t *testing.T, d search.Driver) {
	docs := city(50)
	x := indexOf(d)
	require.NoError(t, x.Rebuild(t.Context(), sourceOf(docs...)))
	broken := errors.New("the source broke")
	err := d.Rebuild(t.Context(), func(put func([]search.Document) error) error {
		if err := put(docs[:10]); err != nil {
			return err
		}
		return broken
	})
	require.ErrorIs(t, err, broken)
	require.NoError(t, x.Ready(t.Context()))
	require.Equal(t, 50, find(t, x, everything("")).Total, "the old index goes on answering")
	require.NoError(t, x.Put(t.Context(), versioned("later", 1, "后来")))
	require.NoError(t, x.Refresh(t.Context()))
	require.Equal(t, []string{"later"}, found(t, x, everything("后来")))
	require.NoError(t, x.Rebuild(t.Context(), sourceOf(docs...)))
	require.Equal(t, 50, find(t, x, everything("")).Total)
}
