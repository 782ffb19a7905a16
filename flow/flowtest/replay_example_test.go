package flowtest_test

import (
	"context"
	"errors"
	"fmt"
	"time"

	"github.com/millrace-go/millrace/connector"
	"github.com/millrace-go/millrace/connector/memory"
	"github.com/millrace-go/millrace/flow"
	"github.com/millrace-go/millrace/flow/flowtest"
	"github.com/millrace-go/millrace/retry"
)

type parcel struct {
	ID    string `json:"id"`
	Email string `json:"email"`
}

// parcels is the pipeline of a service; carrier is outside of it.
func parcels(source connector.Source[parcel], carrier connector.Caller[parcel, string]) *flow.Pipeline {
	return flow.New("parcels", flow.From(source).
		Retry(retry.Policy{Attempts: 3, Initial: time.Millisecond, NoJitter: true, Idempotent: true}).
		Do(flow.Ask("carrier", carrier)).As("label").
		To(memory.NewSink[string]()))
}

// replayParcels is parcels for a test, with a carrier that never fails by itself.
func replayParcels(source connector.Source[parcel]) *flow.Pipeline {
	return parcels(source, connector.CallerFunc[parcel, string](
		func(_ context.Context, p parcel) (string, error) { return "label " + p.ID, nil }))
}

func ExampleReplayTest() {
	// In production: one message in a thousand is recorded, without the e-mail address.
	recorder := flow.NewRecorder(flow.RecorderConfig{Every: 1000, Redact: []string{"email"}})
	fails := true
	carrier := connector.CallerFunc[parcel, string](func(context.Context, parcel) (string, error) {
		if fails {
			fails = false

			return "", connector.Transient(errors.New("no connection"))
		}

		return "label", nil
	})
	source := memory.NewSource(parcel{ID: "A1", Email: "ann@example.com"})
	pipeline := parcels(source, carrier).With(flow.Config{Recorder: recorder})
	if err := pipeline.Run(context.Background()); err != nil {
		fmt.Println(err)
	}
	for _, recording := range recorder.Recordings() {
		for _, branch := range recording.Branches {
			for _, e := range branch.Entries {
				fmt.Printf("%s, failed: %v\n", e.Stage, e.Failure != nil)
			}
			fmt.Println(branch.Outcome)
		}
		test, err := flowtest.ReplayTest(recording, "replayParcels")
		fmt.Println(len(test) > 0, err) // the text of a Go test
	}
	// Output:
	// retry, failed: false
	// label, failed: true
	// label, failed: false
	// to, failed: false
	// delivered
	// true <nil>
}
