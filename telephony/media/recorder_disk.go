package media

import (
	"fmt"
	"slices"
)

// store writes samples from…end to the file, and the header. Where the disk has no room the samples are lost, and silence takes their
// place once there is room again.
func (r *Recorder) store(chunk []byte, from, end int64) {
	err := r.fill(from)
	if err == nil {
		err = r.put(chunk, from)
	}
	if err != nil {
		r.unwritten += end - max(from, r.written)
		r.troubled(err)
		return
	}
	if r.failing {
		r.failing = false
		r.log.Warn("the recording goes on: the disk has room again", "path", r.path, "lost", sampleTime(int(r.unwritten)).String())
	}
}

// fill writes silence up to sample from, in pieces.
func (r *Recorder) fill(from int64) error {
	const piece = 10 * SampleRate
	for r.written < from {
		n := min(from-r.written, piece)
		silence := slices.Repeat([]byte{PCMA.silence()}, int(2*n))
		if err := r.put(silence, r.written); err != nil {
			return err
		}
	}
	return nil
}

// put writes samples at a place and makes the header say what the file holds, also when only a part of them found room.
func (r *Recorder) put(samples []byte, at int64) error {
	if err := r.begin(); err != nil {
		return err
	}
	n, err := r.file.WriteAt(samples, recordingHeaderSize+at*2)
	r.written = max(r.written, at+int64(n/2))
	if _, headErr := r.file.WriteAt(recordingHeader(r.written), 0); err == nil {
		err = headErr
	}
	return err
}

// begin writes the header unless it is there.
func (r *Recorder) begin() error {
	if r.begun {
		return nil
	}
	_, err := r.file.WriteAt(recordingHeader(0), 0)
	r.begun = err == nil
	return err
}

// troubled notes that the disk refused; the first time it is told.
func (r *Recorder) troubled(err error) {
	err = fmt.Errorf("media: write recording: %w", err)
	r.mu.Lock()
	if r.err == nil {
		r.err = err
	}
	r.mu.Unlock()
	if !r.failing {
		r.failing = true
		r.log.Error("a recording cannot be written, it is tried again each second", "path", r.path, "error", err)
	}
}
