package web_test

import (
	"context"
	"crypto/rand"
	"crypto/sha256"
	"encoding/hex"
	"encoding/json"
	"net/http"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"hotline/ticketing"
	"hotline/web"
)

// sessionOf opens a session beside the sign-in, for tests that need thousands.
func (w *world) sessionOf(userID string) *client {
	w.t.Helper()
	token := rand.Text()
	sum := sha256.Sum256([]byte(token))
	now := time.Now()
	require.NoError(w.t, w.store.SaveSession(context.Background(), ticketing.Session{
		ID: ticketing.NewID(now), TokenHash: hex.EncodeToString(sum[:]), UserID: userID, CreatedAt: now, ExpiresAt: now.Add(time.Hour),
	}))
	return &client{w: w, token: token}
}

// oneOfEach makes a user for every role that can be granted, and the same again
// inside the sealed partition.
func (w *world) oneOfEach(partition string) map[ticketing.Role]ticketing.User {
	w.t.Helper()
	all := map[ticketing.Role]ticketing.User{}
	for _, role := range ticketing.GrantableRoles() {
		if partition != "" && slices.Contains(ticketing.Administrators(), role) {
			continue
		}
		u := ticketing.User{
			ID: "one-" + string(role) + partition, Login: "one-" + string(role) + partition, Name: "某", Roles: []ticketing.Role{role}, Partition: partition,
			PasswordHash: w.hash, CreatedAt: time.Now(), Seat: "8001",
		}
		if role == ticketing.RoleClerk || role == ticketing.RoleHead {
			u.Department, u.Seat = "CG", ""
		}
		require.NoError(w.t, w.store.SaveUser(context.Background(), u, ticketing.Change{}))
		all[role] = u
	}
	return all
}

// TestEveryRoleAtEveryOperation asks every operation of the document as every
// role and compares with the table of rights.
func TestEveryRoleAtEveryOperation(t *testing.T) {
	w := newWorld(t, func(_ *web.Deps, o *web.Options) {
		o.PublicPerAddress, o.SignInPerLogin, o.SignInPerAddress = web.Rate{Burst: 1 << 20, Per: time.Second}, web.Rate{Burst: 1 << 20, Per: time.Second}, web.Rate{Burst: 1 << 20, Per: time.Second}
	})
	people := w.oneOfEach("")
	table, err := web.PermissionsMarkdown()
	require.NoError(t, err)
	rights := map[string]string{} // by operation, as the documentation tells it
	for line := range strings.Lines(table) {
		if cells := strings.Split(line, " | "); len(cells) == 4 && strings.Contains(line, "`/") || strings.Contains(line, "/api/") {
			rights[strings.TrimPrefix(cells[0], "| ")] = strings.Trim(cells[2], "`")
		}
	}
	asked := 0
	for _, e := range endpoints(t) {
		right, known := rights[e.id]
		require.True(t, known, "%s is not in the table", e.id)
		for role, user := range people {
			var body any
			if e.method == http.MethodPost || e.method == http.MethodPut || e.method == http.MethodPatch {
				body = map[string]any{}
			}
			if e.id == "events" { // a stream, for everybody who is signed in
				continue
			}
			r := w.sessionOf(user.ID).send(e.method, e.at("none"), body)
			asked++
			may := right == "anybody" || strings.HasPrefix(right, "everybody") || ticketing.Actor{Roles: []ticketing.Role{role}}.May(right)
			switch {
			case right == "anybody":
			case !may:
				require.Equal(t, http.StatusForbidden, r.Status, "%s by %s: %s", e.id, role, r.Body)
			default:
				require.NotEqual(t, http.StatusUnauthorized, r.Status, "%s by %s: %s", e.id, role, r.Body)
				require.NotContains(t, string(r.Body), `"code":"forbidden"`, "%s by %s", e.id, role)
			}
			if r.Status >= 500 {
				require.Contains(t, string(r.Body), `"code":"no_files"`, "%s by %s: %s", e.id, role, r.Body)
			}
		}
	}
	require.Greater(t, asked, 1000)
}

// states are all that a ticket can be in.
func states() []ticketing.State {
	return []ticketing.State{
		ticketing.Draft, ticketing.Accepted, ticketing.Dispatched, ticketing.InProgress, ticketing.InReview, ticketing.FollowUp,
		ticketing.Closed, ticketing.Archived, ticketing.Suspended, ticketing.Merged, ticketing.Cancelled,
	}
}

