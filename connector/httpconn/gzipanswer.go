package httpconn

import (
	"compress/gzip"
	"net/http"
	"strings"
)

// deflated is an answer that is compressed once it is large enough. Until then it waits in
// held.
type deflated struct {
	http.ResponseWriter

	config   GzipConfig
	accepted bool
	status   int
	held     []byte
	// decided says that what follows goes to writer, or straight on without one.
	decided bool
	writer  *gzip.Writer
}

// WriteHeader implements http.ResponseWriter. The status is kept until it is decided how
// the body is sent.
func (d *deflated) WriteHeader(status int) {
	switch {
	case status < http.StatusOK && status != http.StatusSwitchingProtocols:
		d.ResponseWriter.WriteHeader(status)
	case d.status == 0:
		d.status = status
		d.mark()
	}
}

// mark decides at once where the header says enough.
func (d *deflated) mark() {
	header := d.Header()
	fits := compressible(d.status, header)
	if fits {
		header.Add("Vary", "Accept-Encoding")
	}
	if !fits || !d.accepted {
		d.decide(false)
	}
}

func (d *deflated) decide(compress bool) {
	d.decided = true
	if compress {
		header := d.Header()
		header.Set("Content-Encoding", encodingGzip)
		header.Del("Content-Length")
		if tag := header.Get("ETag"); tag != "" && !strings.HasPrefix(tag, "W/") {
			header.Set("ETag", "W/"+tag) // the bytes are others, the meaning is the same
		}
		d.writer, _ = writers.Get().(*gzip.Writer)
		d.writer.Reset(d.ResponseWriter)
	}
	d.ResponseWriter.WriteHeader(d.status)
}

// Write implements http.ResponseWriter.
func (d *deflated) Write(p []byte) (int, error) {
	if d.status == 0 {
		if d.Header().Get("Content-Type") == "" {
			d.Header().Set("Content-Type", http.DetectContentType(p))
		}
		d.WriteHeader(http.StatusOK)
	}
	if !d.decided && len(d.held)+len(p) < d.config.MinSize {
		d.held = append(d.held, p...)

		return len(p), nil
	}
	if !d.decided {
		d.decide(true)
		if err := d.unhold(); err != nil {
			return 0, err
		}
	}
	if d.writer != nil {
		return d.writer.Write(p)
	}

	return d.ResponseWriter.Write(p)
}

// unhold sends what waited.
func (d *deflated) unhold() error {
	held := d.held
	d.held = nil
	if len(held) == 0 {
		return nil
	}
	if d.writer != nil {
		_, err := d.writer.Write(held)

		return err
	}
	_, err := d.ResponseWriter.Write(held)

	return err
}

// FlushError is for http.ResponseController.
func (d *deflated) FlushError() error {
	if err := d.settle(); err != nil {
		return err
	}
	if d.writer != nil {
		if err := d.writer.Flush(); err != nil {
			return err
		}
	}

	return http.NewResponseController(d.ResponseWriter).Flush()
}

// settle sends what is held as it is.
func (d *deflated) settle() error {
	if d.status == 0 {
		d.WriteHeader(http.StatusOK)
	}
	if !d.decided {
		d.decide(false)
	}

	return d.unhold()
}

// end completes the answer of a handler that has returned. Where that fails the client has
// gone, and nobody listens.
func (d *deflated) end() {
	if d.status != 0 {
		_ = d.settle()
	}
	if d.writer != nil {
		_ = d.writer.Close()
		writers.Put(d.writer)
		d.writer = nil
	}
}

// Unwrap is for http.ResponseController.
func (d *deflated) Unwrap() http.ResponseWriter { return d.ResponseWriter }
