package httpconn

import (
	"net/http"
	"time"
)

// NewServer returns a server with every time and size bounded, which those of the zero
// http.Server are not: 5 s for the header of a request and 64 KiB of it (net/http lets up
// to 8 KiB more pass), 30 s for the whole request, 60 s to answer, 2 min for an idle
// connection. The fields can be changed
// before the server starts. WriteTimeout must be longer than the Timeout of a [Handler]
// or [Intake] behind it, or their answer to a late request is cut off.
func NewServer(addr string, handler http.Handler) *http.Server {
	return &http.Server{
		Addr:              addr,
		Handler:           handler,
		ReadHeaderTimeout: 5 * time.Second,
		ReadTimeout:       30 * time.Second,
		WriteTimeout:      60 * time.Second,
		IdleTimeout:       2 * time.Minute,
		MaxHeaderBytes:    64 << 10,
	}
}
