package fileconn_test

import (
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/millrace-go/millrace/connector"
	"github.com/millrace-go/millrace/connector/fileconn"
	"github.com/millrace-go/millrace/transform"
)

// lineCount is enough lines that a reader has not read the file to its end after the
// first of them.
const lineCount = 20_000

// aged makes a file that was written an hour ago.
func aged(t testing.TB, name, text string) string {
	t.Helper()
	path := put(t, name, text)
	age(t, path)

	return path
}

func age(t testing.TB, path string) {
	t.Helper()
	past := time.Now().Add(-time.Hour)
	if err := os.Chtimes(path, past, past); err != nil {
		t.Fatal(err)
	}
}

// numbered returns the lines from one number to before another.
func numbered(from, to int) string {
	var text strings.Builder
	for i := from; i < to; i++ {
		fmt.Fprintf(&text, "line %06d\n", i)
	}

	return text.String()
}

// meanwhile reads one message, lets something happen, and reads to the end.
func meanwhile[T any](t testing.TB, source connector.Source[T], happen func()) ([]T, error) {
	t.Helper()
	reader, err := source.Open(t.Context())
	if err != nil {
		t.Fatal(err)
	}
	defer func() {
		if err := reader.Close(); err != nil {
			t.Error(err)
		}
	}()
	messages, err := reader.Read(t.Context(), 1)
	if err != nil || len(messages) != 1 {
		t.Fatalf("the first Read: %d messages, %v", len(messages), err)
	}
	values := []T{messages[0].Value}
	happen()
	for {
		messages, err := reader.Read(t.Context(), 100)
		for _, m := range messages {
			values = append(values, m.Value)
		}
		if err != nil {
			return values, err
		}
	}
}

func do(t testing.TB, errs ...error) {
	t.Helper()
	if err := errors.Join(errs...); err != nil {
		t.Fatal(err)
	}
}

func appendTo(path, text string) error {
	f, err := os.OpenFile(path, os.O_APPEND|os.O_WRONLY, 0o600)
	if err != nil {
		return err
	}
	_, err = f.WriteString(text)

	return errors.Join(err, f.Close())
}

// TestFileConsumerChanges restates what is known of consumers of files from other
// products: what happens to a file while it is read. The rule is that nothing which was
// read after a change is handed out, and that the pipeline hears of it.
func TestFileConsumerChanges(t *testing.T) {
	long := numbered(0, lineCount)
	size := int64(len(long))
	tests := []struct {
		name   string
		text   string // long, if empty
		happen func(t *testing.T, path string)
		change fileconn.Change
		is     int64
		class  connector.Class
		// all says that every line of the file that was opened is handed out; otherwise
		// it is a part of them, whole and in order.
		all bool
	}{
		{
			name:   "its writer goes on in the middle of the last line",
			text:   "line 000000\nline 000001\nline 0000",
			happen: func(t *testing.T, path string) { do(t, appendTo(path, "02\n")) },
			change: fileconn.Grew, is: 36, class: connector.ClassTransient,
		},
		{
			name:   "its writer adds a whole line",
			text:   "line 000000\nline 000001\n",
			happen: func(t *testing.T, path string) { do(t, appendTo(path, "line 000002\n")) },
			change: fileconn.Grew, is: 36, class: connector.ClassTransient, all: true,
		},
		{
			name:   "it grows by one byte long before its end",
			happen: func(t *testing.T, path string) { do(t, appendTo(path, "l")) },
			change: fileconn.Grew, is: size + 1, class: connector.ClassTransient,
		},
		{
			name:   "it is emptied, as copying log rotators do",
			happen: func(t *testing.T, path string) { do(t, os.Truncate(path, 0)) },
			change: fileconn.Shrank, is: 0, class: connector.ClassPermanent,
		},
		{
			name:   "it is cut by one byte",
			happen: func(t *testing.T, path string) { do(t, os.Truncate(path, size-1)) },
			change: fileconn.Shrank, is: size - 1, class: connector.ClassPermanent,
		},
		{
			name:   "it is cut inside its last line when that was read already",
			text:   "line 000000\nline 000001\n",
			happen: func(t *testing.T, path string) { do(t, os.Truncate(path, 20)) },
			change: fileconn.Shrank, is: 20, class: connector.ClassPermanent, all: true,
		},
		{
			name: "it is emptied and is longer than before at once",
			happen: func(t *testing.T, path string) {
				do(t, os.WriteFile(path, []byte(strings.ReplaceAll(long, "line", "other")), 0o600))
			},
			change: fileconn.Grew, is: size + lineCount, class: connector.ClassTransient,
		},
		{
			name: "it is written anew with the same length",
			happen: func(t *testing.T, path string) {
				do(t, os.WriteFile(path, []byte(strings.ReplaceAll(long, "line", "LINE")), 0o600))
			},
			change: fileconn.Rewritten, is: size, class: connector.ClassPermanent,
		},
		{
			name:   "another file is renamed over it",
			happen: func(t *testing.T, path string) { do(t, os.Rename(aged(t, "new", long), path)) },
			change: fileconn.Replaced, is: size, class: connector.ClassTransient, all: true,
		},
		{
			name: "it is moved away and begun anew, as log rotators do",
			happen: func(t *testing.T, path string) {
				do(t, os.Rename(path, path+".1"), os.WriteFile(path, nil, 0o600))
			},
			change: fileconn.Replaced, is: size, class: connector.ClassTransient, all: true,
		},
		{
			name:   "it is removed",
			happen: func(t *testing.T, path string) { do(t, os.Remove(path)) },
			change: fileconn.Removed, is: size, class: connector.ClassPermanent, all: true,
		},
		{
			name:   "it is moved away",
			happen: func(t *testing.T, path string) { do(t, os.Rename(path, path+".done")) },
			change: fileconn.Removed, is: size, class: connector.ClassPermanent, all: true,
		},
		{
			name:   "its directory is removed",
			happen: func(t *testing.T, path string) { do(t, os.RemoveAll(filepath.Dir(path))) },
			change: fileconn.Removed, is: size, class: connector.ClassPermanent, all: true,
		},
	}
	for _, test := range tests {
		t.Run(test.name, func(t *testing.T) {
			text := test.text
			if text == "" {
				text = long
			}
			path := aged(t, "x.txt", text)
			got, err := meanwhile(t, plainLines(t, path), func() { test.happen(t, path) })
			changed, ok := errors.AsType[*fileconn.ChangedError](err)
			if !ok {
				t.Fatalf("%d lines, %v; want a *ChangedError", len(got), err)
			}
			if changed.Path != path || changed.Change != test.change || changed.Is != test.is || changed.Was != int64(len(text)) {
				t.Errorf("%+v", changed)
			}
			if class := connector.ClassOf(err); class != test.class {
				t.Errorf("class %v, want %v", class, test.class)
			}
			for _, want := range []string{path, fmt.Sprint("at byte ", changed.Byte, ","), "; "} {
				if !strings.Contains(err.Error(), want) {
					t.Errorf("the error does not say %q: %v", want, err)
				}
			}
			wholeLines(t, got, strings.SplitAfter(strings.TrimSuffix(text, "\n"), "\n"), test.all)
		})
	}
}

