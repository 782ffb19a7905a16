package flow

import (
	"slices"
	"sync"
	"sync/atomic"

	"github.com/millrace-go/millrace/connector"
)

// Recorder keeps the paths of some of the messages of a running pipeline: every stage that
// a message entered, with the value, the time and the failure, its parallel branches, and
// its outcome. Set it in Config.Recorder. A pipeline without one pays nothing; with one,
// a message that is not recorded costs a comparison a stage. A Recorder may be shared by
// pipelines, and is safe for concurrent use.
type Recorder struct {
	config RecorderConfig
	seen   atomic.Int64

	mu   sync.Mutex
	kept []Recording
}

// RecorderConfig bounds what a Recorder keeps. The zero value of a field means its default.
type RecorderConfig struct {
	// Every records one message in so many. Default 1,000; 1 records all.
	Every int
	// Outcomes has how a message must end to be kept. Default: in any way.
	Outcomes []connector.Outcome
	// Most is how many recordings are kept: the latest. Default 100.
	Most int
	// MaxEntries bounds the entries of one recording. Default 1,000.
	MaxEntries int
	// MaxBytes bounds the JSON text of one value; a longer one is left out. Default 65,536.
	MaxBytes int
	// Redact names JSON members, at any depth, and headers whose values are not kept: a
	// text becomes "redacted", anything else its zero. IDs, keys and the texts of errors
	// are kept as they are.
	Redact []string
}

// NewRecorder makes a Recorder. A negative number, or an outcome that no message ends in,
// is a mistake of the program: it panics.
func NewRecorder(config RecorderConfig) *Recorder {
	for _, n := range []int{config.Every, config.Most, config.MaxEntries, config.MaxBytes} {
		if n < 0 {
			panic("flow: NewRecorder: a number of the RecorderConfig is negative")
		}
	}
	for _, o := range config.Outcomes {
		if !slices.Contains(connector.Outcomes[:], o) {
			panic("flow: NewRecorder: no message ends as " + o.String())
		}
	}
	config.Every = orDefault(config.Every, 1000)
	config.Most = orDefault(config.Most, 100)
	config.MaxEntries = orDefault(config.MaxEntries, 1000)
	config.MaxBytes = orDefault(config.MaxBytes, 1<<16)
	config.Redact = slices.Clone(config.Redact)

	return &Recorder{config: config}
}

// Recordings returns what is kept, oldest first.
func (r *Recorder) Recordings() []Recording {
	r.mu.Lock()
	defer r.mu.Unlock()

	return slices.Clone(r.kept)
}

// samples decides whether the next message is recorded. It may be called on nil.
func (r *Recorder) samples() bool {
	return r != nil && (r.seen.Add(1)-1)%int64(r.config.Every) == 0
}

func (r *Recorder) keep(recording Recording, outcome connector.Outcome) {
	if len(r.config.Outcomes) > 0 && !slices.Contains(r.config.Outcomes, outcome) {
		return
	}
	r.mu.Lock()
	defer r.mu.Unlock()
	if len(r.kept) == r.config.Most {
		r.kept = append(r.kept[:0], r.kept[1:]...)
	}
	r.kept = append(r.kept, recording)
}
