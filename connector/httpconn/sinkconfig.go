package httpconn

import (
	"errors"
	"net/http"
	"net/url"
	"time"

	"github.com/millrace-go/millrace/connector"
	"github.com/millrace-go/millrace/connector/netguard"
)

// SinkConfig says where a [Sink] sends messages, and within which bounds.
type SinkConfig[T any] struct {
	// Method is POST, PUT or PATCH; default POST.
	Method string
	// URL is the absolute address, http or https; required without Target.
	URL string
	// Target returns the address of a message, in place of URL. Because it comes with the
	// data, the default Client has a Guard then. A Client that is given must guard itself.
	Target func(connector.Message[T]) string
	// Header is sent with every request. Content-Type has the default application/json.
	Header http.Header
	// Codec encodes a message; default JSON of at most MaxRequest bytes.
	Codec connector.Codec[T]
	// Batch sends the messages of a Write together, as JSON arrays of at most MaxRequest
	// bytes. The Codec must give JSON then. It needs URL.
	Batch bool
	// Prepare sees each request before it is sent, with its body as it is sent, and can
	// sign it, for one. Its error fails the messages for good. It must not keep the body.
	// It may run concurrently. Default none.
	Prepare func(request *http.Request, body []byte, messages []connector.Message[T]) error
	// KeyHeader carries the ID of the message, so that the endpoint can tell that it has
	// it already; default Idempotency-Key. An ID that is not 1 to 255 printable ASCII
	// characters is sent as its SHA-256. The key of a Batch is made of the IDs in it.
	KeyHeader string
	// Idempotent says that the endpoint goes by the KeyHeader, so that a message may be
	// sent again when nobody knows whether it arrived. It is declared as
	// [connector.Capabilities].Idempotent. PUT is so in any case, a Batch never.
	Idempotent bool
	// Gzip compresses bodies of 1 KiB or more.
	Gzip bool
	// Concurrency is how many requests of one Write run at once; default 1, which keeps
	// the order.
	Concurrency int
	// Client sends the requests. The default is a client of the Sink's own. A redirect is
	// never followed.
	Client *http.Client
	// Timeout bounds one request from the connection to the answer; default 10 s.
	Timeout time.Duration
	// MaxRequest is the most bytes of a body, before compression; default 1 MiB.
	MaxRequest int
	// MaxRetryAfter is the longest wait that an answer can ask for; default 5 min.
	MaxRetryAfter time.Duration
	// MaxHeader is the most bytes of the header of an answer; default 64 KiB. It belongs
	// to the default Client, and is an error together with another one. So are MaxConns
	// and Guard.
	MaxHeader int64
	// MaxConns is the most connections to a host, all of which are kept for the next
	// requests; default 64. Further requests wait.
	MaxConns int
	// Guard refuses connections to addresses that are not public; no proxy is used then.
	// The default is none for a URL, and the zero netguard.Config for a Target.
	Guard *netguard.Guard
}

func (c *SinkConfig[T]) complete() (*url.URL, error) {
	if c.Method == "" {
		c.Method = http.MethodPost
	}
	if c.KeyHeader == "" {
		c.KeyHeader = "Idempotency-Key"
	}
	address, err := c.address()
	errs := []error{
		err,
		checkServed("SinkConfig.Method", c.Method, http.MethodPost, http.MethodPut, http.MethodPatch),
		checkHeader("SinkConfig.Header", c.Header),
		checkName("SinkConfig.KeyHeader", c.KeyHeader),
		c.checkBatch(),
		completeClient("SinkConfig", c.Client, &c.MaxHeader, &c.MaxConns, c.Guard),
		setBound("SinkConfig.Concurrency", &c.Concurrency, 1),
		setBound("SinkConfig.Timeout", &c.Timeout, defaultCallTimeout),
		setBound("SinkConfig.MaxRequest", &c.MaxRequest, defaultBody),
		setBound("SinkConfig.MaxRetryAfter", &c.MaxRetryAfter, defaultMaxRetryAfter),
	}
	if c.Guard == nil && c.Target != nil && c.Client == nil {
		c.Guard, err = netguard.New(netguard.Config{})
		errs = append(errs, err)
	}
	if c.Codec == nil && c.MaxRequest > 0 {
		c.Codec, err = jsonCodec[T](c.MaxRequest)
		errs = append(errs, err)
	}

	return address, errors.Join(errs...)
}

// address is the fixed one; nil with Target.
func (c *SinkConfig[T]) address() (*url.URL, error) {
	switch {
	case c.Target == nil:
		return parseURL("SinkConfig.URL", c.URL)
	case c.URL != "":
		return nil, errors.New("SinkConfig.URL has no effect with Target")
	default:
		return nil, nil
	}
}

func (c *SinkConfig[T]) checkBatch() error {
	if !c.Batch {
		return nil
	}
	var errs []error
	for name, set := range map[string]bool{"Target": c.Target != nil, "Idempotent": c.Idempotent, "Concurrency": c.Concurrency > 1} {
		if set {
			errs = append(errs, errors.New("SinkConfig."+name+" cannot be used with Batch"))
		}
	}

	return errors.Join(errs...)
}
