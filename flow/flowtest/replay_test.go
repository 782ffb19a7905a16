package flowtest_test

import (
	"context"
	"encoding/json/v2"
	"errors"
	"iter"
	"os"
	"strings"
	"testing"
	"testing/synctest"
	"time"

	"github.com/millrace-go/millrace/connector"
	"github.com/millrace-go/millrace/connector/memory"
	"github.com/millrace-go/millrace/connector/queueconn"
	"github.com/millrace-go/millrace/flow"
	"github.com/millrace-go/millrace/flow/flowtest"
	"github.com/millrace-go/millrace/retry"
)

// world is what a pipeline of words needs from outside; broken says how it fails.
type world struct {
	t      *testing.T
	broken bool
	calls  int
}

func (w *world) fails(err error) error {
	if w.calls++; w.broken && w.calls%2 == 1 {
		time.Sleep(20 * time.Millisecond)

		return err
	}

	return nil
}

func (w *world) sink(class func(error) error) connector.Sink[string] {
	s := memory.NewSink[string]()
	if w.broken {
		s.Script(memory.Fail(class(errDown)).Delay(time.Second))
	}

	return s
}

func letters(_ context.Context, s string) iter.Seq2[string, error] {
	return func(yield func(string, error) bool) {
		for _, r := range s {
			if r == '!' {
				yield("", connector.Permanent(errors.New("no letter")))

				return
			}
			if !yield(string(r), nil) {
				return
			}
		}
	}
}

type build = func(w *world, source connector.Source[string]) *flow.Pipeline

// builds has pipelines in which a message takes a path that is worth recording.
func builds() map[string]build {
	dead := func() connector.Sink[connector.DeadLetter[string]] {
		return memory.NewSink[connector.DeadLetter[string]]()
	}

	return map[string]build{
		"retried sink": func(w *world, s connector.Source[string]) *flow.Pipeline {
			return flow.New("p", flow.From(s).Retry(retry.Policy{}).To(w.sink(connector.Transient)))
		},
		"dead letter": func(w *world, s connector.Source[string]) *flow.Pipeline {
			return flow.New("p", flow.From(s).DeadLetter(dead()).To(w.sink(connector.Permanent)))
		},
		"throttled call": func(w *world, s connector.Source[string]) *flow.Pipeline {
			call := flow.Func("call", func(_ context.Context, s string) (string, error) {
				return s, w.fails(connector.Throttled(errDown, time.Minute))
			})
			return flow.New("p", flow.From(s).Retry(retry.Policy{}).Do(call).To(memory.NewSink[string]()))
		},
		"own fault": func(_ *world, s connector.Source[string]) *flow.Pipeline {
			return flow.New("p", flow.From(s).DeadLetter(dead()).Validate(func(string) error { return errDown }).To(memory.NewSink[string]()))
		},
		"broadcast": func(w *world, s connector.Source[string]) *flow.Pipeline {
			f := flow.From(s).DeadLetter(dead())
			return flow.New("p", f.To(w.sink(connector.Ambiguous)), f.Filter(func(s string) bool { return s == "" }).To(w.sink(connector.Transient)))
		},
		"split": func(w *world, s connector.Source[string]) *flow.Pipeline {
			return flow.New("p", flow.From(s).Split(letters).DeadLetter(dead()).To(w.sink(connector.Permanent)))
		},
		"parallel parts": func(w *world, s connector.Source[string]) *flow.Pipeline {
			return flow.New("p", flow.From(s).DeadLetter(dead()).Split(letters).
				Parallel(3, func(f flow.Flow[string]) flow.Flow[string] { return f.Map(same) }).To(w.sink(connector.Permanent)))
		},
		"batch": func(w *world, s connector.Source[string]) *flow.Pipeline {
			return flow.New("p", flow.From(s).DeadLetter(dead()).Batch(1, 0).To(w.sink(connector.Permanent)))
		},
		"group": func(w *world, s connector.Source[string]) *flow.Pipeline {
			return flow.New("p", flow.From(s).DeadLetter(dead()).KeyBy(func(s string) string { return s }).
				Aggregate(flow.Completion{Count: 1}, func(_ string, s string) string { return s }).
				Map(func(_ context.Context, g flow.Group[string, string]) (string, error) { return g.Value, nil }).
				To(w.sink(connector.Permanent)))
		},
		"route and tee": func(w *world, s connector.Source[string]) *flow.Pipeline {
			return flow.New("p", flow.From(s).DeadLetter(dead()).
				Tee(func(f flow.Flow[string]) flow.End { return f.To(memory.NewSink[string]()) }).
				Route().Case("short", func(s string) bool { return len(s) < 9 }, func(f flow.Flow[string]) flow.End {
				return f.To(w.sink(connector.Permanent))
			}).Else(func(f flow.Flow[string]) flow.End { return f.To(w.sink(connector.Transient)) }))
		},
		"through a queue": func(w *world, s connector.Source[string]) *flow.Pipeline {
			q, err := queueconn.NewMemory[string](queueconn.Config{})
			if err != nil {
				w.t.Fatal(err)
			}
			return flow.New("p", flow.From(s).DeadLetter(dead()).Via(q).Buffer(2, flow.Block).To(w.sink(connector.Permanent)))
		},
		"returned": func(w *world, s connector.Source[string]) *flow.Pipeline {
			return flow.New("p", flow.From(s).Once(memory.NewStore(), func(s string) string { return s }, 0).To(w.sink(connector.Permanent)))
		},
	}
}

