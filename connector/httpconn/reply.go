package httpconn

import (
	"encoding/json/v2"
	"errors"
	"fmt"
	"net/http"

	"github.com/millrace-go/millrace/connector"
)

// receipt is the body of a success.
type receipt struct {
	ID      string `json:"id"`
	Outcome string `json:"outcome"`
}

// reply answers with the outcome.
func (i *Intake[T]) reply(w http.ResponseWriter, e *exchange[T], s connector.Settlement) *refusal {
	status := http.StatusOK
	switch s.Outcome {
	case connector.Delivered, connector.Duplicate, connector.Filtered:
	case connector.DeadLettered, connector.Dropped:
		status = http.StatusAccepted
	case connector.Returned:
		return i.returned(s)
	case connector.Pending:
		return internal(fmt.Errorf("message %s was settled without an outcome", e.fields.ID))
	}
	body, err := json.Marshal(receipt{ID: e.fields.ID, Outcome: s.Outcome.String()})
	if err != nil {
		return internal(err)
	}
	send(w, status, contentJSON, body)

	return nil
}

func (i *Intake[T]) returned(s connector.Settlement) *refusal {
	cause := s.Cause
	if cause == nil {
		cause = errors.New("returned without a cause")
	}
	switch connector.ClassOf(cause) {
	case connector.ClassPermanent:
		return &refusal{status: http.StatusUnprocessableEntity, detail: "the request cannot be processed", err: cause}
	case connector.ClassAmbiguous:
		return &refusal{status: http.StatusGatewayTimeout, detail: "the request may have been processed", err: cause}
	case connector.ClassUnknown, connector.ClassTransient, connector.ClassThrottled:
	}
	asked, _ := connector.RetryAfter(cause)

	return retryLater("not processed: send it again", max(i.config.RetryAfter, s.Delay, asked), cause)
}
