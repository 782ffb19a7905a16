package httpconn

import (
	"bytes"
	"encoding/json/jsontext"
	"encoding/json/v2"
	"errors"
	"fmt"
	"mime"
	"net"
	"net/http"
	"slices"
	"strings"
	"time"

	"github.com/millrace-go/millrace/connector"
)

// checkMethod refuses other methods with 405.
func checkMethod(r *http.Request, method string) *refusal {
	if r.Method == method {
		return nil
	}

	return &refusal{
		status: http.StatusMethodNotAllowed, detail: "use " + method,
		err: fmt.Errorf("method %.20q", r.Method), header: http.Header{"Allow": {method}},
	}
}

// checkType refuses with 415 what does not claim to be plain JSON.
func checkType(r *http.Request) *refusal {
	contentType := r.Header.Get("Content-Type")
	if contentType == contentJSON && r.Header["Content-Encoding"] == nil {
		return nil // what nearly everyone sends needs no parsing
	}
	media, parameters, err := mime.ParseMediaType(contentType)
	charset := strings.ToLower(parameters["charset"])
	encoding := r.Header.Get("Content-Encoding")
	switch {
	case err != nil, media != contentJSON && !strings.HasSuffix(media, "+json"),
		!slices.Contains([]string{"", "utf-8", "us-ascii"}, charset):
		return &refusal{
			status: http.StatusUnsupportedMediaType, detail: "send application/json in UTF-8",
			err: fmt.Errorf("content type %.100q", contentType), header: http.Header{"Accept": {contentJSON}},
		}
	case encoding != "" && encoding != "identity":
		return &refusal{
			status: http.StatusUnsupportedMediaType, detail: "send the body without a content encoding",
			err: fmt.Errorf("content encoding %.100q", encoding), header: http.Header{"Accept-Encoding": {"identity"}},
		}
	default:
		return nil
	}
}

// limit bounds the body in size and in time (invariant 17). The returned function takes the time bound
// away again; without that it would end the context of a request still being served.
func limit(w http.ResponseWriter, r *http.Request, most int, deadline time.Time) func() {
	r.Body = http.MaxBytesReader(w, r.Body, int64(most))
	// A ResponseWriter without deadlines leaves the time to the server.
	control := http.NewResponseController(w)
	_ = control.SetReadDeadline(deadline)

	return func() { _ = control.SetReadDeadline(time.Time{}) }
}

// readBody reads the body of r, which limit has bounded, into space.
func readBody(r *http.Request, most int, space *bytes.Buffer) ([]byte, *refusal) {
	if r.ContentLength > int64(most) {
		return nil, tooLarge(&connector.LimitError{What: "body", Size: r.ContentLength, Limit: int64(most)})
	}
	body, err := readUpTo(space, r.Body, most, r.ContentLength)
	if err != nil {
		return nil, badBody(r, err)
	}

	return body, nil
}

// badBody tells the reasons apart for which a body cannot be read.
func badBody(r *http.Request, err error) *refusal {
	if over, ok := errors.AsType[*http.MaxBytesError](err); ok {
		return tooLarge(&connector.LimitError{What: "body", Size: over.Limit + 1, Limit: over.Limit})
	}
	if over, ok := errors.AsType[*connector.LimitError](err); ok {
		return tooLarge(over)
	}
	if late, ok := errors.AsType[net.Error](err); ok && late.Timeout() {
		return &refusal{
			status: http.StatusRequestTimeout, detail: "the body did not arrive in time",
			err: err, header: http.Header{"Connection": {"close"}},
		}
	}
	if r.Context().Err() != nil {
		return &refusal{status: statusClientGone, err: err}
	}

	return &refusal{status: http.StatusBadRequest, detail: "the body broke off", err: err}
}

func tooLarge(err *connector.LimitError) *refusal {
	return &refusal{
		status: http.StatusRequestEntityTooLarge,
		detail: fmt.Sprintf("the body is over the limit of %d bytes", err.Limit), err: err,
	}
}

// badJSON says where the body does not fit, and nothing of the types behind it.
func badJSON(err error) *refusal {
	detail := "the body is not the JSON that is expected here"
	if syntax, ok := errors.AsType[*jsontext.SyntacticError](err); ok {
		detail = fmt.Sprintf("the body is not valid JSON at byte %d%s", syntax.ByteOffset, pointer(syntax.JSONPointer))
	} else if semantic, ok := errors.AsType[*json.SemanticError](err); ok {
		detail += pointer(semantic.JSONPointer)
	}

	return &refusal{status: http.StatusBadRequest, detail: detail, err: err}
}

func pointer(at jsontext.Pointer) string {
	const most = 200
	if at == "" || len(at) > most {
		return ""
	}

	return ", at " + string(at)
}
