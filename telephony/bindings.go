package telephony

import (
	"fmt"
	"math"
	"slices"
	"strconv"
	"strings"
	"time"

	"github.com/emiago/sipgo/sip"
)

// Bounds of what a phone may register.
const (
	maxDevices  = 10  // bindings of a seat; beyond, the one refreshed longest ago goes
	maxContacts = 5   // in one REGISTER
	maxContact  = 512 // octets of a URI, an instance or a Call-ID
	maxPath     = 4   // proxies
)

// wanted is one Contact of a REGISTER: a binding, or with remove one to end.
type wanted struct {
	b      Binding
	lasts  time.Duration
	remove bool
}

// refusal is a status that a REGISTER is answered with.
type refusal struct {
	code   int
	reason string
}

func (r *refusal) Error() string { return strconv.Itoa(r.code) + " " + r.reason }

// contacts reads what a REGISTER asks for; all means that everything is to go.
func (r *registrar) contacts(req *sip.Request) (list []wanted, all bool, err error) {
	headers := req.GetHeaders("Contact")
	if len(headers) > maxContacts {
		return nil, false, &refusal{403, "Too many Contacts"}
	}
	path, err := pathOf(req)
	if err != nil {
		return nil, false, err
	}
	for _, h := range headers {
		c, ok := h.(*sip.ContactHeader)
		if !ok {
			return nil, false, &refusal{400, "Bad Contact"}
		}
		expires, err := r.expiry(req, c)
		if err != nil {
			return nil, false, err
		}
		if c.Address.Wildcard {
			if expires != 0 || len(headers) > 1 { // RFC 3261 section 10.3 step 6
				return nil, false, &refusal{400, "Bad Contact"}
			}
			return nil, true, nil
		}
		w := wanted{lasts: expires, remove: expires == 0, b: Binding{Contact: c.Address.String(), Q: preference(c), Path: path}}
		w.b.Instance, w.b.RegID = instanceOf(c)
		if len(w.b.Contact) > maxContact || len(w.b.Instance) > maxContact {
			return nil, false, &refusal{400, "Bad Contact"}
		}
		list = append(list, w)
	}
	return list, false, nil
}

// expiry reads the wished lifetime of a Contact: its own, the header's or the
// longest; 423 when it is too brief.
func (r *registrar) expiry(req *sip.Request, c *sip.ContactHeader) (time.Duration, error) {
	value := ""
	if h := req.GetHeader("Expires"); h != nil {
		value = h.Value()
	}
	if v, ok := c.Params.Get("expires"); ok {
		value = v
	}
	if value == "" {
		return r.max, nil
	}
	n, err := strconv.ParseUint(strings.TrimSpace(value), 10, 32)
	if err != nil {
		return 0, &refusal{400, "Bad Expires"}
	}
	d := time.Duration(n) * time.Second
	if d != 0 && d < r.min {
		return 0, &refusal{code: 423}
	}
	return min(d, r.max), nil
}

// preference reads the q value in thousandths (RFC 3261 section 20.10).
func preference(c *sip.ContactHeader) int {
	v, ok := c.Params.Get("q")
	if !ok {
		return 1000
	}
	q, err := strconv.ParseFloat(v, 64)
	if err != nil || math.IsNaN(q) || q < 0 || q > 1 {
		return 1000
	}
	return int(math.Round(q * 1000))
}

// instanceOf reads the identity of the device and which of its flows this is.
func instanceOf(c *sip.ContactHeader) (string, int) {
	v, ok := c.Params.Get("+sip.instance")
	if !ok {
		return "", 0
	}
	instance := strings.Trim(v, `"<> `)
	id, _ := c.Params.Get("reg-id")
	n, err := strconv.ParseUint(id, 10, 31)
	if err != nil {
		return instance, 0
	}
	return instance, int(n)
}

