package media

import (
	"errors"
	"fmt"
	"slices"
	"syscall"
)

// store writes a window of samples to the file, and the header. The part of it up to end is not given again: where the disk has no room
// it is lost, and silence takes its place once there is room again.
func (r *Recorder) store(chunk []byte, from, end int64) {
	err := r.fill(from)
	if err == nil {
		err = r.put(chunk, from)
	}
	if err != nil {
		r.unwritten += max(0, end-max(from, r.written))
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

// noRoom tells whether an error is one that passes when somebody makes room.
func noRoom(err error) bool { return errors.Is(err, syscall.ENOSPC) || errors.Is(err, syscall.EDQUOT) }

// begin creates the file and writes the header, unless they are there.
func (r *Recorder) begin() error {
	if r.begun {
		return nil
	}
	if r.file == nil {
		file, err := r.files.Create(r.path)
		if err != nil {
			return err
		}
		r.file = file
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

// cut makes the file no longer than the recording is to be: it may have been written further.
func (r *Recorder) cut(samples int64) error {
	if r.written <= samples {
		return nil
	}
	r.written = samples
	if err := r.file.Truncate(recordingHeaderSize + 2*samples); err != nil {
		return err
	}
	return r.put(nil, samples)
}
