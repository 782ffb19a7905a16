package httpconn_test

import (
	"context"
	"net/http"
	"testing"

	"github.com/millrace-go/millrace/connector"
	"github.com/millrace-go/millrace/connector/httpconn"
	"github.com/millrace-go/millrace/internal/jsoncases"
)

// TestJSONCases sends every document to a handler: 400 says which ones are no JSON, and no
// status says that the server is at fault.
func TestJSONCases(t *testing.T) {
	called := false
	h, err := httpconn.NewHandler[any, bool](connector.CallerFunc[any, bool](
		func(context.Context, any) (bool, error) { called = true; return true, nil },
	), httpconn.HandlerConfig[any]{})
	if err != nil {
		t.Fatal(err)
	}
	send := func(document string) int {
		called = false

		return serve(h, post(document, "Content-Type", "application/json")).Code
	}
	for _, document := range jsoncases.Accept {
		if code := send(document); code != http.StatusOK || !called {
			t.Errorf("%.60q gives %d, want 200", document, code)
		}
	}
	for _, document := range jsoncases.Reject {
		if code := send(document); code != http.StatusBadRequest || called {
			t.Errorf("%.60q gives %d, called %t; want 400", document, code, called)
		}
	}
	for _, document := range jsoncases.Free {
		if first, second := send(document), send(document); first != second || first != http.StatusOK && first != http.StatusBadRequest {
			t.Errorf("%.60q gives %d, then %d", document, first, second)
		}
	}
}
