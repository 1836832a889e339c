package media

import (
	"errors"
	"fmt"
	"io"
	"log/slog"
	"sync"
	"time"
)

const (
	// flushTime is how often audio goes to the file, and flushLag how long it is kept for packets that come late.
	flushTime = time.Second
	flushLag  = 250 * time.Millisecond
	// maxSlip is how far a stream's timestamps may leave the wall clock before it is placed by arrival again.
	maxSlip = time.Second
	// maxWindow bounds the audio that waits for a slow disk, and how far ahead of the file a packet is placed; what comes later is lost.
	maxWindow = time.Minute
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
// stream by the arrival of its first packet; what is missing is silence. A stream whose clock runs faster or slower than the
// server's is moved by a few milliseconds now and then, so that the channels stay together (alignment). Safe for concurrent use.
//
// The file is written about once a second by a goroutine of its own, its header with it, so that calls never wait for the disk and the
// file can be read at any moment, also after the process was killed. A disk without room costs the audio of that time and nothing
// else: writing is tried again each second, and what was lost is silence.
type Recorder struct {
	path  string
	file  File
	start time.Time
	limit int64 // samples
	now   func() time.Time
	log   *slog.Logger

	mu      sync.Mutex
	window  []byte // interleaved channels, from sample base on
	spare   []byte
	base    int64
	tracks  [2]track
	dropped int64
	err     error // of the disk: the recording is incomplete
	paused  bool
	closed  bool

	// Of whoever flushes.
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

// track is one channel's present stream.
type track struct {
	active bool
	ssrc   uint32
	ts     uint32 // a timestamp of the stream and
	pos    int64  // the sample at which it lies
	end    int64  // sample after the last one
	align  alignment
}

// NewRecorder creates the file, which must not exist, and starts the recording's clock.
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
	file, err := opts.Files.Create(path)
	if err != nil {
		return nil, fmt.Errorf("media: create recording: %w", err)
	}
	r := &Recorder{
		path: path, file: file, start: opts.Now(), limit: int64(timeSamples(opts.Max)), now: opts.Now, log: opts.Log,
		stop: make(chan struct{}), done: make(chan struct{}),
	}
	if err := r.begin(); err != nil {
		r.troubled(err)
	}
	go r.run()
	return r, nil
}

// Path is the file's name.
func (r *Recorder) Path() string { return r.path }

// Pause keeps what is said from now on out of the recording, for secrets such as a card's number; it is silence there. Resume ends
// that. Both are idempotent.
func (r *Recorder) Pause() { r.setPaused(true) }

// Resume records again after Pause.
func (r *Recorder) Resume() { r.setPaused(false) }

func (r *Recorder) setPaused(on bool) {
	r.mu.Lock()
	defer r.mu.Unlock()
	r.paused = on
}

// Err is the error of the disk that left the recording incomplete, if there was one.
func (r *Recorder) Err() error {
	r.mu.Lock()
	defer r.mu.Unlock()
	return r.err
}

// write places one packet that arrived now.
func (r *Recorder) write(channel int, codec Codec, data []byte, ssrc, ts uint32, now time.Time) {
	n := int64(len(data))
	r.mu.Lock()
	defer r.mu.Unlock()
	if r.closed {
		return
	}
	t := &r.tracks[channel]
	// The packet's last sample was spoken when it left, so its first one lies a packet before its arrival.
	arrival := max(0, int64(timeSamples(now.Sub(r.start)))-n)
	pos := t.pos + int64(int32(ts-t.ts))
	slip := int64(timeSamples(maxSlip))
	switch {
	case !t.active || t.ssrc != ssrc:
		pos = max(arrival, t.end)
		if pos > arrival+slip {
			pos = arrival
		}
		t.align = alignment{}
	case pos < arrival-slip || pos > arrival+slip:
		pos = arrival
		t.align = alignment{}
	default:
		pos += t.align.shift(arrival - pos)
	}
	t.active, t.ssrc, t.ts, t.pos = true, ssrc, ts, pos
	t.end = max(t.end, pos+n)
	if late := r.base - pos; late > 0 {
		late = min(late, n)
		r.dropped += late
		data, pos, n = data[late:], pos+late, n-late
	}
	if n == 0 || r.paused {
		return
	}
	if pos+n > r.limit || pos+n-r.base > int64(timeSamples(maxWindow)) {
		r.dropped += n
		return
	}
	r.extend(pos + n)
	at := int(pos-r.base)*2 + channel
	for _, b := range data {
		if codec == PCMU {
			b = ulawToALaw[b]
		}
		r.window[at] = b
		at += 2
	}
}

// extend makes the window reach sample end, with silence. The caller holds mu.
func (r *Recorder) extend(end int64) {
	want := int(end-r.base) * 2
	for len(r.window) < want {
		n := min(want-len(r.window), len(silentALaw))
		r.window = append(r.window, silentALaw[:n]...)
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
			r.flush(flushLag)
		}
	}
}

// flush writes all that is older than lag, and the header. Only one goroutine calls it at a time.
func (r *Recorder) flush(lag time.Duration) {
	r.mu.Lock()
	end := min(int64(timeSamples(r.now().Sub(r.start)-lag)), r.limit)
	if end <= r.base {
		r.mu.Unlock()
		return
	}
	r.extend(end)
	from, cut := r.base, int(end-r.base)*2
	chunk := r.window[:cut]
	r.window = append(r.spare[:0], r.window[cut:]...)
	r.base = end
	r.mu.Unlock()

	r.store(chunk, from, end)
	r.mu.Lock()
	r.spare = chunk
	r.mu.Unlock()
}

// Close writes what is left, syncs the file and measures it. The recording is as long as the time since NewRecorder. Audio
// that comes later is ignored. Idempotent: later calls give the same result. When the disk failed, the error comes
// with what could be written.
func (r *Recorder) Close() (Recording, error) {
	r.once.Do(func() {
		close(r.stop)
		<-r.done
		r.mu.Lock()
		r.closed = true
		r.mu.Unlock()
		r.flush(0)
		r.result, r.final = r.finish()
	})
	return r.result, r.final
}

func (r *Recorder) finish() (Recording, error) {
	r.mu.Lock()
	dropped := r.dropped
	r.window, r.spare = nil, nil
	r.mu.Unlock()
	err := r.file.Sync()
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
