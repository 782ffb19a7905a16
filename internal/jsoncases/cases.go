// Package jsoncases holds JSON documents that every reader of JSON here must accept, must
// reject, or may treat as it likes as long as it does so without harm (RFC 8259).
package jsoncases

import "strings"

// Accept are documents that RFC 8259 allows and whose meaning is clear.
var Accept = []string{
	`null`, `true`, `false`, `0`, `-0`, `1`, `-1`, `12.5`, `-0.25`, `1e3`, `1E3`, `1e+3`, `1e-3`, `0e0`, `0.0e-0`,
	`123456789012345678`, `""`, `"text"`, `[]`, `{}`, `[[]]`, `[{}]`, `{"a":{}}`, `[1,2,3]`, `[null,1,"2",{"3":4}]`,
	` 1`, "1\n", "\t[ 1 ,\r\n 2 ]\t", `{ "a" : 1 }`, `{"":0}`, `{"a":1,"b":1}`, `{"a":[],"A":[]}`, `{"\u0061":1,"b":2}`,
	`"\"\\\/\b\f\n\r\t"`, `"\u0000"`, `"\u00e9"`, `"\u20AC"`, `"\ud83d\ude00"`, `"é€😀"`, "\"\u007f\"", "\"\u2028\u2029\"",
	`"/*no comment*/"`, `"` + strings.Repeat("x", 10_000) + `"`, `[` + strings.Repeat("0,", 1000) + `0]`,
	strings.Repeat("[", 90) + strings.Repeat("]", 90), `"\ufffe"`, "\"\uffff\"", `"a\u0308"`,
}

// Reject are documents that RFC 8259 forbids, or that readers would understand
// differently: duplicate names and what is not UTF-8 are among them.
var Reject = []string{
	// nothing, or too much
	``, ` `, "\n", `1 2`, `{}{}`, `[] []`, `null x`, `1]`, `{}}`, `"a""b"`, `,`, `:`, "1\x00", "\x00", "\v1", "\f1", "\u00a01", "\u20601",
	// literals
	`nul`, `nulll`, `Null`, `TRUE`, `tru`, `True`, `undefined`, `NaN`, `Infinity`, `-Infinity`, `nil`, `'a'`, `a`, `yes`,
	// numbers
	`+1`, `01`, `-01`, `00`, `1.`, `.5`, `-.5`, `1e`, `1e+`, `1.e3`, `-`, `--1`, `1-`, `0x1F`, `1_000`, `1,000`, `1e3.5`, `0b1`, `1f`, `１`,
	// strings
	`"`, `"a`, `"a\`, `"\"`, `"\x41"`, `"\a"`, `"\'"`, `"\0"`, `"\u"`, `"\u12"`, `"\u12g4"`, `"\U0041"`, `"\u{41}"`,
	"\"a\nb\"", "\"a\tb\"", "\"a\x00b\"", "\"\x1f\"", `"\ud83d"`, `"\ude00"`, `"\ud83d\u0041"`, `"\ude00\ud83d"`, `"\ud83dx"`,
	"\"\xff\"", "\"\xc3\"", "\"\xc0\xaf\"", "\"\xed\xa0\x80\"", "\"\xf4\x90\x80\x80\"", "\"\xe2\x82\"", "\xff\xfe1\x00",
	// arrays
	`[`, `]`, `[1`, `[1,`, `[,]`, `[1,]`, `[,1]`, `[1,,2]`, `[1 2]`, `[1;2]`, `[1:2]`, `[1}`, `[[]`, `[""`, `["a",`, `(1)`,
	// objects
	`{`, `}`, `{"a"`, `{"a":`, `{"a":1`, `{"a":1,`, `{"a":1,}`, `{,}`, `{"a"}`, `{"a",1}`, `{"a" 1}`, `{a:1}`, `{'a':1}`, `{1:1}`, `{null:1}`,
	`{"a":1 "b":2}`, `{"a":1;"b":2}`, `{"a"::1}`, `{:1}`, `{"a":}`, `{"a":1]`, `{[]:1}`, `{"a":1,,"b":2}`, "{\"\xff\":1}", `{"\ud800":1}`,
	`{"a":1,"a":1}`, `{"a":1,"\u0061":2}`, `[{"b":{"a":1,"a":2}}]`, `{"":1,"":2}`,
	// comments
	`/**/1`, `1/**/`, `//x` + "\n1", `#x` + "\n1", `[1/*,*/]`, `<!-- -->`,
}

// Free are documents about which RFC 8259 leaves the choice, or which some readers cannot
// represent: they must do no harm, and give the same each time.
var Free = []string{
	"\uFEFF1", "\uFEFF{}", `1e400`, `-1e400`, `1e-400`, `123456789012345678901234567890`, `0.1234567890123456789012345678901`,
	`-1e99999999999999999999`, `1` + strings.Repeat("0", 400), strings.Repeat("[", 5000) + strings.Repeat("]", 5000),
	strings.Repeat("[", 5000), strings.Repeat(`{"a":`, 5000) + `1` + strings.Repeat("}", 5000), strings.Repeat(`{"a":`, 5000),
	strings.Repeat(`[{"a":`, 3000), "\"\ufdd0\"",
}
