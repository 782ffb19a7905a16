package badinput_test

import (
	"io"
	"net/http"
	"net/http/httptest"
	"strings"
	"testing"
	"testing/synctest"

	"github.com/millrace-go/millrace/connector/httpconn"
	"github.com/millrace-go/millrace/connector/memory"
	"github.com/millrace-go/millrace/flow"
)

// TestRequests posts bodies to an intake that feeds a flow. What is refused never becomes
// a message; what is answered with success was delivered.
func TestRequests(t *testing.T) {
	const maxBody = 64
	for _, test := range []struct {
		name, body string
		status     int
		delivered  int64
	}{
		{"as long as may be", `{"Number":"` + strings.Repeat("x", maxBody-len(`{"Number":""}`)) + `"}`, http.StatusOK, 1},
		{"one byte too long", `{"Number":"` + strings.Repeat("x", maxBody-len(`{"Number":""}`)+1) + `"}`, http.StatusRequestEntityTooLarge, 0},
		{"truncated", `{"Number":"A"`, http.StatusBadRequest, 0},
		{"a name twice", `{"Number":"A","Number":"B"}`, http.StatusBadRequest, 0},
		{"invalid UTF-8", "{\"Number\":\"\xff\"}", http.StatusBadRequest, 0},
		{"empty", "", http.StatusBadRequest, 0},
	} {
		t.Run(test.name, func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) {
				intake, err := httpconn.NewIntake[order](httpconn.IntakeConfig{MaxBody: maxBody})
				if err != nil {
					t.Fatal(err)
				}
				sink := memory.NewSink[order]()
				p := flow.New("intake", flow.From(intake).To(sink))
				ended := make(chan error, 1)
				go func() { ended <- p.Run(t.Context()) }()
				synctest.Wait()

				server := httptest.NewTestServer(t, intake)
				response, err := server.Client().Post(server.URL, "application/json", strings.NewReader(test.body))
				if err != nil {
					t.Fatal(err)
				}
				answer, err := io.ReadAll(response.Body)
				_ = response.Body.Close()
				if err != nil || test.status == http.StatusRequestEntityTooLarge && !strings.Contains(string(answer), "limit of 64 bytes") {
					t.Errorf("answer %s, %v", answer, err)
				}
				if accepted := response.StatusCode/100 == 2; accepted != (test.status == http.StatusOK) ||
					!accepted && response.StatusCode != test.status {
					t.Errorf("status %d, want %d", response.StatusCode, test.status)
				}
				if _, err := p.Stop(t.Context()); err != nil {
					t.Error(err)
				}
				if err := <-ended; err != nil {
					t.Error(err)
				}
				if got := balanced(t, p); got.Delivered != test.delivered || got.In != test.delivered {
					t.Errorf("ledger %v, want %d in and delivered", got, test.delivered)
				}
			})
		})
	}
}
