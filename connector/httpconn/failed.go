package httpconn

import (
	"context"
	"errors"
	"net/http"

	"github.com/millrace-go/millrace/connector"
)

// undecoded is the refusal of a request that a Decode function did not take.
func undecoded(r *http.Request, err error) *refusal {
	if no := badBody(r, err); no.status != http.StatusBadRequest {
		return no
	}

	return &refusal{status: http.StatusBadRequest, detail: "the request is not valid", err: err}
}

// failed is the refusal of a request whose call failed.
func failed(ctx context.Context, r *http.Request, err error) *refusal {
	if r.Context().Err() != nil {
		return &refusal{status: statusClientGone, err: err}
	}
	switch class := connector.ClassOf(err); {
	case class == connector.ClassPermanent:
		return &refusal{status: http.StatusUnprocessableEntity, detail: "the request cannot be processed", err: err}
	case class == connector.ClassThrottled:
		after, _ := connector.RetryAfter(err)
		no := retryLater("too many requests: send it again later", after, err)
		no.status = http.StatusTooManyRequests

		return no
	case errors.Is(ctx.Err(), context.DeadlineExceeded):
		return &refusal{status: http.StatusGatewayTimeout, detail: "the request took too long and may have been processed", err: err}
	case class == connector.ClassTransient:
		return retryLater("not processed: send it again", defaultRetryAfter, err)
	case class == connector.ClassAmbiguous:
		return &refusal{status: http.StatusBadGateway, detail: "the request may have been processed", err: err}
	default:
		return internal(err)
	}
}
