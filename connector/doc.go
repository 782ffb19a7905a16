// Package connector holds the contracts between millrace and the systems that it
// connects: what a driver implements, and nothing else.
//
// A [Source] hands out messages and learns the [Outcome] of each; a [Sink] accepts
// messages; a [Caller] answers a request; a [Queue] is a source and a sink with leases;
// a [Store] keeps small state with atomic claims. Retry, timeout, metrics and settlement
// belong to package flow: a driver does one thing once and reports what happened, with
// an error whose [Class] says whether trying again can help.
//
// Each interface states which of its methods may run concurrently. The conformance
// suites in connector/conntest check a driver against every sentence written here.
package connector
