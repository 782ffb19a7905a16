package fileconn_test

import (
	"fmt"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/millrace-go/millrace/connector"
	"github.com/millrace-go/millrace/connector/fileconn"
	"github.com/millrace-go/millrace/transform"
)

// crashed is one format with two records that were accepted, one that may be torn, and
// the record that the next sink writes.
type crashed struct {
	name, ext              string
	accepted, last, follow string
	next                   func(t *testing.T, config fileconn.SinkConfig)
}

func crashes() []crashed {
	follow := item{"after", 9}

	return []crashed{
		{
			name: "lines", ext: ".txt", accepted: "one\ntwo\n", last: "three\n", follow: "after\n",
			next: func(t *testing.T, config fileconn.SinkConfig) {
				t.Helper()
				sink := lineSink(t, config)
				write(t, sink, "after")
				closed(t, sink)
			},
		},
		{
			name: "ndjson", ext: ".ndjson", accepted: "{\"name\":\"a\"}\n{\"older\":[true]}\n", last: "{\"name\":\"b\",\"count\":12}\n",
			follow: "{\"name\":\"after\",\"count\":9}\n",
			next: func(t *testing.T, config fileconn.SinkConfig) {
				t.Helper()
				sink, err := fileconn.NewNDJSONSink[item](config, transform.NDJSONConfig{Strict: true})
				if err != nil {
					t.Fatal(err)
				}
				write(t, sink, follow)
				closed(t, sink)
			},
		},
		{
			name: "csv", ext: ".csv", accepted: "name,count\na,1\n\"b\n,\",x\n", last: "\"c\n\"\"d\"\"\n\",34\n", follow: "after,9\n",
			next: func(t *testing.T, config fileconn.SinkConfig) {
				t.Helper()
				sink, err := fileconn.NewCSVSink[item](config, transform.CSVConfig{})
				if err != nil {
					t.Fatal(err)
				}
				write(t, sink, follow)
				closed(t, sink)
			},
		},
	}
}

// The last record is torn at every byte. What was accepted stays, the torn record goes,
// and the next one follows at once.
func TestTornTail(t *testing.T) {
	for _, c := range crashes() {
		t.Run(c.name, func(t *testing.T) {
			for cut := range len(c.last) + 1 {
				torn := c.last[:cut]
				whole := ""
				if cut == len(c.last) {
					whole, torn = torn, ""
				}
				c.checkWholeFile(t, torn, whole)
				c.checkParts(t, torn, whole)
				c.checkAppend(t, torn, whole)
			}
		})
	}
}

func (c crashed) leave(t *testing.T, name, text string) string {
	t.Helper()
	dir := t.TempDir()
	if err := os.WriteFile(filepath.Join(dir, name), []byte(text), 0o600); err != nil {
		t.Fatal(err)
	}

	return filepath.Join(dir, "out"+c.ext)
}

func (c crashed) header() string { return map[string]string{".csv": "name,count\n"}[c.ext] }

func (c crashed) checkWholeFile(t *testing.T, torn, whole string) {
	t.Helper()
	path := c.leave(t, ".out"+c.ext+".tmp", c.accepted+whole+torn)
	c.next(t, fileconn.SinkConfig{Path: path})
	wantTree(t, path, files{"out" + c.ext: c.accepted + whole + c.follow})
}

func (c crashed) checkParts(t *testing.T, torn, whole string) {
	t.Helper()
	path := c.leave(t, ".out.part-000007"+c.ext+".tmp", c.accepted+whole+torn)
	c.next(t, fileconn.SinkConfig{Path: path, Mode: fileconn.Parts})
	wantTree(t, path, files{
		"out.part-000007" + c.ext: c.accepted + whole,
		"out.part-000008" + c.ext: c.header() + c.follow,
	})
}

func (c crashed) checkAppend(t *testing.T, torn, whole string) {
	t.Helper()
	path := c.leave(t, "out"+c.ext, c.accepted+whole+torn)
	c.next(t, fileconn.SinkConfig{Path: path, Mode: fileconn.Append})
	want := files{"out" + c.ext: c.accepted + whole + c.follow}
	if torn != "" {
		want["out"+c.ext+".torn"] = torn
	}
	wantTree(t, path, want)
}

// A crash may tear the header itself.
func TestTornHeader(t *testing.T) {
	c := crashes()[2]
	header := c.header()
	for cut := range len(header) {
		path := c.leave(t, ".out.csv.tmp", header[:cut])
		c.next(t, fileconn.SinkConfig{Path: path})
		wantTree(t, path, files{"out.csv": header + c.follow})
		path = c.leave(t, ".out.part-000001.csv.tmp", header[:cut])
		c.next(t, fileconn.SinkConfig{Path: path, Mode: fileconn.Parts})
		wantTree(t, path, files{"out.part-000002.csv": header + c.follow})
	}
}

// A garbled end that has its line ends is cut off as well.
func TestGarbledTail(t *testing.T) {
	c := crashes()[1]
	path := c.leave(t, "out.ndjson", c.accepted+"{\"na\x00\x00\n\x00\x00\n")
	c.next(t, fileconn.SinkConfig{Path: path, Mode: fileconn.Append})
	wantTree(t, path, files{"out.ndjson": c.accepted + c.follow, "out.ndjson.torn": "{\"na\x00\x00\n\x00\x00\n"})
}

