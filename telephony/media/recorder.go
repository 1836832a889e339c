package media

import (
	"errors"
	"fmt"
	"io"
	"log/slog"
	"math"
	"slices"
	"sync"
	"time"
)

const (
	// flushTime is how often audio goes to the file. What is written is all there is; the last flushLag of it is written again with the
	// next flush, when more is known about where it belongs and late packets have come.
	flushTime = time.Second
	flushLag  = 2 * lookAhead
	// maxWaiting bounds the audio of a channel that waits for a slow disk, in octets; what comes later is lost.
	maxWaiting = 60 * SampleRate
	// resumeGuard is how much longer nothing is heard after a pause: audio of the pause may still be on its way.
	resumeGuard = 200 * time.Millisecond
)

// RecorderOptions of a recorder; the zero value works.
type RecorderOptions struct {
	// Max ends the recording by itself; 0 is 4 hours (230 MB).
	Max time.Duration
	// Files makes the file; nil is a plain one.
	Files Files
	Now   func() time.Time
	Log   *slog.Logger
}

// Recording is a finished recording.
type Recording struct {
	Path     string
	Start    time.Time
	Duration time.Duration
	Size     int64  // bytes
	SHA256   string // hex, of the whole file
	// Dropped is the audio, in samples of either channel, that came too late or could not be written in time.
	Dropped int64
	// Unwritten is how much of the call the disk had no room for: it is silence in the file, or missing at its end.
	Unwritten time.Duration
}

// Recorder writes two channels of G.711 A-law to a WAV file. Audio is placed by the RTP timestamps of its stream, and each
// stream by its packets that came soonest, so that neither delays nor a phone's clock nor leaps of its timestamps move one side against
// the other; what is missing is silence. Safe for concurrent use.
//
// The file is written about once a second by a goroutine of its own, its header with it, so that calls never wait for the disk and the
// file can be read at any moment, also after the process was killed. A disk without room costs the audio of that time and nothing
// else: writing is tried again each second, and what was lost is silence.
type Recorder struct {
	path  string
	files Files
	file  File // nil until the disk had room for it
	start time.Time
	limit int64 // samples
	now   func() time.Time
	log   *slog.Logger

	mu      sync.Mutex
	in      [2]queue
	streams [2]unwrapper
	made    [2]int64 // end of the audio that the server made
	pauses  []pause
	dropped int64
	err     error // of the disk: the recording is incomplete
	closed  bool

	// Of whoever flushes.
	waiting   [2]queue
	tracks    [2]track
	base      int64 // all before it is done with
	begun     bool  // the header is there
	written   int64 // samples in the file
	unwritten int64 // samples that the disk did not take
	failing   bool

	stop   chan struct{}
	done   chan struct{}
	once   sync.Once
	result Recording
	final  error
}

// pause is a stretch in which nothing is recorded, in samples.
type pause struct{ from, to int64 }

// NewRecorder creates the file, which must not exist, and starts the recording's clock. A disk without room is no error: it may have some
// soon.
func NewRecorder(path string, opts RecorderOptions) (*Recorder, error) {
	if opts.Now == nil {
		opts.Now = time.Now
	}
	if opts.Log == nil {
		opts.Log = slog.New(slog.DiscardHandler)
	}
	if opts.Max <= 0 {
		opts.Max = 4 * time.Hour
	}
	if opts.Files == nil {
		opts.Files = plainFiles{}
	}
	r := &Recorder{
		path: path, files: opts.Files, start: opts.Now(), limit: int64(timeSamples(opts.Max)), now: opts.Now, log: opts.Log,
		stop: make(chan struct{}), done: make(chan struct{}),
	}
	if err := r.begin(); err != nil {
		if r.file == nil && !noRoom(err) {
			return nil, fmt.Errorf("media: create recording: %w", err)
		}
		r.troubled(err)
	}
	go r.run()
	return r, nil
}

// Path is the file's name.
func (r *Recorder) Path() string { return r.path }

// Pause keeps what is said from now on out of the recording, for secrets such as a card's number: it is kept nowhere, and is silence
// there. Resume ends that. Both are idempotent.
func (r *Recorder) Pause() {
	at := r.elapsed(r.now())
	r.mu.Lock()
	defer r.mu.Unlock()
	if !r.paused(at) {
		r.pauses = append(r.pauses, pause{at, math.MaxInt64})
	}
}

// Resume records again after Pause, from 200 ms after now: what was said in the pause may still be on its way.
func (r *Recorder) Resume() {
	at := r.elapsed(r.now().Add(resumeGuard))
	r.mu.Lock()
	defer r.mu.Unlock()
	if n := len(r.pauses); n > 0 && r.pauses[n-1].to == math.MaxInt64 {
		r.pauses[n-1].to = at
	}
}

// paused tells whether nothing is recorded at a sample, the newest there is. The caller holds mu.
func (r *Recorder) paused(at int64) bool {
	n := len(r.pauses)
	return n > 0 && at < r.pauses[n-1].to
}

// elapsed is the number of samples since the start.
func (r *Recorder) elapsed(now time.Time) int64 { return int64(timeSamples(now.Sub(r.start))) }

// Err is the error of the disk that left the recording incomplete, if there was one.
func (r *Recorder) Err() error {
	r.mu.Lock()
	defer r.mu.Unlock()
	return r.err
}

