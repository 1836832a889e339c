package invite

import (
	"net"
	"net/netip"
	"slices"
	"strconv"
	"strings"

	"github.com/emiago/sipgo/sip"
)

// dialog is the state that RFC 3261 section 12 asks for. It belongs to one
// session's goroutine.
type dialog struct {
	callID              string
	localTag, remoteTag string
	local, remote       party
	localSeq, remoteSeq uint32
	target              sip.Uri   // remote target: the peer's Contact
	routes              []sip.Uri // route set
	flow                string    // "ip:port" that the peer's messages come from
	network             string    // as Listen.Network
	sips                bool      // it was made with a sips URI (RFC 3261 section 12.1.1)
	mark                string    // how its requests may be reached: onlyFlow, serverName or nothing
}

type party struct {
	name string
	uri  sip.Uri
}

// inboundDialog reads the INVITE of a caller; its To tag is ours.
func inboundDialog(req *sip.Request) dialog {
	from, to := req.From(), req.To()
	d := dialog{
		callID: req.CallID().Value(),
		local:  party{to.DisplayName, to.Address}, remote: party{from.DisplayName, from.Address},
		remoteSeq: req.CSeq().SeqNo, target: from.Address,
		flow: req.Source(), network: networkOf(req), sips: isSips(req.Recipient),
	}
	if connected(d.network) {
		d.mark = onlyFlow // the port of a peer that connected to us takes no connections
	}
	d.localTag, _ = to.Params.Get("tag")
	d.remoteTag, _ = from.Params.Get("tag")
	if c := req.Contact(); c != nil {
		d.target = c.Address
	}
	for _, h := range req.GetHeaders("Record-Route") {
		if rr, ok := h.(*sip.RecordRouteHeader); ok {
			d.routes = append(d.routes, rr.Address)
		}
	}
	return d
}

// outboundDialog reads a 2xx to an INVITE of ours; target stands in for a
// missing Contact and flow for an unknown source.
func outboundDialog(res *sip.Response, target sip.Uri, flow string) dialog {
	from, to := res.From(), res.To()
	d := dialog{
		callID: res.CallID().Value(),
		local:  party{from.DisplayName, from.Address}, remote: party{to.DisplayName, to.Address},
		localSeq: res.CSeq().SeqNo, target: target,
		flow: flow, network: networkOf(res), sips: isSips(target),
	}
	if src := res.Source(); src != "" {
		d.flow = src
	}
	d.localTag, _ = from.Params.Get("tag")
	d.remoteTag = toTag(res)
	if c := res.Contact(); c != nil {
		d.target = c.Address
	}
	// RFC 3261 section 12.1.2: the route set of the caller is reversed.
	for _, h := range res.GetHeaders("Record-Route") {
		if rr, ok := h.(*sip.RecordRouteHeader); ok {
			d.routes = append(d.routes, rr.Address)
		}
	}
	slices.Reverse(d.routes)
	return d
}

func toTag(res *sip.Response) string {
	to := res.To()
	if to == nil {
		return ""
	}
	tag, _ := to.Params.Get("tag")
	return tag
}

// refresh takes the new remote target of a target refresh (RFC 3261 section 12.2).
func (d *dialog) refresh(contact *sip.ContactHeader, source string) {
	if contact != nil {
		d.target = contact.Address
	}
	if source != "" {
		d.flow = source
	}
}

// request builds a request within the dialog with the next CSeq.
func (e *Endpoint) request(d *dialog, method sip.RequestMethod) *sip.Request {
	d.localSeq++
	return e.requestSeq(d, method, d.localSeq)
}

