// Package httpstream serves streams over HTTP: [Records] answers a request with records as
// they come, one JSON document on each line for one, and [Events] is a sink whose messages
// every listener gets as server-sent events.
//
//	orders, err := httpstream.NewRecords(func(r *http.Request) iter.Seq2[Order, error] {
//		return flow.From(source).All(r.Context())
//	}, httpstream.RecordsConfig[Order]{})
//
// # Guarantee
//
// Records are sent in order, and an answer that fails on its way is broken off, so that a
// client can tell it from one that is complete. Events reach listeners in the order of
// their Write, and no listener holds up the sink or another listener. One that comes back
// with Last-Event-ID gets what it missed, as far as the history goes; where events are
// missing, it is told so by an event of type "gap".
//
// # Failure
//
// What was written is sent at once, and what follows closely is sent together. A client
// that takes nothing for the WriteTimeout, 10 s by default, is disconnected. These bounds
// replace the WriteTimeout of the http.Server. What fails before the first byte is
// answered as application/problem+json without the text of the error; the OnError hook
// gets it, then and later.
//
// All types are safe for concurrent use.
package httpstream