// write takes one packet that arrived now.
func (r *Recorder) write(channel int, codec Codec, data []byte, ssrc, ts uint32, now time.Time) {
	at := r.elapsed(now)
	r.mu.Lock()
	defer r.mu.Unlock()
	// The packet's last sample was spoken when it left, so its first one lies a packet before its arrival.
	p := queued{codec: codec, arrival: at - int64(len(data))}
	p.stream, p.ts = r.streams[channel].next(ssrc, ts)
	r.enqueue(channel, p, data)
}

// enqueue takes a packet; the caller holds mu.
func (r *Recorder) enqueue(channel int, p queued, data []byte) {
	q := &r.in[channel]
	switch {
	case r.closed, r.paused(p.arrival + int64(len(data))):
	case len(q.data)+len(data) > maxWaiting:
		r.dropped += int64(len(data))
	default:
		q.put(p, data)
	}
}

var silentALaw = func() (b [2 * FrameSamples]byte) {
	for i := range b {
		b[i] = PCMA.silence()
	}
	return b
}()

func (r *Recorder) run() {
	defer close(r.done)
	ticker := time.NewTicker(flushTime)
	defer ticker.Stop()
	for {
		select {
		case <-r.stop:
			return
		case <-ticker.C:
			r.flush(r.elapsed(r.now()), false)
		}
	}
}

// flush writes what there is up to sample end; the last time nothing waits for more. Only one goroutine calls it at a time.
func (r *Recorder) flush(end int64, last bool) {
	r.mu.Lock()
	for ch := range r.in {
		r.waiting[ch].take(&r.in[ch])
	}
	pauses := slices.Clone(r.pauses)
	r.mu.Unlock()

	end = min(end, r.limit)
	done := max(r.base, end-int64(timeSamples(flushLag)))
	if last {
		done = max(r.base, end)
	}
	dropped := int64(0)
	if end > r.base {
		window := windows.Get().(*[]byte) //nolint:forcetypeassert // the pool has nothing else
		dropped = r.render(window, pauses, end, last)
		r.store(*window, r.base, done)
		windows.Put(window)
	}
	r.base = done
	for ch := range r.waiting {
		r.waiting[ch].drop(done)
	}
	r.mu.Lock()
	defer r.mu.Unlock()
	r.dropped += dropped
	r.pauses = slices.DeleteFunc(r.pauses, func(p pause) bool { return p.to <= done })
}

// Close ends the recording now.
func (r *Recorder) Close() (Recording, error) { return r.CloseAfter(r.now().Sub(r.start)) }

// CloseAfter writes what is left, syncs the file and measures it. The recording is as long as is said, from NewRecorder on. Audio
// that comes later is ignored. Idempotent: later calls give the same result. When the disk failed, the error comes
// with what could be written.
func (r *Recorder) CloseAfter(length time.Duration) (Recording, error) {
	r.once.Do(func() {
		close(r.stop)
		<-r.done
		r.mu.Lock()
		r.closed = true
		r.mu.Unlock()
		samples := min(int64(timeSamples(max(length, 0))), r.limit)
		r.flush(samples, true)
		r.result, r.final = r.finish(samples)
	})
	return r.result, r.final
}

func (r *Recorder) finish(samples int64) (Recording, error) {
	r.mu.Lock()
	dropped := r.dropped
	r.in, r.waiting = [2]queue{}, [2]queue{}
	r.mu.Unlock()
	if r.file == nil {
		return Recording{Path: r.path, Start: r.start, Dropped: dropped, Unwritten: sampleTime(int(samples))}, r.Err()
	}
	err := r.cut(samples)
	if err == nil {
		err = r.file.Sync()
	}
	if err != nil {
		err = fmt.Errorf("media: sync recording: %w", err)
	}
	rec, measureErr := measure(r.file)
	rec.Path, rec.Start, rec.Dropped, rec.Unwritten = r.path, r.start, dropped, sampleTime(int(r.unwritten))
	err = errors.Join(r.Err(), err)
	return rec, errors.Join(err, measureErr, r.file.Close())
}

// Repair makes a recording that its process left open whole: lengths in the header are set to what the file holds.
// It does nothing to a whole one. files opens it; nil is a plain file. ErrBadWAV: the file is no recording of this package.
func Repair(path string, files Files) (rec Recording, err error) {
	if files == nil {
		files = plainFiles{}
	}
	file, err := files.Open(path)
	if err != nil {
		return Recording{}, fmt.Errorf("media: repair recording: %w", err)
	}
	defer func() { err = errors.Join(err, file.Close()) }()
	size, err := file.Size()
	if err != nil {
		return Recording{}, fmt.Errorf("media: repair recording: %w", err)
	}
	header := make([]byte, min(size, recordingHeaderSize))
	if _, err := io.ReadFull(io.NewSectionReader(file, 0, size), header); err != nil {
		return Recording{}, fmt.Errorf("media: repair recording: %w", err)
	}
	if !ownHeader(header) {
		return Recording{}, fmt.Errorf("%w: %s is not a recording", ErrBadWAV, path)
	}
	if err := mend(file, size, header); err != nil {
		return Recording{}, fmt.Errorf("media: repair recording: %w", err)
	}
	rec, err = measure(file)
	rec.Path = path
	return rec, err
}

// mend makes header and length agree.
func mend(file File, size int64, header []byte) error {
	samples := max(0, (size-recordingHeaderSize)/2)
	want := recordingHeader(samples)
	if string(header) == string(want) && size == recordingHeaderSize+samples*2 {
		return nil
	}
	if err := file.Truncate(min(size, recordingHeaderSize+samples*2)); err != nil {
		return err
	}
	if _, err := file.WriteAt(want, 0); err != nil {
		return err
	}
	return file.Sync()
}
