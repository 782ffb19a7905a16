// Command orderhub is the main job of millrace in one program: it takes in the order
// files of two partners, and ends with a database, invoices, totals and a report whose
// figures can be trusted, however often it was killed on the way.
//
//	partner_a.csv ─ intake-a ─┐ lines, orders, totals, rejections  ─ hub.sqlite
//	                          ├ notifications, by subscriber       ─ notify/*.ndjson
//	partner_b.csv ─ intake-b ─┴ invoices.queue ─ invoices          ─ invoices.ndjson
//
// Where to look:
//
//   - intake.go: the flow of a partner, from the file to every outlet;
//   - invoices.go: the flow behind the durable queue, and why no invoice is written twice;
//   - line.go, order.go: what is checked, and what happens to what fails;
//   - customers.go, service.go: a call to a service that is slow and fails at times;
//   - view.go, server.go: a customer's single view over HTTP, while the flows run;
//   - report.go: the reconciliation, read from the database;
//   - kill_test.go: the proof, with SIGKILL;
//   - losesnothing_test.go: the proof in two short tests that simulate the flows, and
//     planted_test.go: what these tests find.
//
// # Started again after a crash
//
// A file keeps no account of what was read, so a run reads it from its start, and every
// effect is made to happen once: rows are keyed by file and line, or by partner and
// invoice, and written again in place; totals remember the messages that they counted;
// invoices and notifications pass a Once stage. Lines are recognised again by their
// place in the file. Two equal lines are two lines: the second is marked as a repeat.
package main
