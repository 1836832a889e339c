package web_test

import (
	"bytes"
	"context"
	"errors"
	"io"
	"io/fs"
	"net/http"
	"strings"
	"testing"

	"github.com/stretchr/testify/require"
	"github.com/xuri/excelize/v2"

	"hotline/ticketing"
	"hotline/ticketing/blobs"
	"hotline/web"
)

// files is the real store of blobs as web wants it.
type files struct{ blobs.Store }

func (f files) Put(ctx context.Context, name string, r io.Reader) error {
	_, err := f.Store.Put(ctx, name, r)
	return err
}

func (f files) Open(ctx context.Context, name string) (io.ReadSeekCloser, error) {
	r, _, err := f.Store.Open(ctx, name)
	if errors.Is(err, blobs.ErrNotFound) {
		return nil, fs.ErrNotExist
	}
	return r, err
}

func withFiles(t *testing.T) *world {
	t.Helper()
	store, err := blobs.Open("file://" + t.TempDir())
	require.NoError(t, err)
	t.Cleanup(func() { require.NoError(t, store.Close()) })
	return newWorld(t, func(d *web.Deps, _ *web.Options) { d.Blobs = files{store} })
}

// accepted is a ticket with a number.
func (w *world) accepted() web.Ticket {
	w.t.Helper()
	agent := w.as("agent1")
	draft := agent.ticket(agent.send("POST", "/api/v1/tickets", draftBody).want(http.StatusCreated))
	return agent.ticket(agent.send("POST", "/api/v1/tickets/"+draft.ID+"/actions", map[string]any{"action": "accept"}).want(http.StatusOK))
}

// png is the smallest picture.
var png = []byte("\x89PNG\r\n\x1a\n\x00\x00\x00\rIHDR\x00\x00\x00\x01\x00\x00\x00\x01\x08\x06\x00\x00\x00\x1f\x15\xc4\x89")

func TestAttachments(t *testing.T) {
	w := withFiles(t)
	agent, clerk, auditor := w.as("agent1"), w.as("clerk-CG"), w.as("auditor")
	number := w.accepted().Number
	at := "/api/v1/tickets/" + number + "/attachments"
	put := func(c *client, name string, data []byte) reply {
		return c.send("POST", at+"?name="+name, string(data), "Content-Type", "application/octet-stream")
	}
	var file web.Attachment
	put(agent, "..%2F..%2Fetc%2Fpass%3Cwd%E2%80%AE.png", png).want(http.StatusCreated).json(&file)
	require.Equal(t, "passwd.png", file.Name)
	require.Equal(t, "image/png", file.Type)
	var again web.Attachment
	put(agent, "again.png", png).want(http.StatusCreated).json(&again)
	require.Equal(t, file.ID, again.ID, "the same file is there once")

	got := agent.get(at + "/" + file.ID).want(http.StatusOK)
	require.Equal(t, png, got.Body)
	require.Contains(t, got.Header.Get("Content-Disposition"), "attachment")
	require.Contains(t, got.Header.Get("Content-Security-Policy"), "sandbox")
	var reads web.Page[web.Read]
	w.as("lead1").get("/api/v1/tickets/" + number + "/reads").want(http.StatusOK).json(&reads)
	require.Equal(t, "attachment", reads.Items[len(reads.Items)-1].What)

	put(agent, "evil.png", []byte("<html><script>alert(1)</script>")).problem(http.StatusUnsupportedMediaType, "file_type")
	put(agent, "a.exe", []byte("MZ\x90\x00\x03\x00\x00\x00")).problem(http.StatusUnsupportedMediaType, "file_type")
	put(agent, "empty.png", nil).problem(http.StatusBadRequest, "bad_request")
	put(clerk, "a.png", png).problem(http.StatusNotFound, "not_found")
	put(auditor, "a.png", png).problem(http.StatusForbidden, "forbidden")
	large := append(bytes.Clone(png), make([]byte, 3<<20)...)
	put(agent, "large.png", large).want(http.StatusCreated)
	agent.send("POST", "/api/v1/tickets", string(large)).problem(http.StatusRequestEntityTooLarge, "body_too_large")

	agent.get(at+"/none").problem(http.StatusNotFound, "not_found")
	w.as("dispatcher1").send("DELETE", at+"/"+file.ID, nil).problem(http.StatusForbidden, "forbidden")
	agent.send("DELETE", at+"/"+file.ID, nil).want(http.StatusNoContent)
	agent.get(at+"/"+file.ID).problem(http.StatusNotFound, "not_found")
}