// wholeLines checks that the values are lines of the text, from the first on.
func wholeLines(t *testing.T, got, lines []string, all bool) {
	t.Helper()
	if len(got) > len(lines) || all != (len(got) == len(lines)) {
		t.Fatalf("%d of %d lines; all: %t", len(got), len(lines), all)
	}
	for i, value := range got {
		if value != strings.TrimSuffix(lines[i], "\n") {
			t.Fatalf("line %d is %q", i, value)
		}
	}
}

func plainLines(t testing.TB, paths ...string) *fileconn.Source[string] {
	t.Helper()
	source, err := fileconn.Lines(fileconn.SourceConfig{Paths: paths}, transform.LinesConfig{})
	if err != nil {
		t.Fatal(err)
	}

	return source
}

// A symbolic link that is turned to another file is a change as well.
func TestFileConsumerLinkTurned(t *testing.T) {
	text := numbered(0, lineCount)
	first, second := aged(t, "first", text), aged(t, "second", text)
	link := filepath.Join(t.TempDir(), "current")
	do(t, os.Symlink(first, link))
	got, err := meanwhile(t, plainLines(t, link), func() { do(t, os.Remove(link), os.Symlink(second, link)) })
	if e, ok := errors.AsType[*fileconn.ChangedError](err); !ok || e.Change != fileconn.Replaced || len(got) != lineCount {
		t.Errorf("%d lines, %v", len(got), err)
	}
}

