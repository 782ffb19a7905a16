// Package webhook sends and receives signed webhooks by the Standard Webhooks
// specification: the headers webhook-id, webhook-timestamp and webhook-signature, with
// HMAC-SHA256 (v1) or ed25519 (v1a), and several signatures while keys change.
//
// # Receiving
//
// A [Receiver] stands in front of an [httpconn.Intake], or any handler, and lets a webhook
// through once:
//
//	receiver, err := webhook.NewReceiver(intake, webhook.ReceiverConfig{
//		Name: "payments", Keys: []webhook.Key{key}, Store: store,
//	})
//
// What is not signed, is too old or too new (5 min by default), or was served before does
// not reach the handler. With an Intake the ID of the message is the id of the webhook, the
// record is made from the outcome, and a failed message makes the sender try again. The
// record and the effect of the handler are two things: after a crash between them the
// webhook may be served twice, unless the flow itself goes by the ID.
//
// # Sending
//
// [Signing] signs the requests of an [httpconn.Sink], and [Retry] brings those that failed
// back by the [StandardSchedule], through a queue that can delay:
//
//	sink, err := httpconn.NewSink(httpconn.SinkConfig[Event]{
//		Target:  func(m connector.Message[Event]) string { return m.Value.Endpoint },
//		Prepare: webhook.Signing(keysOfTheCustomer),
//	})
//	pipeline := flow.New("hooks", flow.From(outbox).DeadLetter(retry).To(sink))
//
// A webhook is sent at least once: one that arrived, and whose answer got lost, is sent
// again under the same id. Addresses that come with the message are guarded by package
// netguard. When a receiver is slow, the attempt ends at the Timeout of the sink, 10 s by
// default; when it is gone, or answers anything but 2xx, the next attempt follows, ten in
// 75 hours; 410 Gone ends them. What is given up goes to a sink of its own with its cause.
//
// # Signing
//
// [Sign] sets the headers of one request, [Verify] checks them; both work without the
// rest of the package.
//
// All types are safe for concurrent use.
package webhook