// What an earlier sink left is completed even when no record comes.
func TestLeftoversAreCompletedAtFlush(t *testing.T) {
	for mode, names := range map[fileconn.Mode][2]string{
		fileconn.WholeFile: {".out.txt.tmp", "out.txt"},
		fileconn.Parts:     {".out.part-000002.txt.tmp", "out.part-000002.txt"},
	} {
		path := crashed{ext: ".txt"}.leave(t, names[0], "a\nb\ntor")
		sink := lineSink(t, fileconn.SinkConfig{Path: path, Mode: mode})
		if err := sink.Flush(t.Context()); err != nil {
			t.Fatal(err)
		}
		closed(t, sink)
		wantTree(t, path, files{names[1]: "a\nb\n"})
	}
}

// Files of a like name are left alone.
func TestOtherFilesAreLeftAlone(t *testing.T) {
	path := target(t)
	others := files{
		"out.part-1.txt": "x", "out.part-000009.csv": "x", ".out.part-x.txt.tmp": "x", "other.part-000009.txt": "x",
		".other.part-000009.txt.tmp": "x", "out.part-000004.txt": "x",
	}
	for name, text := range others {
		if err := os.WriteFile(filepath.Join(filepath.Dir(path), name), []byte(text), 0o600); err != nil {
			t.Fatal(err)
		}
	}
	sink := lineSink(t, fileconn.SinkConfig{Path: path, Mode: fileconn.Parts})
	write(t, sink, "a")
	closed(t, sink)
	others["out.part-000005.txt"] = "a\n"
	wantTree(t, path, others)
}

func TestAppendToForeignFiles(t *testing.T) {
	c := crashes()[2]
	for name, test := range map[string]struct{ text, want, fails string }{
		"mark and CRLF":      {text: "\uFEFFname,count\r\na,1\r\n", want: "\uFEFFname,count\r\na,1\r\n" + c.follow},
		"mark, header alone": {text: "\uFEFFname,count\r\n", want: "\uFEFFname,count\r\n" + c.follow},
		"bad row inside":     {text: "name,count\na\nb,2\n", want: "name,count\na\nb,2\n" + c.follow},
		"other header":       {text: "name,number\na,1\n", fails: "has another header"},
		"longer header":      {text: "name,count,more\n", fails: "has another header"},
	} {
		t.Run(name, func(t *testing.T) {
			path := c.leave(t, "out.csv", test.text)
			sink, err := fileconn.NewCSVSink[item](fileconn.SinkConfig{Path: path, Mode: fileconn.Append}, transform.CSVConfig{})
			if test.fails != "" {
				if err == nil || !strings.Contains(err.Error(), test.fails) || connector.ClassOf(err) != connector.ClassPermanent ||
					!strings.Contains(err.Error(), path) {
					t.Errorf("%v; want %s", err, test.fails)
				}
				wantTree(t, path, files{"out.csv": test.text})

				return
			}
			if err != nil {
				t.Fatal(err)
			}
			write(t, sink, item{"after", 9})
			closed(t, sink)
			wantTree(t, path, files{"out.csv": test.want})
		})
	}
}

// Making a sink repairs the file, before there is anything to write.
func TestAppendRepairsWhenMade(t *testing.T) {
	path := crashed{ext: ".txt"}.leave(t, "out.txt", "one\ntw")
	sink := lineSink(t, fileconn.SinkConfig{Path: path, Mode: fileconn.Append})
	wantTree(t, path, files{"out.txt": "one\n", "out.txt.torn": "tw"})
	write(t, sink, "three")
	wantTree(t, path, files{"out.txt": "one\nthree\n", "out.txt.torn": "tw"})
	// It does not touch what another sink has, torn as it may look in the middle of a Write.
	if err := os.WriteFile(path, []byte("one\nthr"), 0o600); err != nil {
		t.Fatal(err)
	}
	second := lineSink(t, fileconn.SinkConfig{Path: path, Mode: fileconn.Append})
	wantTree(t, path, files{"out.txt": "one\nthr", "out.txt.torn": "tw"})
	closed(t, sink)
	// What changed after it was made, the first Write repairs.
	write(t, second, "four")
	closed(t, second)
	wantTree(t, path, files{"out.txt": "one\nfour\n", "out.txt.torn": "twthr"})
}

// A file that was whole when the sink was made, and is not at the first Write.
func TestAppendRepairsWhatChanged(t *testing.T) {
	path := crashed{ext: ".txt"}.leave(t, "out.txt", "one\n")
	sink := lineSink(t, fileconn.SinkConfig{Path: path, Mode: fileconn.Append})
	if err := os.WriteFile(path, []byte("one\ntw"), 0o600); err != nil {
		t.Fatal(err)
	}
	write(t, sink, "three")
	closed(t, sink)
	wantTree(t, path, files{"out.txt": "one\nthree\n", "out.txt.torn": "tw"})
}

// Of a large file of lines, the end alone is looked at.
func TestLongFileTail(t *testing.T) {
	line := strings.Repeat("x", 99) + "\n"
	text := strings.Repeat(line, 50_000)
	path := crashed{ext: ".txt"}.leave(t, "out.txt", text+"torn")
	sink := lineSink(t, fileconn.SinkConfig{Path: path, Mode: fileconn.Append})
	write(t, sink, "end")
	closed(t, sink)
	got := tree(t, path)
	if got["out.txt"] != text+"end\n" || got["out.txt.torn"] != "torn" {
		t.Error(fmt.Sprint(len(got["out.txt"]), got["out.txt.torn"]))
	}
}