// What happens to a file before its turn is seen when it is opened.
func TestFileConsumerBeforeItsTurn(t *testing.T) {
	tests := []struct {
		name   string
		happen func(t *testing.T, path string)
		lines  int // of the second file
		says   string
	}{
		{
			name: "it is renamed into place",
			happen: func(t *testing.T, path string) {
				do(t, os.Rename(put(t, "new", numbered(1, 3)), path))
			},
			lines: 2,
		},
		{
			name:   "its writer ends",
			happen: func(t *testing.T, path string) { do(t, appendTo(path, "line 000002\n")) },
			lines:  2,
		},
		{
			name:   "it vanishes between the look at it and its opening",
			happen: func(t *testing.T, path string) { do(t, os.Remove(path)) },
			says:   "no such file",
		},
		{
			name:   "it cannot be read",
			happen: func(t *testing.T, path string) { do(t, os.Remove(path), os.Symlink(path, path)) },
			says:   "too many levels of symbolic links",
		},
		{
			name:   "a directory takes its place",
			happen: func(t *testing.T, path string) { do(t, os.Remove(path), os.Mkdir(path, 0o700)) },
			says:   "it is a directory; name the files in it",
		},
		{
			name:   "a named pipe takes its place",
			happen: func(t *testing.T, path string) { do(t, os.Remove(path), makePipe(path)) },
			says:   "it is ", // a directory where there are no named pipes
		},
	}
	for _, test := range tests {
		t.Run(test.name, func(t *testing.T) {
			first, second := aged(t, "1.txt", numbered(0, lineCount)), aged(t, "2.txt", "line 000001\n")
			got, err := meanwhile(t, plainLines(t, first, second), func() { test.happen(t, second) })
			if len(got) != lineCount+test.lines {
				t.Errorf("%d lines, want %d", len(got), lineCount+test.lines)
			}
			if test.says == "" {
				test.says = "EOF"
			} else if !strings.Contains(err.Error(), second) || connector.ClassOf(err) != connector.ClassPermanent {
				t.Errorf("%v; want a permanent error that names %s", err, second)
			}
			if !strings.Contains(err.Error(), test.says) {
				t.Errorf("%v; want %q", err, test.says)
			}
		})
	}
}

// A file that was cut before it is read looks like any other, unless it must end with a
// line end.
func TestFileConsumerCutFile(t *testing.T) {
	const header = "name,count\n"
	tests := []struct {
		name, text string
		terminated bool
		counts     []int
		says       string
	}{
		{name: "cut inside of the last field, which nothing tells", text: header + "a,1\nb,12", counts: []int{1, 12}},
		{
			name: "cut inside of the last field", text: header + "a,1\nb,12", terminated: true, counts: []int{1},
			says: "byte 19: the file does not end with a line end",
		},
		{name: "cut before the last line end", text: header + "a,1\nb,123", terminated: true, counts: []int{1}, says: "byte 20: "},
		{name: "cut inside of a line end", text: header + "a,1\r\nb,123\r", terminated: true, counts: []int{1}, says: "byte 22: "},
		{name: "whole", text: header + "a,1\nb,123\n", terminated: true, counts: []int{1, 123}},
		{name: "whole, with CRLF", text: header + "a,1\r\nb,123\r\n", terminated: true, counts: []int{1, 123}},
		{name: "cut inside of the header", text: "name,count", terminated: true, says: "byte 10: "},
		{name: "empty", terminated: true, says: "the text is empty"},
	}
	for _, test := range tests {
		t.Run(test.name, func(t *testing.T) {
			path := put(t, "x.csv", test.text)
			source, err := fileconn.CSV[item](fileconn.SourceConfig{Paths: []string{path}, Terminated: test.terminated}, transform.CSVConfig{})
			do(t, err)
			got, err := drain(t, source, 100)
			var counts []int
			for _, m := range got {
				counts = append(counts, m.Value.Count)
			}
			if !slices.Equal(counts, test.counts) {
				t.Errorf("%v, want %v", counts, test.counts)
			}
			if test.says == "" {
				do(t, err)
			} else if err == nil || !strings.Contains(err.Error(), test.says) || !strings.Contains(err.Error(), path) ||
				connector.ClassOf(err) != connector.ClassPermanent {
				t.Errorf("%v; want %q", err, test.says)
			}
		})
	}
}

// Two readers of one source each read everything; what one does is nothing to the other.
func TestFileConsumerTwoReaders(t *testing.T) {
	source := plainLines(t, aged(t, "x.txt", numbered(0, lineCount)))
	got, err := meanwhile(t, source, func() {
		other, err := drain(t, source, 1000)
		if err != nil || len(other) != lineCount {
			t.Errorf("the other reader: %d lines, %v", len(other), err)
		}
	})
	if len(got) != lineCount || err.Error() != "EOF" {
		t.Errorf("%d lines, %v", len(got), err)
	}
}

// Files come in the order in which they are named, whatever their names and times.
func TestFileConsumerOrder(t *testing.T) {
	dir := t.TempDir()
	var paths []string
	for i, name := range []string{"b", "c", "a"} {
		path := filepath.Join(dir, name)
		do(t, os.WriteFile(path, []byte(name+"\n"), 0o600), os.Chtimes(path, time.Unix(int64(100-i), 0), time.Unix(int64(100-i), 0)))
		paths = append(paths, path)
	}
	got, err := drain(t, plainLines(t, paths...), 10)
	if err != nil || len(got) != 3 || got[0].Value != "b" || got[1].Value != "c" || got[2].Value != "a" {
		t.Errorf("%v %v", got, err)
	}
}