func same(_ context.Context, s string) (string, error) { return s, nil }

// recordOne runs a pipeline on one message, with what is outside broken, and returns the
// recording.
func recordOne(t *testing.T, b build, config flow.RecorderConfig) flow.Recording {
	t.Helper()
	recorder := flow.NewRecorder(config)
	source := memory.NewSource[string]()
	source.Declare(connector.Capabilities{})
	source.SendMessages(connector.NewMessage("a`b!", connector.Fields{
		ID: "m-1", Key: "k", Time: time.Now(), Attempt: 2, Headers: map[string]string{"h": "v", "token": "secret"},
	}))
	_ = b(&world{t: t, broken: true}, source).With(flow.Config{Recorder: recorder}).Run(t.Context())
	all := recorder.Recordings()
	if len(all) != 1 {
		t.Fatalf("%d recordings, want 1", len(all))
	}

	return all[0]
}

func encoded(t *testing.T, r flow.Recording) string {
	t.Helper()
	text, err := json.Marshal(r)
	if err != nil {
		t.Fatal(err)
	}

	return string(text)
}

// TestReplayTakesTheRecordedPath: with everything outside healthy, the message meets what
// it met when it was recorded, at the same times.
func TestReplayTakesTheRecordedPath(t *testing.T) {
	for name, b := range builds() {
		t.Run(name, func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) {
				r := recordOne(t, b, flow.RecorderConfig{Every: 1})
				if !strings.Contains(r.String(), "failed after") {
					t.Fatalf("the recording has no failure:\n%s", r)
				}
				start, text := time.Now(), encoded(t, r)
				flowtest.Replay(t, text, func(s connector.Source[string]) *flow.Pipeline { return b(&world{t: t}, s) })
				if took, want := time.Since(start), time.Duration(r.Branches[0].EndedMicros)*time.Microsecond; took < want/2 {
					t.Errorf("took %v, when recorded %v", took, want)
				}
			})
		})
	}
}

