// Package transform holds typed codecs and values for messages: JSON, CSV, NDJSON and
// plain lines; exact money; dates in several layouts.
//
// [JSON], [CSV], [NDJSON] and [Lines] are resolved once and then safe for concurrent use.
// The readers and writers made from them, as well as [Writer], serve one goroutine.
//
// A record that cannot be read does not end the stream: it is a [Row] with an error, its
// place and its text, and the next Read goes on with the next line. What cannot be
// overcome, such as a quote that is never closed, is the error of Read itself.
package transform
