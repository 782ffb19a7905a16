package flow_test

import (
	"context"
	"errors"
	"fmt"
	"strings"
	"testing"
	"time"

	"github.com/millrace-go/millrace/connector"
	"github.com/millrace-go/millrace/connector/memory"
	"github.com/millrace-go/millrace/flow"
)

// recordAll runs values through a flow and returns what was recorded.
func recordAll[T any](t *testing.T, config flow.RecorderConfig, stages func(flow.Flow[T]) flow.End, values ...T) []flow.Recording {
	t.Helper()
	recorder := flow.NewRecorder(config)
	mustRun(t, flow.New("orders", stages(flow.From(memory.NewSource(values...)))).With(flow.Config{Recorder: recorder}))

	return recorder.Recordings()
}

func ids(all []flow.Recording) string {
	var names []string
	for _, r := range all {
		names = append(names, r.Message.ID)
	}

	return strings.Join(names, " ")
}

// evenOnly dead-letters what is odd.
func evenOnly(f flow.Flow[int]) flow.End {
	return f.DeadLetter(newDead()).Validate(onlyEven).Filter(func(n int) bool { return n != 6 }).To(memory.NewSink[int]())
}

func TestRecorderSamples(t *testing.T) {
	for name, test := range map[string]struct {
		config flow.RecorderConfig
		want   string
	}{
		"all":             {flow.RecorderConfig{Every: 1}, "memory:1 memory:2 memory:3 memory:4 memory:5 memory:6 memory:7"},
		"one in three":    {flow.RecorderConfig{Every: 3}, "memory:1 memory:4 memory:7"},
		"one in thousand": {flow.RecorderConfig{}, "memory:1"},
		"the latest":      {flow.RecorderConfig{Every: 1, Most: 2}, "memory:6 memory:7"},
		"failures":        {flow.RecorderConfig{Every: 1, Outcomes: []connector.Outcome{connector.DeadLettered}}, "memory:1 memory:3 memory:5 memory:7"},
		"two outcomes": {
			flow.RecorderConfig{Every: 1, Outcomes: []connector.Outcome{connector.Delivered, connector.Filtered}},
			"memory:2 memory:4 memory:6",
		},
	} {
		bubble(t, name, func(t *testing.T) {
			if got := ids(recordAll(t, test.config, evenOnly, numbers(7)...)); got != test.want {
				t.Errorf("recorded %s, want %s", got, test.want)
			}
		})
	}
}

// TestRecorderIsShared: pipelines, runs and workers may use one recorder at once.
func TestRecorderIsShared(t *testing.T) {
	bubble(t, "shared", func(t *testing.T) {
		recorder := flow.NewRecorder(flow.RecorderConfig{Every: 1, Most: 1000})
		build := func(name string) *flow.Pipeline {
			return flow.New(name, flow.From(memory.NewSource(numbers(200)...)).
				Split(twice).Unordered(4, func(f flow.Flow[int]) flow.Flow[int] { return f.Map(same) }).
				To(memory.NewSink[int]())).With(flow.Config{Recorder: recorder})
		}
		a, b := start(t, build("a")), start(t, build("b"))
		if err := errors.Join(a.wait(), b.wait()); err != nil {
			t.Fatal(err)
		}
		counts := make(map[string]int)
		for _, r := range recorder.Recordings() {
			counts[r.Flow]++
			if len(r.Branches) != 3 {
				t.Fatalf("branches of\n%s", r)
			}
			for _, branch := range r.Branches {
				if branch.Outcome != "delivered" {
					t.Errorf("branch %s of\n%s", branch.Name, r)
				}
			}
		}
		if counts["a"] != 200 || counts["b"] != 200 {
			t.Errorf("recorded %v", counts)
		}
	})
}

func TestRecordingTells(t *testing.T) {
	bubble(t, "tells", func(t *testing.T) {
		slow := func(ctx context.Context, n int) (int, error) {
			time.Sleep(1500 * time.Microsecond)
			if n > 1 {
				return 0, connector.Throttled(errBad, time.Second)
			}

			return n * 10, nil
		}
		all := recordAll(t, flow.RecorderConfig{Every: 1}, func(f flow.Flow[int]) flow.End {
			return f.DeadLetter(newDead()).Split(twice).Map(slow).As("slow").To(memory.NewSink[int]())
		}, 1, 2)
		var got strings.Builder
		for _, r := range all {
			got.WriteString(r.String())
		}
		want := `flow orders, message memory:1, recorded 2000-01-01T00:00:00Z
1    dead-letter  +0s
1    split        +0s
1    = delivered  +3ms
1.1  slow         +0s
1.1  to           +1.5ms  10
1.1  = delivered  +1.5ms
1.2  slow         +1.5ms
1.2  to           +3ms    10
1.2  = delivered  +3ms
flow orders, message memory:2, recorded 2000-01-01T00:00:00Z
1    dead-letter      +3ms
1    split            +3ms
1    = dead_lettered  +6ms    2 parts failed; the first: flow orders: stage slow: message memory:2/1: bad value
1.1  slow             +3ms    failed after 1.5ms, throttled: bad value
1.1  = returned       +4.5ms  flow orders: stage slow: message memory:2/1: bad value
1.2  slow             +4.5ms  failed after 1.5ms, throttled: bad value
1.2  = returned       +6ms    flow orders: stage slow: message memory:2/2: bad value
`
		if got.String() != want {
			t.Errorf("got\n%s, want\n%s", got.String(), want)
		}
		if f := all[1].Branches[1].Entries[0].Failure; f == nil || f.AfterMicros != time.Second.Microseconds() {
			t.Errorf("failure %+v", f)
		}
	})
}