// pathOf reads the proxies that a REGISTER came through (RFC 3327).
func pathOf(req *sip.Request) ([]string, error) {
	var path []string
	for _, h := range req.GetHeaders("Path") {
		for part := range strings.SplitSeq(h.Value(), ",") {
			uri := strings.TrimSpace(part)
			if _, rest, ok := strings.Cut(uri, "<"); ok {
				uri, _, _ = strings.Cut(rest, ">")
			}
			var u sip.Uri
			if err := sip.ParseUri(uri, &u); err != nil || u.Host == "" || len(uri) > maxContact || len(path) >= maxPath {
				return nil, &refusal{400, "Bad Path"}
			}
			path = append(path, uri)
		}
	}
	return path, nil
}

// same tells whether two bindings are of one flow of one device: by instance
// and reg-id where the phone gives them (RFC 5626 section 6), else by address.
// A phone that says nothing and registers again from where it did is the same.
func same(old, b Binding) bool {
	if old.Instance != "" && b.Instance != "" && (old.RegID != 0 || b.RegID != 0) {
		return old.Instance == b.Instance && old.RegID == b.RegID
	}
	if old.Instance == "" && b.Instance == "" && len(old.Path) == 0 && len(b.Path) == 0 &&
		old.Source == b.Source && old.Transport == b.Transport {
		return true
	}
	var a, c sip.Uri
	return sip.ParseUri(old.Contact, &a) == nil && sip.ParseUri(b.Contact, &c) == nil && sameURI(a, c)
}

func sameContact(a, b sip.Uri) bool {
	return a.User == b.User && strings.EqualFold(a.Host, b.Host) && a.Port == b.Port
}

func sameURI(a, b sip.Uri) bool {
	return sameContact(a, b) && strings.EqualFold(a.Scheme, b.Scheme) &&
		strings.EqualFold(a.UriParams.GetOr("transport", ""), b.UriParams.GetOr("transport", ""))
}

// change works out what a REGISTER makes of a seat's bindings (RFC 3261
// section 10.3 steps 6 and 7). All of it happens, or nothing.
func change(have []Binding, list []wanted, all bool, callID string, cseq uint32, now time.Time) ([]Binding, error) {
	late := func(b Binding) bool { return b.CallID == callID && cseq < b.CSeq }
	kept := slices.DeleteFunc(slices.Clone(have), func(b Binding) bool { return !b.Expires.After(now) })
	if all {
		if slices.ContainsFunc(kept, late) {
			return nil, &refusal{500, "CSeq out of order"}
		}
		return nil, nil
	}
	for _, w := range list {
		w.b.CallID, w.b.CSeq, w.b.Since, w.b.Expires = callID, cseq, now, now.Add(w.lasts)
		for _, b := range kept {
			if same(b, w.b) && late(b) {
				return nil, &refusal{500, "CSeq out of order"}
			}
		}
		kept = slices.DeleteFunc(kept, func(b Binding) bool { return same(b, w.b) })
		if !w.remove {
			kept = append(kept, w.b)
		}
	}
	for len(kept) > maxDevices {
		oldest := 0
		for i, b := range kept {
			if b.Since.Before(kept[oldest].Since) {
				oldest = i
			}
		}
		kept = slices.Delete(kept, oldest, oldest+1)
	}
	return kept, nil
}

// alive are the bindings whose time is not over, the preferred ones first and
// of those the newest.
func alive(all []Binding, now time.Time) []Binding {
	list := slices.DeleteFunc(slices.Clone(all), func(b Binding) bool { return !b.Expires.After(now) })
	slices.SortStableFunc(list, func(a, b Binding) int {
		if a.Q != b.Q {
			return b.Q - a.Q
		}
		return b.Since.Compare(a.Since)
	})
	return list
}

// contactHeader tells a phone of a binding.
func (b Binding) contactHeader(now time.Time) sip.Header {
	v := fmt.Sprintf("<%s>;expires=%d", b.Contact, max(0, int(b.Expires.Sub(now).Seconds())))
	if b.Q != 1000 {
		v += fmt.Sprintf(";q=%.3g", float64(b.Q)/1000)
	}
	if b.Instance != "" {
		v += fmt.Sprintf(`;+sip.instance="<%s>"`, b.Instance)
	}
	if b.RegID != 0 {
		v += fmt.Sprintf(";reg-id=%d", b.RegID)
	}
	return sip.NewHeader("Contact", v)
}
