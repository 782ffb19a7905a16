package main

import (
	"compress/gzip"
	"net/http"
	"sync"
)

// gzipped compresses what next answers, with writers that are used again.
func gzipped(next http.Handler) http.Handler {
	writers := sync.Pool{New: func() any { return gzip.NewWriter(nil) }}

	return http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		zip := writers.Get().(*gzip.Writer)
		defer writers.Put(zip)
		zip.Reset(w)
		next.ServeHTTP(&zipped{w, zip}, r)
		_ = zip.Close() // the client, whose reply is cut off, sees it
	})
}

// zipped is a response whose body is compressed.
type zipped struct {
	http.ResponseWriter

	zip *gzip.Writer
}

func (z *zipped) WriteHeader(status int) {
	z.Header().Del("Content-Length")
	z.Header().Set("Content-Encoding", "gzip")
	z.ResponseWriter.WriteHeader(status)
}

func (z *zipped) Write(data []byte) (int, error) {
	if z.Header().Get("Content-Encoding") == "" {
		z.WriteHeader(http.StatusOK)
	}

	return z.zip.Write(data)
}
