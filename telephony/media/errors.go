package media

import "errors"

// Errors of negotiation; a SIP server answers ErrBadSDP with 400 and the others with 488 (RFC 3261 §21.4.26).
var (
	// ErrBadSDP: the body is not a session description.
	ErrBadSDP = errors.New("media: malformed session description")
	// ErrNoAudio: no audio stream that can be taken is offered, or the answer rejects it.
	ErrNoAudio = errors.New("media: no audio in the session description")
	// ErrNoKey: the audio must be encrypted, and the party gave no key that can be used.
	ErrNoKey = errors.New("media: no usable SRTP key, a=crypto with AES_CM_128_HMAC_SHA1_80 or _32 is needed")
	// ErrNoTransport: the party's description of its WebRTC transport cannot be used, or there is none here.
	ErrNoTransport = errors.New("media: unusable WebRTC transport")
	// ErrNoCodec: the parties have no codec in common.
	ErrNoCodec = errors.New("media: no common codec, PCMA or PCMU is needed")
)

// errFingerprint: the party's certificate is not the one that its SDP names.
var errFingerprint = errors.New("the certificate is not the one in the session description")

// Errors of legs and ports.
var (
	// ErrNoPorts: every port pair of the range is taken. The call cannot be carried now (503).
	ErrNoPorts = errors.New("media: no free RTP port")
	// ErrClosed: the leg or its Ports is closed.
	ErrClosed = errors.New("media: closed")
	// ErrTransport: ICE or DTLS with the party failed.
	ErrTransport = errors.New("media: no connection with the browser, check that the port for WebRTC can be reached")
	// ErrNoEvents: the remote party did not negotiate telephone-event.
	ErrNoEvents = errors.New("media: the remote party takes no telephone events")
	// ErrBadDigit: the rune is not one of 0-9 * # A-D.
	ErrBadDigit = errors.New("media: not a telephone digit")
	// ErrFull: the conference has as many members as it may have.
	ErrFull = errors.New("media: the conference is full")
	// ErrBadWAV: the file is not a WAV file that can be played.
	ErrBadWAV = errors.New("media: unsupported WAV file")
)
