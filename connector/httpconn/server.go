package httpconn

import (
	"net/http"
	"time"
)

// NewServer returns a server with every time and size bounded, which those of the zero
// http.Server are not: 5 s for the header of a request and 64 KiB of it (net/http lets up
// to 8 KiB more pass), 30 s for the whole request, 60 s to answer, 2 min for an idle
// connection. The fields can be changed before the server starts. WriteTimeout must be
// longer than the Timeout of a [Handler] or [Intake] behind it, or their answer to a late
// request is cut off.
//
// The connection of a chunked request of HTTP/1.1 is closed with its answer. Such a
// request may have named a Content-Length too, which net/http passes over without a word,
// and what a proxy in front took for its body must not be read as the next request.
func NewServer(addr string, handler http.Handler) *http.Server {
	return &http.Server{
		Addr:              addr,
		Handler:           closeChunked(handler),
		ReadHeaderTimeout: 5 * time.Second,
		ReadTimeout:       30 * time.Second,
		WriteTimeout:      60 * time.Second,
		IdleTimeout:       2 * time.Minute,
		MaxHeaderBytes:    64 << 10,
	}
}

// closeChunked leaves nothing behind a chunked request to be read. A nil handler is that
// of net/http.
func closeChunked(handler http.Handler) http.Handler {
	return http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		if r.ProtoMajor == 1 && len(r.TransferEncoding) > 0 {
			w.Header().Set("Connection", "close")
		}
		if handler == nil {
			http.DefaultServeMux.ServeHTTP(w, r)

			return
		}
		handler.ServeHTTP(w, r)
	})
}
