// Package transform holds typed codecs and values for messages: JSON, CSV, NDJSON, plain
// lines, lines of fixed width, JSON arrays and XML, packed with gzip or zip or not; exact
// money; dates in several layouts.
//
// A [Decoder] makes records of a text, an [Encoder] a text of records; a [Format] is both,
// with a record on each line, so that a file can be written on and repaired at its end.
// [Gzip], [Zip] and [Decompress] put a decoder round another one.
//
// [JSON], [CSV], [NDJSON], [Lines], [Fixed], [JSONArray] and [XML] are resolved once and then safe for concurrent use.
// The readers and writers made from them, as well as [Writer], serve one goroutine.
//
// A record that cannot be read does not end the stream: it is a [Row] with an error, its
// place and its text, and the next Read goes on with the next line. What cannot be
// overcome, such as a quote that is never closed, is the error of Read itself.
package transform
