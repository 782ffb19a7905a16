// Package httpsource reads from HTTP services: [Pages] walks a paged resource, [Records]
// reads a body of records, NDJSON for one, as it arrives, and [Events] follows a stream
// of server-sent events.
//
//	orders, err := httpsource.NewPages(httpsource.PagesConfig[OrderPage, Order]{
//		Endpoint: httpsource.Endpoint{Name: "orders", URL: "https://shop.example/orders?limit=100", Store: store},
//		Items:    func(p OrderPage) []Order { return p.Orders },
//		Cursor:   func(p OrderPage) string { return p.Next },
//	})
//
// # Guarantee
//
// With a Store, messages are handed out at least once over restarts: the checkpoint moves
// on when a message and all before it are settled, and a new reader starts behind it.
// What was handed out after it comes again. Two readers with one checkpoint at the same
// time are an error for the later one. Without a Store, every Open starts at the
// beginning. A message cannot be taken back: one that returns to the source stops the
// pipeline.
//
// # Failure
//
// A request that fails, an answer other than success, and a body that breaks off or is
// over its bound end the reading with an error, whose class says whether to start again;
// a supervised pipeline then goes on from the checkpoint. A service that is slow is given
// up at the Timeout, and one that falls silent within a stream after the Idle time, both
// transient. Only Events, whose protocol says so, connect again by themselves.
//
// Sources are safe for concurrent use; a Reader is used as [connector.Reader] says.
package httpsource