// TestReplaySeesAnotherPath: a pipeline that was changed takes another path, and the test
// shows both.
func TestReplaySeesAnotherPath(t *testing.T) {
	all := builds()
	for name, other := range map[string]build{
		"another outcome": func(_ *world, s connector.Source[string]) *flow.Pipeline {
			return flow.New("p", flow.From(s).DeadLetter(memory.NewSink[connector.DeadLetter[string]]()).
				Validate(func(string) error { return nil }).To(memory.NewSink[string]()))
		},
		"another class": func(_ *world, s connector.Source[string]) *flow.Pipeline {
			return flow.New("p", flow.From(s).DeadLetter(memory.NewSink[connector.DeadLetter[string]]()).
				Map(func(context.Context, string) (string, error) { return "", connector.Transient(errDown) }).As("validate").
				To(memory.NewSink[string]()))
		},
		"another stage": func(_ *world, s connector.Source[string]) *flow.Pipeline {
			return flow.New("p", flow.From(s).DeadLetter(memory.NewSink[connector.DeadLetter[string]]()).Map(same).
				Validate(func(string) error { return errDown }).To(memory.NewSink[string]()))
		},
	} {
		t.Run(name, func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) {
				text := encoded(t, recordOne(t, all["own fault"], flow.RecorderConfig{Every: 1}))
				r := record(t, func(t testing.TB) {
					flowtest.Replay(t, text, func(s connector.Source[string]) *flow.Pipeline { return other(nil, s) })
				})
				if got := strings.Join(r.failures, "\n"); !strings.Contains(got, "takes another path") || !strings.Contains(got, "\nnow:\nflow p, message m-1") {
					t.Errorf("failures %s", got)
				}
			})
		})
	}
}

func TestReplayRefuses(t *testing.T) {
	good := flow.Recording{
		Message:  flow.RecordedMessage{ID: "m", Value: []byte(`"x"`)},
		Branches: []flow.RecordedBranch{{Name: "1", Outcome: "delivered"}},
	}
	to := func(s connector.Source[string]) *flow.Pipeline {
		return flow.New("p", flow.From(s).To(memory.NewSink[string]()))
	}
	for name, test := range map[string]struct {
		change func(r *flow.Recording)
		build  func(connector.Source[string]) *flow.Pipeline
		want   string
	}{
		"cut":          {func(r *flow.Recording) { r.Cut = true }, to, "raise RecorderConfig.MaxEntries"},
		"no value":     {func(r *flow.Recording) { r.Message.Omitted = "too long" }, to, "no value: too long"},
		"no branch":    {func(r *flow.Recording) { r.Branches = nil }, to, "no branch"},
		"other value":  {func(r *flow.Recording) { r.Message.Value = []byte("1") }, to, "the value is no string"},
		"other source": {func(*flow.Recording) {}, func(connector.Source[string]) *flow.Pipeline { return to(memory.NewSource("y")) }, "did not end"},
		"wrong flow":   {func(*flow.Recording) {}, func(connector.Source[string]) *flow.Pipeline { return flow.New("p") }, "it has no end"},
	} {
		t.Run(name, func(t *testing.T) {
			r := good
			test.change(&r)
			text := encoded(t, r)
			got := record(t, func(t testing.TB) { flowtest.Replay(t, text, test.build) })
			if failures := strings.Join(got.failures, "\n"); !strings.Contains(failures, test.want) {
				t.Errorf("failures %q, want %q", failures, test.want)
			}
		})
	}
	got := record(t, func(t testing.TB) { flowtest.Replay(t, "{", to) })
	got.wantFatal("the recording cannot be read")
}

// TestReplayTestIsATest: what ReplayTest writes is the function TestReplayPM1 of
// replayed_test.go, which is compiled and run.
func TestReplayTestIsATest(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		r := recordOne(t, builds()["parallel parts"], flow.RecorderConfig{Every: 1, Redact: []string{"token"}})
		got, err := flowtest.ReplayTest(r, "replayWords")
		if err != nil {
			t.Fatal(err)
		}
		file, err := os.ReadFile("replayed_test.go")
		if err != nil {
			t.Fatal(err)
		}
		if !strings.Contains(string(file), got) {
			t.Errorf("replayed_test.go does not have:\n%s", got)
		}
	})
}

// replayWords is what a user writes beside the recorded test.
func replayWords(s connector.Source[string]) *flow.Pipeline {
	return builds()["parallel parts"](&world{}, s)
}