func TestBulk(t *testing.T) {
	w := newWorld(t, nil)
	dispatcher := w.as("dispatcher1")
	one, two := w.accepted(), w.accepted()
	body := map[string]any{"action": "dispatch", "department": "CG", "reason": "批量派单", "tickets": []string{one.Number, two.Number, "20200101-000001"}, "dry_run": true}
	var report web.BulkReport
	dispatcher.send("POST", "/api/v1/tickets/bulk", body).want(http.StatusOK).json(&report)
	require.Equal(t, 2, report.Done)
	require.Equal(t, 1, report.Failed)
	require.Equal(t, "not_found", report.Items[2].Code)
	require.NotEmpty(t, report.Items[2].Reason)
	require.Equal(t, ticketing.Accepted, dispatcher.ticket(dispatcher.get("/api/v1/tickets/"+one.Number).want(http.StatusOK)).State, "nothing has changed")

	delete(body, "dry_run")
	body["versions"] = []int64{one.Version, two.Version - 1, 1}
	dispatcher.send("POST", "/api/v1/tickets/bulk", body, "Idempotency-Key", "bulk-1").want(http.StatusOK).json(&report)
	require.Equal(t, 1, report.Done)
	require.Equal(t, "conflict", report.Items[1].Code)
	require.Equal(t, two.Version, report.Items[1].Version, "the current one")
	dispatcher.send("POST", "/api/v1/tickets/bulk", body, "Idempotency-Key", "bulk-1").want(http.StatusOK).json(&report)
	require.True(t, report.Items[0].Done, "a repeat has the effect once, and says so")
	body["versions"] = []int64{1}
	dispatcher.send("POST", "/api/v1/tickets/bulk", body).problem(http.StatusUnprocessableEntity, "invalid")
	body["tickets"] = make([]string, 201)
	dispatcher.send("POST", "/api/v1/tickets/bulk", body).problem(http.StatusUnprocessableEntity, "invalid")
}

func TestDeskThings(t *testing.T) {
	w := newWorld(t, nil)
	agent, lead := w.as("agent1"), w.as("lead1")
	number := w.accepted().Number
	var lease web.Lease
	lead.send("PUT", "/api/v1/tickets/"+number+"/lease", nil).want(http.StatusOK).json(&lease)
	require.True(t, lease.Mine)
	agent.send("PUT", "/api/v1/tickets/"+number+"/lease", nil).want(http.StatusOK).json(&lease)
	require.False(t, lease.Mine)
	require.Equal(t, "用户 lead1", lease.UserName)
	require.Equal(t, "用户 lead1", agent.ticket(agent.get("/api/v1/tickets/"+number).want(http.StatusOK)).Lease.UserName)
	lead.send("DELETE", "/api/v1/tickets/"+number+"/lease", nil).want(http.StatusNoContent)
	require.Nil(t, agent.ticket(agent.get("/api/v1/tickets/"+number).want(http.StatusOK)).Lease)

	var draft web.FormDraft
	key := "/api/v1/drafts/ticket:" + number + ":resolve"
	agent.send("PUT", key, map[string]any{"seq": 2, "body": map[string]any{"answer": "写到一半"}}).want(http.StatusOK).json(&draft)
	agent.send("PUT", key, map[string]any{"seq": 1, "body": map[string]any{"answer": "迟到的"}}).want(http.StatusOK).json(&draft)
	require.JSONEq(t, `{"answer":"写到一半"}`, string(draft.Body))
	lead.get(key).problem(http.StatusNotFound, "not_found")
	agent.send("DELETE", key, nil).want(http.StatusNoContent)

	var text web.Template
	lead.send("POST", "/api/v1/templates", map[string]any{"action": "answer_directly", "name": "路灯", "body": "您好"}).want(http.StatusCreated).json(&text)
	agent.send("POST", "/api/v1/templates", map[string]any{"action": "answer_directly", "name": "x", "body": "y"}).problem(http.StatusForbidden, "forbidden")
	lead.send("PUT", "/api/v1/templates/"+text.ID, map[string]any{"action": "answer_directly", "name": "路灯", "body": "您好!", "version": 1}).want(http.StatusOK)
	lead.send("PUT", "/api/v1/templates/"+text.ID, map[string]any{"action": "answer_directly", "name": "路灯", "body": "旧", "version": 1}).problem(http.StatusConflict, "conflict")
	var texts web.Page[web.Template]
	agent.get("/api/v1/templates").want(http.StatusOK).json(&texts)
	require.Equal(t, "您好!", texts.Items[0].Body)
	lead.send("DELETE", "/api/v1/templates/"+text.ID, nil).want(http.StatusNoContent)

	var specs web.Page[web.ActionSpec]
	agent.get("/api/v1/actions").want(http.StatusOK).json(&specs)
	require.Len(t, specs.Items, len(ticketing.ActionNames()))
}

