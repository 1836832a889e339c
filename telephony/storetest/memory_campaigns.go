package storetest

import (
	"cmp"
	"context"
	"encoding/json"
	"fmt"
	"maps"
	"slices"
	"time"

	"hotline/telephony"
)

// surveys are the campaigns of a Memory, as JSON where what is read must be a copy.
type surveys struct {
	campaigns map[string][]byte
	contacts  map[string][]byte
	order     []string // ids of contacts
	forbidden map[string]telephony.NoCall
}

func copied[T any](raw []byte) (x T) {
	if err := json.Unmarshal(raw, &x); err != nil {
		panic(err)
	}
	return x
}

func kept(x any) []byte {
	raw, err := json.Marshal(x)
	if err != nil {
		panic(err)
	}
	return raw
}

// SaveCampaign makes or changes a campaign.
func (m *Memory) SaveCampaign(_ context.Context, c telephony.Campaign) error {
	m.mu.Lock()
	defer m.mu.Unlock()
	if m.surveys.campaigns == nil {
		m.surveys.campaigns = map[string][]byte{}
	}
	m.surveys.campaigns[c.ID] = kept(c)
	return nil
}

// Campaign reads one.
func (m *Memory) Campaign(_ context.Context, id string) (telephony.Campaign, error) {
	m.mu.Lock()
	defer m.mu.Unlock()
	raw, ok := m.surveys.campaigns[id]
	if !ok {
		return telephony.Campaign{}, fmt.Errorf("campaign %s: %w", id, telephony.ErrNotFound)
	}
	return copied[telephony.Campaign](raw), nil
}

// Campaigns lists campaigns, newest first.
func (m *Memory) Campaigns(_ context.Context, state telephony.CampaignState) ([]telephony.Campaign, error) {
	m.mu.Lock()
	defer m.mu.Unlock()
	all := []telephony.Campaign{}
	for _, raw := range m.surveys.campaigns {
		if c := copied[telephony.Campaign](raw); state == "" || c.State == state {
			all = append(all, c)
		}
	}
	slices.SortFunc(all, func(a, b telephony.Campaign) int {
		return cmp.Or(b.CreatedAt.Compare(a.CreatedAt), cmp.Compare(b.ID, a.ID))
	})
	return all, nil
}

func (m *Memory) contacts() []telephony.Contact {
	all := make([]telephony.Contact, len(m.surveys.order))
	for i, id := range m.surveys.order {
		all[i] = copied[telephony.Contact](m.surveys.contacts[id])
	}
	return all
}

// AddContacts puts contacts on a campaign's list.
func (m *Memory) AddContacts(_ context.Context, all []telephony.Contact) (int, error) {
	m.mu.Lock()
	defer m.mu.Unlock()
	if m.surveys.contacts == nil {
		m.surveys.contacts = map[string][]byte{}
	}
	there := map[string]bool{}
	for _, c := range m.contacts() {
		there[c.Campaign+" "+c.Number] = true
	}
	added := 0
	for _, c := range all {
		if there[c.Campaign+" "+c.Number] {
			continue
		}
		there[c.Campaign+" "+c.Number] = true
		m.surveys.contacts[c.ID] = kept(c)
		m.surveys.order = append(m.surveys.order, c.ID)
		added++
	}
	slices.Sort(m.surveys.order)
	return added, nil
}

// SaveContact changes a contact.
func (m *Memory) SaveContact(_ context.Context, c telephony.Contact) error {
	m.mu.Lock()
	defer m.mu.Unlock()
	if _, ok := m.surveys.contacts[c.ID]; !ok {
		return fmt.Errorf("contact %s: %w", c.ID, telephony.ErrNotFound)
	}
	m.surveys.contacts[c.ID] = kept(c)
	return nil
}

// Contact reads one.
func (m *Memory) Contact(_ context.Context, id string) (telephony.Contact, error) {
	m.mu.Lock()
	defer m.mu.Unlock()
	raw, ok := m.surveys.contacts[id]
	if !ok {
		return telephony.Contact{}, fmt.Errorf("contact %s: %w", id, telephony.ErrNotFound)
	}
	return copied[telephony.Contact](raw), nil
}

