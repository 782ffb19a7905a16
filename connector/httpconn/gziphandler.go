package httpconn

import (
	"errors"
	"fmt"
	"mime"
	"net/http"
	"slices"
	"strings"
)

// GzipConfig bounds what a [NewGzip] handler compresses and decompresses. The zero value
// is ready to use.
type GzipConfig struct {
	// MinSize is the least bytes of an answer that is compressed; default 1 KiB.
	MinSize int
	// MaxBody is the most bytes of a request body, compressed and decompressed; default
	// 8 MiB. The handler behind may allow less.
	MaxBody int
	// MaxRatio is how many times as large a request body may become, beyond its first
	// 64 KiB; default 100. Text and JSON rarely reach 30, a bomb 1,000.
	MaxRatio int
}

const (
	defaultGzipBody = 8 << 20
	defaultRatio    = 100
)

// NewGzip returns a handler that lets next see request bodies decompressed, and compresses
// its answers for clients that accept it, or all errors of the configuration.
//
// A body over a bound fails next's reading with a *[connector.LimitError], which a
// [Handler] and an [Intake] answer 413, and one that is not gzip with another error, which
// they answer 400. An answer is compressed when its type is text, JSON or XML, and is not
// small, or already compressed; a stream that is flushed before it has MinSize bytes is
// sent as it is. An answer that mixes a secret with what an attacker chooses should not be
// compressed: its length tells of the secret.
//
// A webhook.Receiver stands in front of it, because what was sent is what was signed.
func NewGzip(next http.Handler, config GzipConfig) (http.Handler, error) {
	err := errors.Join(
		setBound("GzipConfig.MinSize", &config.MinSize, minGzip),
		setBound("GzipConfig.MaxBody", &config.MaxBody, defaultGzipBody),
		setBound("GzipConfig.MaxRatio", &config.MaxRatio, defaultRatio))
	if next == nil {
		err = errors.Join(errors.New("the handler is nil"), err)
	}
	if err != nil {
		return nil, fmt.Errorf("httpconn: gzip: %w", err)
	}

	return http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		if r.Header.Get("Content-Encoding") == encodingGzip {
			body := &inflated{from: http.MaxBytesReader(w, r.Body, int64(config.MaxBody)), config: config}
			defer body.release()
			r = plain(r, body)
		}
		answer := &deflated{ResponseWriter: w, config: config, accepted: acceptsGzip(r)}
		next.ServeHTTP(answer, r)
		answer.end()
	}), nil
}

// plain is the request as if its body had come without compression.
func plain(r *http.Request, body *inflated) *http.Request {
	next := r.Clone(r.Context())
	next.Body, next.ContentLength = body, -1
	next.Header.Del("Content-Encoding")
	next.Header.Del("Content-Length")

	return next
}

func acceptsGzip(r *http.Request) bool {
	if r.Method == http.MethodHead {
		return false
	}
	for value := range strings.SplitSeq(strings.Join(r.Header.Values("Accept-Encoding"), ","), ",") {
		coding, quality, _ := strings.Cut(value, ";")
		if strings.EqualFold(strings.TrimSpace(coding), encodingGzip) {
			return strings.Trim(quality, " \t=0.qQ") != "" || strings.TrimSpace(quality) == ""
		}
	}

	return false
}

// compressible reports whether an answer of such a header gains from compression.
func compressible(status int, header http.Header) bool {
	if status < http.StatusOK || status == http.StatusNoContent || status == http.StatusNotModified ||
		header.Get("Content-Encoding") != "" || header.Get("Content-Range") != "" {
		return false
	}
	media, _, err := mime.ParseMediaType(header.Get("Content-Type"))
	if err != nil || media == "text/event-stream" {
		return false
	}
	kind, name, _ := strings.Cut(media, "/")

	return kind == "text" || strings.HasSuffix(name, "+json") || strings.HasSuffix(name, "+xml") ||
		slices.Contains([]string{"json", "xml", "javascript", "x-ndjson", "jsonl"}, name)
}
