package memory

import (
	"context"
	"slices"
	"sync"

	"github.com/millrace-go/millrace/connector"
)

// Sink records what is written to it. It declares Capabilities{Name: "memory"} unless
// Declare says otherwise. It copies metadata, so it may outlive the messages; recording
// costs one allocation for each message that has no ID of its own, and Discard turns it
// off.
type Sink[T any] struct {
	writing, flushing script

	mu       sync.Mutex
	caps     connector.Capabilities
	failWhen func(T) error
	discard  bool
	accepted int
	messages []connector.Message[T]
	writes   []int
	flushes  int
}

// NewSink returns a sink that accepts everything.
func NewSink[T any]() *Sink[T] {
	return &Sink[T]{caps: connector.Capabilities{Name: "memory"}}
}

// Declare sets the capabilities. With Ordered, a Write stops at the first message that
// FailWhen refuses. An empty Name stays "memory". It must be called before the first use.
func (s *Sink[T]) Declare(caps connector.Capabilities) {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.caps = named(caps)
}

// Describe implements connector.Describer.
func (s *Sink[T]) Describe() connector.Capabilities {
	s.mu.Lock()
	defer s.mu.Unlock()

	return s.caps
}

// Script says what the coming Writes do, behind what was scripted before. A Write that
// fails by Fail accepts nothing; one that fails by PassThenFail accepts all.
func (s *Sink[T]) Script(steps ...Step) { s.writing.add(steps) }

// ScriptFlush says what the coming Flushes do.
func (s *Sink[T]) ScriptFlush(steps ...Step) { s.flushing.add(steps) }

// FailWhen has refuse judge each message. The message that it returns an error for is
// not accepted, and the Write fails with a *connector.PartialError; an error of
// connector.ClassAmbiguous leaves the fate unclear and the message is accepted. nil ends
// it. The function is called under the sink's lock and must not call the sink.
func (s *Sink[T]) FailWhen(refuse func(T) error) {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.failWhen = refuse
}

// Discard makes the sink count instead of record, which benchmarks want.
func (s *Sink[T]) Discard() {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.discard = true
}

// Write implements connector.Sink. It fails only as it was told to, or when ctx ends.
func (s *Sink[T]) Write(ctx context.Context, messages []connector.Message[T]) error {
	s.called(len(messages))
	step, err := s.writing.begin(ctx)
	if err != nil {
		return err
	}

	return step.finish(s.accept(messages))
}

// Flush implements connector.Flusher; it counts.
func (s *Sink[T]) Flush(ctx context.Context) error {
	s.mu.Lock()
	s.flushes++
	s.mu.Unlock()
	step, err := s.flushing.begin(ctx)

	return step.finish(err)
}

func (s *Sink[T]) called(size int) {
	s.mu.Lock()
	defer s.mu.Unlock()
	if !s.discard {
		s.writes = append(s.writes, size)
	}
}

func (s *Sink[T]) accept(messages []connector.Message[T]) error {
	s.mu.Lock()
	defer s.mu.Unlock()
	if s.failWhen == nil {
		s.keep(messages)

		return nil
	}

	return s.judge(messages)
}

// judge accepts what failWhen lets pass.
func (s *Sink[T]) judge(messages []connector.Message[T]) error {
	partial := connector.NewPartialError(len(messages))
	failed := false
	for i := range messages {
		err := s.failWhen(messages[i].Value)
		member := connector.Member{Fate: fateOf(err), Err: err}
		partial.Members[i] = member
		failed = failed || err != nil
		if member.Fate != connector.Failed {
			s.keep(messages[i : i+1])
		}
		if err != nil && s.caps.Ordered {
			break
		}
	}
	if !failed {
		return nil
	}

	return partial
}

// keep records copies: the sender may use its slice and its metadata again.
func (s *Sink[T]) keep(messages []connector.Message[T]) {
	s.accepted += len(messages)
	if s.discard {
		return
	}
	s.messages = slices.Grow(s.messages, len(messages))
	metas := make([]connector.Meta, len(messages))
	for i := range messages {
		metas[i] = connector.MakeMeta(messages[i].Fields())
		s.messages = append(s.messages, connector.Message[T]{Meta: &metas[i], Value: messages[i].Value})
	}
}

func fateOf(err error) connector.Fate {
	switch {
	case err == nil:
		return connector.Accepted
	case connector.ClassOf(err) == connector.ClassAmbiguous:
		return connector.Unclear
	default:
		return connector.Failed
	}
}

func named(caps connector.Capabilities) connector.Capabilities {
	if caps.Name == "" {
		caps.Name = "memory"
	}

	return caps
}
