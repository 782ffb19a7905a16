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
// All types are safe for concurrent use, apart from the Readers of an Intake, which
// follow the rules of [connector.Reader].
package httpconn
