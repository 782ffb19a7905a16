package conntest_test

import (
	"context"
	"encoding/json/v2"
	"errors"
	"net/http"
	"net/http/httptest"
	"strconv"
	"strings"
	"testing"
	"time"

	"github.com/millrace-go/millrace/connector"
	"github.com/millrace-go/millrace/connector/conntest"
	"github.com/millrace-go/millrace/connector/httpconn"
)

// intake is an httpconn.Intake whose Readers are broken.
type intake struct {
	*httpconn.Intake[string]

	spoil func(r *reader)
}

func (i intake) Open(ctx context.Context) (connector.Reader[string], error) {
	inner, err := i.Intake.Open(ctx)
	if err != nil {
		return nil, err
	}
	r := &reader{Reader: inner, read: inner.Read, settle: inner.Settle, close: inner.Close}
	i.spoil(r)

	return r, nil
}

// ask posts the value and reads the outcome off the answer.
func (i intake) ask(value string) connector.Outcome {
	r := httptest.NewRequest(http.MethodPost, "/", strings.NewReader(strconv.Quote(value)))
	r.Header.Set("Content-Type", "application/json")
	w := httptest.NewRecorder()
	i.ServeHTTP(w, r)
	var receipt struct {
		Outcome string `json:"outcome"`
	}
	_ = json.Unmarshal(w.Body.Bytes(), &receipt)
	for _, outcome := range connector.Outcomes {
		if outcome.String() == receipt.Outcome {
			return outcome
		}
	}

	return connector.Returned
}

// spoiledIntake tests an intake whose Readers went through spoil, and whose answers went
// through edit.
func spoiledIntake(spoil func(r *reader), edit func(connector.Outcome) connector.Outcome) func(t *testing.T) {
	return func(t *testing.T) {
		conntest.TestSource(t, conntest.SourceHarness[string]{
			New: func(t testing.TB, _ []string) connector.Source[string] {
				inner, err := httpconn.NewIntake[string](httpconn.IntakeConfig{Timeout: 1000 * time.Hour})
				if err != nil {
					t.Fatal(err)
				}

				return intake{inner, spoil}
			},
			Feed: func(_ testing.TB, s connector.Source[string], value string) connector.Outcome {
				return edit(s.(intake).ask(value))
			},
			Value:   strconv.Itoa,
			Endless: true,
			Virtual: true,
		})
	}
}

func brokenIntakes() map[string]broken {
	same := func(o connector.Outcome) connector.Outcome { return o }

	return map[string]broken{
		"answers every request alike": {spoiledIntake(func(*reader) {}, func(connector.Outcome) connector.Outcome {
			return connector.Delivered
		}), failed("feed/the outcome is the answer")},
		"answers too early": {spoiledIntake(func(r *reader) {
			inner := r.read
			r.read = func(ctx context.Context, limit int) ([]message, error) {
				list, err := inner(ctx, limit)
				for _, m := range list {
					err = errors.Join(err, r.settle(ctx, []settlement{{Position: m.Position(), Outcome: connector.Delivered}}))
				}

				return list, err
			}
		}, same), failed("feed/no answer before the outcome")},
		"leaves requests open": {spoiledIntake(func(r *reader) { r.close = func() error { return nil } }, same),
			"was not answered, although the source is closed"},
	}
}
