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
// # Signing
//
// [Sign] sets the headers of one request, [Verify] checks them; both work without the
// rest of the package. [StandardSchedule] is the retry schedule of the specification.
//
// All types are safe for concurrent use.
package webhook