// TestRecordingIsBounded: at the bound everything is there, one beyond it the recording
// says that something is not.
func TestRecordingIsBounded(t *testing.T) {
	bubble(t, "entries", func(t *testing.T) {
		for most, cut := range map[int]bool{3: false, 2: true} {
			r := recordAll(t, flow.RecorderConfig{Every: 1, MaxEntries: most}, evenOnly, 6)[0]
			if entries := r.Branches[0].Entries; len(entries) != most || r.Cut != cut || strings.Contains(r.String(), "goes on") != cut {
				t.Errorf("%d entries at most, got\n%s", most, r)
			}
		}
	})
	bubble(t, "branches", func(t *testing.T) {
		r := recordAll(t, flow.RecorderConfig{Every: 1, MaxEntries: 4}, func(f flow.Flow[int]) flow.End {
			return f.Split(twice).Split(twice).ForEach(ignore)
		}, 1)[0]
		if !r.Cut || len(r.Branches) != 4 {
			t.Errorf("want 4 of 7 branches, got\n%s", r)
		}
	})
	bubble(t, "bytes", func(t *testing.T) {
		to := func(f flow.Flow[string]) flow.End { return f.To(memory.NewSink[string]()) }
		if m := recordAll(t, flow.RecorderConfig{Every: 1, MaxBytes: 6}, to, "four")[0].Message; string(m.Value) != `"four"` || m.Omitted != "" {
			t.Errorf("message %+v", m)
		}
		m := recordAll(t, flow.RecorderConfig{Every: 1, MaxBytes: 5}, to, "four")[0].Message
		if m.Value != nil || !strings.Contains(m.Omitted, "6 bytes of JSON, more than RecorderConfig.MaxBytes, 5") {
			t.Errorf("message %+v", m)
		}
	})
}

type opaque struct{ C chan int }

type panicky struct{}

func (panicky) MarshalJSON() ([]byte, error) { panic(errPanic) }

// TestRecorderDoesNotDisturb: a value that cannot be written does the message no harm.
func TestRecorderDoesNotDisturb(t *testing.T) {
	bubble(t, "a channel", func(t *testing.T) {
		r := recordAll(t, flow.RecorderConfig{Every: 1}, func(f flow.Flow[opaque]) flow.End { return f.To(memory.NewSink[opaque]()) }, opaque{})[0]
		if !strings.Contains(r.Message.Omitted, "cannot be written as JSON") || r.Branches[0].Outcome != "delivered" {
			t.Errorf("recording %+v", r)
		}
	})
	bubble(t, "a panic", func(t *testing.T) {
		r := recordAll(t, flow.RecorderConfig{Every: 1}, func(f flow.Flow[panicky]) flow.End { return f.To(memory.NewSink[panicky]()) }, panicky{})[0]
		if !strings.Contains(r.Message.Omitted, "panicked: thrown") || r.Branches[0].Outcome != "delivered" {
			t.Errorf("recording %+v", r)
		}
	})
}

type person struct {
	Name  string            `json:"name"`
	Email string            `json:"email"`
	Age   int               `json:"age"`
	Tags  []string          `json:"tags"`
	More  map[string]any    `json:"more"`
	Best  *person           `json:"best"`
	Notes map[string]string `json:"notes"`
}

func TestRecorderRedacts(t *testing.T) {
	bubble(t, "redact", func(t *testing.T) {
		ann := person{
			Name: "email", Email: "ann@example.com", Age: 40, Tags: []string{"email", "age"},
			More: map[string]any{"ok": true, "email": map[string]any{"a": "b"}, "tags": nil},
			Best: &person{Email: "bob@example.com", Notes: map[string]string{"age": "old"}},
		}
		r := recordAll(t, flow.RecorderConfig{Every: 1, Redact: []string{"email", "age", "ok", "tags"}}, func(f flow.Flow[person]) flow.End {
			return f.Map(func(_ context.Context, p person) (person, error) { p.Email = "x@y"; p.Name = "z"; return p, nil }).To(memory.NewSink[person]())
		}, ann)[0]
		want := `{"name":"email","email":"redacted","age":0,"tags":[],"more":{"email":{},"ok":false,"tags":null},` +
			`"best":{"name":"","email":"redacted","age":0,"tags":[],"more":{},"best":null,"notes":{"age":"redacted"}},"notes":{}}`
		if got := string(r.Message.Value); got != want {
			t.Errorf("got  %s\nwant %s", got, want)
		}
		if text := fmt.Sprint(r); strings.Contains(text, "@") || !strings.Contains(text, `"name":"z"`) {
			t.Errorf("the recording is\n%s", text)
		}
	})
}

func TestRecorderConfigIsChecked(t *testing.T) {
	for _, config := range []flow.RecorderConfig{
		{Every: -1},
		{Most: -1},
		{MaxEntries: -1},
		{MaxBytes: -1},
		{Outcomes: []connector.Outcome{connector.Pending}},
		{Outcomes: []connector.Outcome{connector.Returned + 1}},
	} {
		func() {
			defer func() {
				if recover() == nil {
					t.Errorf("%+v is taken", config)
				}
			}()
			flow.NewRecorder(config)
		}()
	}
}
