// Package httpconn connects flows to HTTP: [Caller] asks a JSON service, [Sink] sends
// messages to one, [Handler] serves a Step or any other [connector.Caller], [Intake] is a
// source whose messages are the requests that it receives, and [NewServer] is an
// http.Server with bounds.
//
// # Calling
//
// A request that was certainly not sent, or was refused for the moment, is transient or
// throttled. One that was sent and not answered for good is transient where the method is
// idempotent (GET, PUT, DELETE) and ambiguous where it is not (POST, PATCH), because its
// effect may have happened.
//
// A Sink sends the ID of each message as its Idempotency-Key. Messages arrive at least
// once where the flow tries again, and have their effect once where the endpoint goes by
// that key. An address that comes with a message is guarded by package netguard.
//
// # Serving
//
// Errors are answered as application/problem+json. The text of an internal error never
// reaches the client: it gets a request id, and the OnError hook gets the error under the
// same id. Status 503 with Retry-After always means that nothing was done and the request
// can be sent again; 502 and 504 mean that it may have been done.
//
// [NewGzip] adds compression both ways. Webhooks are in package webhook, paged resources
// and streams as sources in package httpsource, streams as answers in package httpstream,
// an OpenAPI description of what is served in package openapi. A handler of your own
// answers like these with [Problem] and [ReadBody].
//
// # Bounds
//
// All are on by default: 10 s for a call and 30 s for a request that is served, 1 MiB for
// a body, 64 KiB for a header, 64 connections to a host, 1,000 calls at once, 100 levels of
// JSON, 5 min for what a peer asks to wait. A duplicate name and text that is not UTF-8
// are refused. What is over a bound is an error that says so; nothing is cut off.
//
// # When the far side fails
//
//   - Slow: the call ends at its Timeout, transient or ambiguous as above. A client that
//     sends slowly is answered 408, and one that never ends its header disconnected.
//   - Gone, or not there yet: transient, because nothing was sent.
//   - Restarted: a connection that broke off under a request is transient or ambiguous as
//     above; the next request opens another one.
//   - Full: 429, and 503 with Retry-After, are throttled, for as long as the peer asks.
//   - Nonsense: an answer that is no JSON, too large or too deep is permanent where the
//     method is idempotent, and ambiguous where it is not.
//
// All types are safe for concurrent use, apart from the Readers of an Intake, which
// follow the rules of [connector.Reader].
package httpconn