func TestCatalogueSheets(t *testing.T) {
	w := newWorld(t, nil)
	dispatcher := w.as("dispatcher1")
	w.accepted()
	table := dispatcher.get("/api/v1/catalogue.csv").want(http.StatusOK)
	require.Contains(t, string(table.Body), "A1,路灯")
	changed := strings.Replace(string(table.Body), "A1,路灯,,,CG,城管局", "A1,路灯,TN,天宁区,SW,水务局\nA1,路灯,,,CG,城管局", 1)
	require.NotEqual(t, string(table.Body), changed)
	var p web.CataloguePreview
	dispatcher.send("POST", "/api/v1/catalogue/sheet", changed, "Content-Type", "text/csv").want(http.StatusOK).json(&p)
	require.Len(t, p.Added, 1)
	require.Empty(t, p.Removed)
	require.Positive(t, p.Examined)
	var before web.CatalogueInput
	dispatcher.get("/api/v1/catalogue").want(http.StatusOK).json(&before)
	require.Len(t, before.Entries, 2, "a preview changes nothing")
	var after web.CatalogueInput
	dispatcher.send("PUT", "/api/v1/catalogue", p.Catalogue).want(http.StatusOK).json(&after)
	require.Equal(t, before.Version+1, after.Version)
	require.Len(t, after.Entries, 3)
	dispatcher.send("PUT", "/api/v1/catalogue", p.Catalogue).problem(http.StatusConflict, "conflict")

	book := dispatcher.get("/api/v1/catalogue.xlsx").want(http.StatusOK)
	f, err := excelize.OpenReader(bytes.NewReader(book.Body))
	require.NoError(t, err)
	require.NoError(t, f.SetSheetRow("catalogue", "A5", &[]any{"B1", "停水", "TN", "天宁区", "CG", ""}))
	var out bytes.Buffer
	require.NoError(t, f.Write(&out))
	require.NoError(t, f.Close())
	dispatcher.send("POST", "/api/v1/catalogue/sheet", out.String(), "Content-Type",
		"application/vnd.openxmlformats-officedocument.spreadsheetml.sheet").want(http.StatusOK).json(&p)
	require.Equal(t, []ticketing.CatalogueEntry{{Category: "B1", District: "TN", Department: "CG"}}, p.Added)

	for _, wrong := range []string{"\n", "category,district\nA1,", "category,department\nA1,", "category,department\nA1,NOBODY", "category,department\n\"A1"} {
		dispatcher.send("POST", "/api/v1/catalogue/sheet", wrong, "Content-Type", "text/csv").problem(http.StatusUnprocessableEntity, "invalid")
	}
	dispatcher.send("POST", "/api/v1/catalogue/sheet", "not a workbook", "Content-Type",
		"application/vnd.openxmlformats-officedocument.spreadsheetml.sheet").problem(http.StatusUnprocessableEntity, "invalid")
	w.as("agent1").get("/api/v1/catalogue").problem(http.StatusForbidden, "forbidden")
}

func TestACitizenActsWithTheCode(t *testing.T) {
	w := newWorld(t, nil)
	nobody := w.nobody()
	var filed web.FiledAppeal
	nobody.send("POST", "/api/public/v1/appeals", map[string]any{
		"appeal": map[string]any{"type": "complaint", "description": "路灯不亮"}, "citizen": map[string]any{"phone": "13812345678"},
	}, "Idempotency-Key", "0123456789abcdef").want(http.StatusCreated).json(&filed)
	at := "/api/public/v1/appeals/" + filed.Number + "/actions"
	nobody.send("POST", at, map[string]any{"code": "WRONG234", "action": "cancel", "reason": "x"}).problem(http.StatusNotFound, "not_found")
	nobody.send("POST", at, map[string]any{"code": filed.QueryCode, "action": "dispatch"}).problem(http.StatusUnprocessableEntity, "invalid")
	nobody.send("POST", at, map[string]any{"code": filed.QueryCode, "action": "urge", "reason": "快"}).problem(http.StatusConflict, "not_open")
	var p web.Progress
	nobody.send("POST", at, map[string]any{"code": filed.QueryCode, "action": "cancel", "reason": "已解决"}).want(http.StatusOK).json(&p)
	require.Equal(t, ticketing.Cancelled, p.State)
}