// Contacts lists contacts in the order of the list.
func (m *Memory) Contacts(_ context.Context, f telephony.ContactFilter) ([]telephony.Contact, error) {
	m.mu.Lock()
	defer m.mu.Unlock()
	all := []telephony.Contact{}
	for _, c := range m.contacts() {
		if c.Campaign == f.Campaign && c.ID > f.After && (f.State == "" || c.State == f.State) && (f.Outcome == "" || c.Outcome == f.Outcome) {
			all = append(all, c)
		}
	}
	limit := f.Limit
	if limit <= 0 {
		limit = 100
	}
	return all[:min(len(all), limit, 1000)], nil
}

// TakeContacts gives contacts that wait to a holder.
func (m *Memory) TakeContacts(_ context.Context, campaign, holder string, at time.Time, limit int) ([]telephony.Contact, error) {
	m.mu.Lock()
	defer m.mu.Unlock()
	all := slices.DeleteFunc(m.contacts(), func(c telephony.Contact) bool {
		return c.Campaign != campaign || c.State != telephony.ContactWaiting || c.NotUntil.After(at)
	})
	slices.SortFunc(all, func(a, b telephony.Contact) int {
		return cmp.Or(a.NotUntil.Compare(b.NotUntil), cmp.Compare(a.ID, b.ID))
	})
	all = all[:min(len(all), limit)]
	for i := range all {
		all[i].State, all[i].Holder, all[i].TakenAt = telephony.ContactTaken, holder, at
		m.surveys.contacts[all[i].ID] = kept(all[i])
	}
	return all, nil
}

// ReleaseContacts lets those of a holder wait again.
func (m *Memory) ReleaseContacts(_ context.Context, holder string) (int, error) {
	m.mu.Lock()
	defer m.mu.Unlock()
	n := 0
	for _, c := range m.contacts() {
		if c.State == telephony.ContactTaken && c.Holder == holder {
			c.State, c.Holder, c.TakenAt = telephony.ContactWaiting, "", time.Time{}
			m.surveys.contacts[c.ID] = kept(c)
			n++
		}
	}
	return n, nil
}

// CountContacts counts a campaign's contacts.
func (m *Memory) CountContacts(_ context.Context, campaign string) ([]telephony.ContactCount, error) {
	m.mu.Lock()
	defer m.mu.Unlock()
	counts := map[telephony.ContactCount]int{}
	for _, c := range m.contacts() {
		if c.Campaign == campaign {
			counts[telephony.ContactCount{State: c.State, Outcome: c.Outcome}]++
		}
	}
	all := make([]telephony.ContactCount, 0, len(counts))
	for c, n := range counts {
		c.Count = n
		all = append(all, c)
	}
	slices.SortFunc(all, func(a, b telephony.ContactCount) int {
		return cmp.Or(cmp.Compare(a.State, b.State), cmp.Compare(a.Outcome, b.Outcome))
	})
	return all, nil
}

// ForbidCalls puts a number on the list of those that no campaign calls.
func (m *Memory) ForbidCalls(_ context.Context, n telephony.NoCall) error {
	m.mu.Lock()
	defer m.mu.Unlock()
	if m.surveys.forbidden == nil {
		m.surveys.forbidden = map[string]telephony.NoCall{}
	}
	m.surveys.forbidden[n.Number] = n
	return nil
}

// AllowCalls takes a number off that list.
func (m *Memory) AllowCalls(_ context.Context, number string) error {
	m.mu.Lock()
	defer m.mu.Unlock()
	if _, ok := m.surveys.forbidden[number]; !ok {
		return fmt.Errorf("the number: %w", telephony.ErrNotFound)
	}
	delete(m.surveys.forbidden, number)
	return nil
}

// NoCalls lists such numbers.
func (m *Memory) NoCalls(_ context.Context, after string, limit int) ([]telephony.NoCall, error) {
	m.mu.Lock()
	defer m.mu.Unlock()
	all := []telephony.NoCall{}
	for _, number := range slices.Sorted(maps.Keys(m.surveys.forbidden)) {
		if number > after && len(all) < limit {
			all = append(all, m.surveys.forbidden[number])
		}
	}
	return all, nil
}

// Forbidden tells which of some numbers are on that list.
func (m *Memory) Forbidden(_ context.Context, numbers []string) (map[string]bool, error) {
	m.mu.Lock()
	defer m.mu.Unlock()
	found := map[string]bool{}
	for _, n := range numbers {
		if _, ok := m.surveys.forbidden[n]; ok {
			found[n] = true
		}
	}
	return found, nil
}