// planted puts a ticket of each state into a partition, with a department that has it.
func (w *world) planted(partition string) map[ticketing.State]string {
	w.t.Helper()
	refs := map[ticketing.State]string{}
	for _, state := range states() {
		now := time.Now().UTC().Truncate(time.Millisecond)
		t := ticketing.Ticket{
			ID: ticketing.NewID(now), Version: 1, State: state, Channel: ticketing.ByPhone, Urgency: ticketing.Normal, Line: partition, Partition: partition,
			Appeal: ticketing.Appeal{Type: ticketing.Complaint, Title: "x", Category: "A1"}, CreatedAt: now, UpdatedAt: now,
		}
		if state != ticketing.Draft {
			t.Number, t.Department = now.Format("20060102")+"-9"+strings.Repeat("0", 4-len(partition)/2)+string(rune('a'+len(refs)))+partition, "CG"
			t.Assignments = []ticketing.Assignment{{Department: "CG", Lead: true, DispatchedAt: now, SignedAt: now}}
		}
		require.NoError(w.t, w.store.Commit(context.Background(), ticketing.Change{Ticket: &t}))
		refs[state] = t.ID
	}
	return refs
}

// TestEveryRoleActionStateAndPartition tries every action of the table as every
// role, in every state, on both sides of a seal, and compares with the table: who
// has no row may not, and across the seal there is nothing.
func TestEveryRoleActionStateAndPartition(t *testing.T) {
	w := newWorld(t, nil)
	tried, allowed := 0, 0
	tickets := map[string]map[ticketing.State]string{"": w.planted(""), "12388": w.planted("12388")}
	for _, own := range []string{"", "12388"} {
		for role, user := range w.oneOfEach(own) {
			c := w.sessionOf(user.ID)
			sees := ticketing.Actor{Roles: []ticketing.Role{role}}.May(ticketing.RightTicketRead)
			for _, action := range ticketing.ActionNames() {
				for partition, refs := range tickets {
					outcomes := c.trial(t, action, refs, sees)
					for _, state := range states() {
						tried++
						got := outcomes[state]
						name := strings.Join([]string{string(role), own, string(action), string(state), partition}, " ")
						hidden := (role == ticketing.RoleClerk || role == ticketing.RoleHead) && state == ticketing.Draft
						switch {
						case !sees:
							require.Equal(t, "forbidden", got, name)
						case own != partition, hidden:
							require.Equal(t, "not_found", got, name)
						case !inTable(action, state, ""):
							require.Equal(t, "not_open", got, name)
						case !inTable(action, state, role):
							require.Equal(t, "forbidden", got, name)
						default: // the table has it: what is missing are conditions and fields
							require.NotContains(t, []string{"not_found", "internal"}, got, name)
							allowed++
						}
					}
				}
			}
		}
	}
	require.Greater(t, tried, 20_000)
	require.Greater(t, allowed, 500)
}

// inTable tells whether a row lets a role, or anybody, do an action from a state.
func inTable(action ticketing.Action, state ticketing.State, role ticketing.Role) bool {
	return slices.ContainsFunc(ticketing.Transitions(), func(row ticketing.Transition) bool {
		return row.Action == action && row.From == state && (role == "" || slices.Contains(row.Roles, role))
	})
}

// trial says what an action would do to the ticket of each state.
func (c *client) trial(t *testing.T, action ticketing.Action, refs map[ticketing.State]string, sees bool) map[ticketing.State]string {
	t.Helper()
	order := states()
	ids := make([]string, len(order))
	for i, s := range order {
		ids[i] = refs[s]
	}
	r := c.send("POST", "/api/v1/tickets/bulk", map[string]any{"action": action, "tickets": ids, "dry_run": true})
	out := map[ticketing.State]string{}
	if !sees {
		p := r.problem(http.StatusForbidden, "forbidden")
		for _, s := range order {
			out[s] = p.Code
		}
		return out
	}
	var report web.BulkReport
	require.NoError(t, json.Unmarshal(r.want(http.StatusOK).Body, &report))
	require.Len(t, report.Items, len(order))
	for i, s := range order {
		out[s] = report.Items[i].Code
	}
	return out
}
