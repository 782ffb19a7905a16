package flowtest

import (
	"encoding/json/v2"
	"errors"
	"fmt"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/millrace-go/millrace/connector"
	"github.com/millrace-go/millrace/connector/memory"
	"github.com/millrace-go/millrace/flow"
	"github.com/millrace-go/millrace/internal/rehearse"
)

// Replay runs a recorded message through a pipeline once more and fails the test when it
// takes another path: other stages, other failures (compared by stage and class), another
// outcome of any branch. recording is the JSON of a [flow.Recording]; [ReplayTest] writes a
// test that has it. build makes the pipeline on the source that it is given, as a test
// does, with fakes for whatever is outside.
//
// A stage with an endpoint, as a sink, a queue, or a Step, fails at its entries as it did
// when it was recorded, after the same time; its fake is called at the others. A stage
// without one runs as it is: when its fault has been mended, the test fails, and the
// recording is to be changed to what is right. The message is alone: what it shared a
// batch or a group with is not recorded. Call it inside of [Test], so that it takes no time.
func Replay[T any](t testing.TB, recording string, build func(connector.Source[T]) *flow.Pipeline) {
	t.Helper()
	var want flow.Recording
	if err := json.Unmarshal([]byte(recording), &want); err != nil {
		t.Fatalf("flowtest: Replay: the recording cannot be read: %v", err)
	}
	source, err := recorded[T](want)
	if err != nil {
		t.Fatalf("flowtest: Replay: message %s: %v", want.Message.ID, err)
	}
	p := build(source)
	config := p.Config()
	config.Recorder = flow.NewRecorder(flow.RecorderConfig{Every: 1, MaxBytes: 1 << 30})
	p = p.With(config)
	met := newScenario(p.Graph(), want)
	err = p.Run(rehearse.With(t.Context(), met.next))
	covered.note(p)
	for _, got := range config.Recorder.Recordings() {
		if got.Message.ID != want.Message.ID {
			continue
		}
		if w, g := pathOf(want), pathOf(got); g != w {
			t.Errorf("flowtest: message %s takes another path than the recorded one\nrecorded:\n%s\nnow:\n%s", want.Message.ID, want, got)
		}

		return
	}
	t.Errorf("flowtest: Replay: message %s did not end (build the pipeline on the source that build is given): %v",
		want.Message.ID, errors.Join(err, p.Check()))
}

// recorded makes a source of the recorded message.
func recorded[T any](r flow.Recording) (*memory.Source[T], error) {
	switch {
	case r.Cut:
		return nil, errors.New("the recording was cut: raise RecorderConfig.MaxEntries")
	case r.Message.Omitted != "":
		return nil, fmt.Errorf("the recording has no value: %s", r.Message.Omitted)
	case len(r.Branches) == 0:
		return nil, errors.New("the recording has no branch")
	}
	var value T
	if err := json.Unmarshal(r.Message.Value, &value); err != nil {
		return nil, fmt.Errorf("the value is no %T: %w", value, err)
	}
	source := memory.NewSource[T]()
	source.Declare(connector.Capabilities{}) // a message that is returned must not come again
	source.SendMessages(connector.NewMessage(value, connector.Fields{
		ID: r.Message.ID, Key: r.Message.Key, Time: r.Message.Time, Attempt: r.Message.Attempt, Headers: r.Message.Headers,
	}))

	return source, nil
}

// scenario has what each branch met at the stages that have an endpoint.
type scenario struct {
	mu sync.Mutex
	// failures are in the order of the entries, by branch and stage.
	failures map[place][]rehearse.Failure
}

type place struct{ branch, stage string }

func newScenario(g flow.Graph, r flow.Recording) *scenario {
	outside := make(map[string]bool)
	for _, s := range g.Stages {
		outside[s.Name] = s.Endpoint != ""
	}
	all := &scenario{failures: make(map[place][]rehearse.Failure)}
	for _, b := range r.Branches {
		for _, e := range b.Entries {
			if outside[e.Stage] {
				at := place{b.Name, e.Stage}
				all.failures[at] = append(all.failures[at], failureOf(e))
			}
		}
	}

	return all
}

func (s *scenario) next(branch, stage string) rehearse.Failure {
	s.mu.Lock()
	defer s.mu.Unlock()
	at := place{branch, stage}
	left := s.failures[at]
	if len(left) == 0 {
		return rehearse.Failure{}
	}
	s.failures[at] = left[1:]

	return left[0]
}

func failureOf(e flow.RecordedEntry) rehearse.Failure {
	f := e.Failure
	if f == nil {
		return rehearse.Failure{}
	}
	err := errors.New(f.Text)
	switch f.Class {
	case connector.ClassPermanent.String():
		err = connector.Permanent(err)
	case connector.ClassTransient.String():
		err = connector.Transient(err)
	case connector.ClassThrottled.String():
		err = connector.Throttled(err, time.Duration(f.AfterMicros)*time.Microsecond)
	case connector.ClassAmbiguous.String():
		err = connector.Ambiguous(err)
	}

	return rehearse.Failure{After: time.Duration(f.Micros-e.Micros) * time.Microsecond, Err: err}
}

// pathOf is what two recordings of one path have in common.
func pathOf(r flow.Recording) string {
	var b strings.Builder
	for _, branch := range r.Branches {
		fmt.Fprintf(&b, "%s:", branch.Name)
		for _, e := range branch.Entries {
			b.WriteString(" " + e.Stage)
			if e.Failure != nil {
				b.WriteString("!" + e.Failure.Class)
			}
		}
		fmt.Fprintf(&b, " = %s\n", branch.Outcome)
	}

	return b.String()
}
