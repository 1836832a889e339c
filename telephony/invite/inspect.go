package invite

import (
	"bytes"
	"strconv"
	"syscall"

	"github.com/emiago/sipgo/sip"
)

// msgTrunc is set by the kernel when the datagram was longer than the buffer.
const msgTrunc = syscall.MSG_TRUNC

// Verdicts of inspect apart from SIP status codes.
const (
	passMessage = 0
	dropMessage = -1
	dropScanner = -2
)

// inspect judges a datagram before sipgo sees it: 0 to pass it on, a status
// code to refuse it with, or -1 to drop it. Responses and ACKs are never
// answered; sipgo drops those it cannot parse.
func (e *Endpoint) inspect(b []byte, truncated bool) int {
	if bytes.HasPrefix(b, []byte("SIP/")) {
		if truncated || len(b) > e.opts.Limits.Message {
			return dropMessage
		}
		return passMessage
	}
	line, _, ok := bytes.Cut(b, []byte("\r\n"))
	method, rest, ok2 := bytes.Cut(line, []byte(" "))
	if !ok || !ok2 || !isToken(method) || bytes.Count(rest, []byte(" ")) == 0 {
		return dropMessage
	}
	if e.scanner(b) {
		return dropScanner
	}
	if bytes.EqualFold(method, []byte("ACK")) {
		if truncated || len(b) > e.opts.Limits.Message {
			return dropMessage
		}
		return passMessage
	}
	version := rest[bytes.LastIndexByte(rest, ' ')+1:]
	switch {
	case !bytes.HasPrefix(version, []byte("SIP/")):
		return dropMessage
	case truncated || len(b) > e.opts.Limits.Message:
		return sip.StatusMessageTooLarge
	case !bytes.EqualFold(version, []byte("SIP/2.0")):
		return sip.StatusVersionNotSupported
	}
	msg, err := e.parser.ParseSIP(b)
	if err != nil {
		return sip.StatusBadRequest
	}
	req, ok := msg.(*sip.Request)
	if !ok || !wellFormed(req) {
		return sip.StatusBadRequest
	}
	return passMessage
}

// wellFormed checks the headers that every request needs (RFC 3261 section 8.1.1).
func wellFormed(req *sip.Request) bool {
	via, from, cseq, id := req.Via(), req.From(), req.CSeq(), req.CallID()
	if via == nil || from == nil || cseq == nil || id == nil || req.To() == nil {
		return false
	}
	tag, _ := from.Params.Get("tag")
	branch, _ := via.Params.Get("branch")
	return tag != "" && branch != "" && len(*id) > 0 && len(*id) <= 256 && len(tag) <= 256 &&
		cseq.MethodName == req.Method && via.Host != "" && cseq.SeqNo < 1<<31
}

func isToken(b []byte) bool {
	if len(b) == 0 || len(b) > 32 {
		return false
	}
	for _, c := range b {
		if c <= ' ' || c >= 0x7f || bytes.IndexByte([]byte(`()<>@,;:\"/[]?={}`), c) >= 0 {
			return false
		}
	}
	return true
}

// rawReply builds a response out of header lines that need not parse, or nil
// when the request lacks what an answer needs. It is never longer than a
// small multiple of what it answers.
func rawReply(b []byte, code int) []byte {
	const maxLine, maxVia, maxLines = 1024, 16, 256
	var vias [][]byte
	var from, to, id, cseq []byte
	lines := bytes.SplitN(b, []byte("\r\n"), maxLines)
	for _, line := range lines[1:] {
		if len(line) == 0 {
			break
		}
		name, value, ok := bytes.Cut(line, []byte(":"))
		value = bytes.TrimSpace(value)
		if !ok || len(value) == 0 || len(line) > maxLine || bytes.ContainsAny(value, "\r\n\x00") {
			continue
		}
		switch string(bytes.ToLower(bytes.TrimSpace(name))) {
		case "via", "v":
			vias = append(vias, value)
		case "from", "f":
			from = value
		case "to", "t":
			to = value
		case "call-id", "i":
			id = value
		case "cseq":
			cseq = value
		}
	}
	if len(vias) == 0 || len(vias) > maxVia || from == nil || to == nil || id == nil || cseq == nil ||
		bytes.HasSuffix(bytes.ToUpper(cseq), []byte("ACK")) {
		return nil
	}
	var out bytes.Buffer
	out.WriteString("SIP/2.0 " + strconv.Itoa(code) + " " + phrase(code) + "\r\n")
	for _, v := range vias {
		writeLine(&out, "Via", v)
	}
	writeLine(&out, "From", from)
	if !bytes.Contains(bytes.ToLower(to), []byte("tag=")) {
		to = append(append([]byte{}, to...), (";tag=" + sip.GenerateTagN(10))...)
	}
	writeLine(&out, "To", to)
	writeLine(&out, "Call-ID", id)
	writeLine(&out, "CSeq", cseq)
	out.WriteString("Content-Length: 0\r\n\r\n")
	return out.Bytes()
}

func writeLine(out *bytes.Buffer, name string, value []byte) {
	out.WriteString(name)
	out.WriteString(": ")
	out.Write(value)
	out.WriteString("\r\n")
}
