package httpconn

import (
	"net/http"
	"reflect"
)

// Operation is what a handler serves, as package openapi describes it.
type Operation struct {
	// Method is the method that it serves.
	Method string
	// Request is the type of the JSON body; nil where there is none, or where Decode makes
	// the request of something else.
	Request reflect.Type
	// Response is the type of the JSON body of a success.
	Response reflect.Type
	// Successes and Problems are the statuses that it answers with.
	Successes []int
	Problems  []int
	// MaxBody is the most bytes of a request body.
	MaxBody int
	// IdempotencyKey says that the header Idempotency-Key identifies a request.
	IdempotencyKey bool
}

// Operation describes what the handler serves.
func (h *Handler[Req, Resp]) Operation() Operation {
	o := Operation{
		Method: h.config.Method, Response: reflect.TypeFor[Resp](), MaxBody: h.config.MaxBody,
		Successes: []int{http.StatusOK},
		Problems: []int{
			http.StatusBadRequest, http.StatusMethodNotAllowed, http.StatusRequestTimeout, http.StatusRequestEntityTooLarge,
			http.StatusUnprocessableEntity, http.StatusTooManyRequests, http.StatusInternalServerError,
			http.StatusBadGateway, http.StatusServiceUnavailable, http.StatusGatewayTimeout,
		},
	}
	if h.config.Decode == nil {
		o.Request = reflect.TypeFor[Req]()
		o.Problems = append(o.Problems, http.StatusUnsupportedMediaType)
	}

	return o
}

// Operation describes what the intake takes.
func (i *Intake[T]) Operation() Operation {
	o := Operation{
		Method: i.config.Method, Request: reflect.TypeFor[T](), Response: reflect.TypeFor[receipt](), MaxBody: i.config.MaxBody,
		IdempotencyKey: true,
		Successes:      []int{http.StatusOK, http.StatusAccepted},
		Problems: []int{
			http.StatusBadRequest, http.StatusMethodNotAllowed, http.StatusRequestTimeout, http.StatusRequestEntityTooLarge,
			http.StatusUnsupportedMediaType, http.StatusUnprocessableEntity, http.StatusInternalServerError,
			http.StatusServiceUnavailable, http.StatusGatewayTimeout,
		},
	}
	if len(i.config.Headers) > 0 {
		o.Problems = append(o.Problems, http.StatusRequestHeaderFieldsTooLarge)
	}

	return o
}
