package invite

import (
	"strconv"

	"github.com/emiago/sipgo/sip"
)

// phrase is the usual reason phrase of a status code (RFC 3261 section 21).
func phrase(code int) string {
	switch code {
	case sip.StatusTrying:
		return "Trying"
	case sip.StatusRinging:
		return "Ringing"
	case sip.StatusCallIsForwarded:
		return "Call Is Being Forwarded"
	case sip.StatusQueued:
		return "Queued"
	case sip.StatusSessionInProgress:
		return "Session Progress"
	case sip.StatusOK:
		return "OK"
	case sip.StatusAccepted:
		return "Accepted"
	case sip.StatusBadRequest:
		return "Bad Request"
	case sip.StatusUnauthorized:
		return "Unauthorized"
	case sip.StatusForbidden:
		return "Forbidden"
	case sip.StatusNotFound:
		return "Not Found"
	case sip.StatusMethodNotAllowed:
		return "Method Not Allowed"
	case sip.StatusProxyAuthRequired:
		return "Proxy Authentication Required"
	case sip.StatusRequestTimeout:
		return "Request Timeout"
	}
	return laterPhrase(code)
}

func laterPhrase(code int) string {
	switch code {
	case statusIntervalTooSmall:
		return "Session Interval Too Small"
	case statusBadEvent:
		return "Bad Event"
	case sip.StatusUnsupportedMediaType:
		return "Unsupported Media Type"
	case 416:
		return "Unsupported URI Scheme"
	case sip.StatusBadExtension:
		return "Bad Extension"
	case sip.StatusTemporarilyUnavailable:
		return "Temporarily Unavailable"
	case sip.StatusCallTransactionDoesNotExists:
		return "Call/Transaction Does Not Exist"
	case sip.StatusLoopDetected:
		return "Loop Detected"
	case sip.StatusBusyHere:
		return "Busy Here"
	case sip.StatusRequestTerminated:
		return "Request Terminated"
	case sip.StatusNotAcceptableHere:
		return "Not Acceptable Here"
	case sip.StatusRequestPending:
		return "Request Pending"
	case sip.StatusInternalServerError:
		return "Server Internal Error"
	case sip.StatusNotImplemented:
		return "Not Implemented"
	case sip.StatusServiceUnavailable:
		return "Service Unavailable"
	case sip.StatusGatewayTimeout:
		return "Server Time-out"
	case sip.StatusVersionNotSupported:
		return "Version Not Supported"
	case sip.StatusMessageTooLarge:
		return "Message Too Large"
	case sip.StatusGlobalDecline:
		return "Decline"
	}
	switch code / 100 {
	case 1:
		return "Session Progress"
	case 2:
		return "OK"
	case 3:
		return "Redirect"
	case 5:
		return "Server Failure"
	case 6:
		return "Global Failure"
	default:
		return "Request Failure"
	}
}

func statusLine(code int, reason string) string {
	if reason == "" {
		reason = phrase(code)
	}
	return strconv.Itoa(code) + " " + reason
}