func (e *Endpoint) requestSeq(d *dialog, method sip.RequestMethod, seq uint32) *sip.Request {
	recipient, routes := d.target, d.routes
	if len(routes) > 0 && !routes[0].UriParams.Has("lr") {
		// A strict router (RFC 3261 section 12.2.1.1).
		recipient = routes[0]
		routes = append(slices.Clone(routes[1:]), d.target)
	}
	recipient.Headers = nil
	req := sip.NewRequest(method, recipient)
	dest := d.flow
	if len(d.routes) > 0 {
		if a := literal(d.routes[0]); a != "" {
			dest = a
		}
	} else if e.opts.FollowContact {
		if a := literal(d.target); a != "" {
			dest = a
		}
	}
	e.address(req, d.network, dest)
	req.SetSource(d.mark)
	if d.mark == onlyFlow && dest != d.flow {
		req.SetSource("")
	}
	for _, u := range routes {
		req.AppendHeader(&sip.RouteHeader{Address: u})
	}
	from := &sip.FromHeader{DisplayName: d.local.name, Address: d.local.uri}
	from.Params.Add("tag", d.localTag)
	to := &sip.ToHeader{DisplayName: d.remote.name, Address: d.remote.uri}
	if d.remoteTag != "" {
		to.Params.Add("tag", d.remoteTag)
	}
	id := sip.CallIDHeader(d.callID)
	hops := sip.MaxForwardsHeader(70)
	req.AppendHeader(&hops)
	req.AppendHeader(from)
	req.AppendHeader(to)
	req.AppendHeader(&id)
	req.AppendHeader(&sip.CSeqHeader{SeqNo: seq, MethodName: method})
	if method == sip.INVITE || method == sip.UPDATE || method == sip.REFER || method == sip.NOTIFY {
		req.AppendHeader(sip.NewHeader("Supported", e.supported()))
		req.AppendHeader(&sip.ContactHeader{Address: e.contact(d, dest)})
		req.AppendHeader(sip.NewHeader("Allow", Allowed))
	}
	if e.opts.UserAgent != "" && method != sip.ACK {
		req.AppendHeader(sip.NewHeader("User-Agent", e.opts.UserAgent))
	}
	req.SetBody(nil)
	return req
}

// address gives a request its transport, destination, local socket and Via.
func (e *Endpoint) address(req *sip.Request, network, dest string) {
	req.SetTransport(strings.ToUpper(network))
	req.SetDestination(dest)
	host, port := e.sentBy(network, dest)
	via := &sip.ViaHeader{ProtocolName: "SIP", ProtocolVersion: "2.0", Transport: strings.ToUpper(network), Host: host, Port: port}
	via.Params.Add("branch", sip.GenerateBranchN(16))
	via.Params.Add("rport", "") // RFC 3581
	req.RemoveHeader("Via")
	req.PrependHeader(via)
	if network == "udp" && len(e.udp) > 0 {
		a := e.udp[0].addr
		req.Laddr = sip.Addr{IP: net.IP(a.Addr().AsSlice()), Port: int(a.Port()), Hostname: a.Addr().String()}
	}
}

// literal is the "ip:port" of a URI whose host is an IP address, else "".
func literal(u sip.Uri) string {
	ip, err := netip.ParseAddr(strings.Trim(u.Host, "[]"))
	if err != nil {
		return ""
	}
	port := u.Port
	if port == 0 {
		port = sip.DefaultPort(networkTo(u))
	}
	return net.JoinHostPort(ip.String(), strconv.Itoa(port))
}

// acknowledge builds the ACK to a 2xx (RFC 3261 section 13.2.2.4) out of the
// INVITE and the response alone, so that it can be sent whoever still cares.
func (e *Endpoint) acknowledge(invite *sip.Request, res *sip.Response) *sip.Request {
	d := outboundDialog(res, invite.Recipient, invite.MessageData.Destination())
	d.mark = invite.MessageData.Source()
	if toTagOf(invite) != "" { // a re-INVITE: the route set is the dialog's
		d.routes = nil
		for _, h := range invite.GetHeaders("Route") {
			if rt, ok := h.(*sip.RouteHeader); ok {
				d.routes = append(d.routes, rt.Address)
			}
		}
	}
	ack := e.requestSeq(&d, sip.ACK, d.localSeq)
	// RFC 3261 section 22.1: the ACK carries the credentials of the INVITE.
	for _, name := range []string{"Authorization", "Proxy-Authorization"} {
		if h := invite.GetHeader(name); h != nil {
			ack.AppendHeader(sip.HeaderClone(h))
		}
	}
	return ack
}

func toTagOf(req *sip.Request) string {
	tag, _ := req.To().Params.Get("tag")
	return tag
}
