package fileconn_test

import (
	"context"
	"errors"
	"fmt"
	"io/fs"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"sync"
	"testing"
	"testing/synctest"
	"time"

	"github.com/millrace-go/millrace/connector"
	"github.com/millrace-go/millrace/connector/fileconn"
	"github.com/millrace-go/millrace/transform"
)

func lineSink(t testing.TB, config fileconn.SinkConfig) *fileconn.Sink[string] {
	t.Helper()
	sink, err := fileconn.NewLinesSink(config, transform.LinesConfig{MaxLine: 100})
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = sink.Close() }) // most tests have closed it and looked at the error

	return sink
}

func messages[T any](values ...T) []connector.Message[T] {
	list := make([]connector.Message[T], len(values))
	for i, value := range values {
		list[i] = connector.NewMessage(value, connector.Fields{})
	}

	return list
}

func write[T any](t testing.TB, sink *fileconn.Sink[T], values ...T) {
	t.Helper()
	if err := sink.Write(t.Context(), messages(values...)); err != nil {
		t.Fatal(err)
	}
}

func closed[T any](t testing.TB, sink *fileconn.Sink[T]) {
	t.Helper()
	if err := sink.Close(); err != nil {
		t.Fatal(err)
	}
}

// tree returns the files beside a path and what is in them, but for the lock.
func tree(t testing.TB, path string) map[string]string {
	t.Helper()
	files := map[string]string{}
	entries, err := os.ReadDir(filepath.Dir(path))
	if err != nil {
		t.Fatal(err)
	}
	for _, entry := range entries {
		if strings.HasSuffix(entry.Name(), ".lock") {
			continue
		}
		text, err := os.ReadFile(filepath.Join(filepath.Dir(path), entry.Name()))
		if err != nil {
			t.Fatal(err)
		}
		files[entry.Name()] = string(text)
	}

	return files
}

func wantTree(t testing.TB, path string, want map[string]string) {
	t.Helper()
	if got := tree(t, path); fmt.Sprint(got) != fmt.Sprint(want) {
		t.Errorf("files are\n%q\nwant\n%q", got, want)
	}
}

type files = map[string]string

func target(t testing.TB) string { return filepath.Join(t.TempDir(), "out.txt") }

func TestWholeFileAppearsAtFlush(t *testing.T) {
	path := target(t)
	sink := lineSink(t, fileconn.SinkConfig{Path: path})
	write(t, sink, "a", "b")
	wantTree(t, path, files{".out.txt.tmp": "a\nb\n"})
	if err := sink.Flush(t.Context()); err != nil {
		t.Fatal(err)
	}
	wantTree(t, path, files{"out.txt": "a\nb\n"})
	if err := sink.Write(t.Context(), messages("c")); !errors.Is(err, fs.ErrExist) || connector.ClassOf(err) != connector.ClassPermanent {
		t.Errorf("a second file over the first: %v", err)
	}
	closed(t, sink)
	wantTree(t, path, files{"out.txt": "a\nb\n"})
}

func TestWholeFileOverwrite(t *testing.T) {
	path := target(t)
	for _, text := range []string{"a", "b"} {
		sink := lineSink(t, fileconn.SinkConfig{Path: path, Overwrite: true})
		write(t, sink, text)
		closed(t, sink)
		wantTree(t, path, files{"out.txt": text + "\n"})
	}
}

func TestWholeFileKeepsARival(t *testing.T) {
	path := target(t)
	sink := lineSink(t, fileconn.SinkConfig{Path: path})
	write(t, sink, "ours")
	if err := os.WriteFile(path, []byte("theirs"), 0o600); err != nil {
		t.Fatal(err)
	}
	if err := sink.Flush(t.Context()); err == nil || !strings.Contains(err.Error(), "exists already") {
		t.Errorf("flush: %v", err)
	}
	wantTree(t, path, files{"out.txt": "theirs", ".out.txt.tmp": "ours\n"})
	if err := os.Remove(path); err != nil {
		t.Fatal(err)
	}
	closed(t, sink)
	wantTree(t, path, files{"out.txt": "ours\n"})
}

func TestNoRecordsLeaveNoFile(t *testing.T) {
	for _, config := range []fileconn.SinkConfig{{}, {Mode: fileconn.Parts}, {Mode: fileconn.Append}} {
		config.Path = target(t)
		sink := lineSink(t, config)
		if err := errors.Join(sink.Flush(t.Context()), sink.Write(t.Context(), nil), sink.Flush(t.Context())); err != nil {
			t.Error(err)
		}
		closed(t, sink)
		wantTree(t, config.Path, files{})
	}
}

func TestPartsByCount(t *testing.T) {
	path := target(t)
	sink := lineSink(t, fileconn.SinkConfig{Path: path, Mode: fileconn.Parts, PartRecords: 2})
	write(t, sink, "a", "b", "c", "d", "e")
	want := files{"out.part-000001.txt": "a\nb\n", "out.part-000002.txt": "c\nd\n", ".out.part-000003.txt.tmp": "e\n"}
	wantTree(t, path, want)
	write(t, sink, "f")
	closed(t, sink)
	delete(want, ".out.part-000003.txt.tmp")
	want["out.part-000003.txt"] = "e\nf\n"
	wantTree(t, path, want)
	again := lineSink(t, fileconn.SinkConfig{Path: path, Mode: fileconn.Parts, PartRecords: 2})
	write(t, again, "g")
	closed(t, again)
	want["out.part-000004.txt"] = "g\n"
	wantTree(t, path, want)
}

func TestPartsByBytes(t *testing.T) {
	path := target(t)
	sink := lineSink(t, fileconn.SinkConfig{Path: path, Mode: fileconn.Parts, PartBytes: 6})
	write(t, sink, "ab", "cd", "e", "longer than a part", "f")
	closed(t, sink)
	wantTree(t, path, files{
		"out.part-000001.txt": "ab\ncd\n", "out.part-000002.txt": "e\n",
		"out.part-000003.txt": "longer than a part\n", "out.part-000004.txt": "f\n",
	})
	over := target(t)
	sink = lineSink(t, fileconn.SinkConfig{Path: over, Mode: fileconn.Parts, PartBytes: 6})
	write(t, sink, "ab", "cde") // one byte more than a part
	closed(t, sink)
	wantTree(t, over, files{"out.part-000001.txt": "ab\n", "out.part-000002.txt": "cde\n"})
}

func TestPartsByAge(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		path := target(t)
		sink := lineSink(t, fileconn.SinkConfig{Path: path, Mode: fileconn.Parts, PartAge: time.Minute})
		write(t, sink, "a")
		time.Sleep(59 * time.Second)
		write(t, sink, "b")
		wantTree(t, path, files{".out.part-000001.txt.tmp": "a\nb\n"})
		time.Sleep(time.Second)
		synctest.Wait()
		wantTree(t, path, files{"out.part-000001.txt": "a\nb\n"})
		time.Sleep(time.Hour)
		write(t, sink, "c")
		time.Sleep(59 * time.Second)
		wantTree(t, path, files{"out.part-000001.txt": "a\nb\n", ".out.part-000002.txt.tmp": "c\n"})
		closed(t, sink)
		wantTree(t, path, files{"out.part-000001.txt": "a\nb\n", "out.part-000002.txt": "c\n"})
	})
}

// The rename of a part by age fails; the records stay, and the next call tries again.
func TestPartsByAgeRenameFails(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		path := target(t)
		sink := lineSink(t, fileconn.SinkConfig{Path: path, Mode: fileconn.Parts, PartAge: time.Minute})
		var broken error = errors.New("no rename")
		sink.Inject(&fileconn.Faults{Rename: func() error { return broken }})
		write(t, sink, "a")
		time.Sleep(time.Minute)
		synctest.Wait()
		if err := sink.Write(t.Context(), messages("b")); !errors.Is(err, broken) {
			t.Errorf("write: %v; want the rename's error", err)
		}
		wantTree(t, path, files{".out.part-000001.txt.tmp": "a\n"})
		broken = nil
		write(t, sink, "b")
		closed(t, sink)
		wantTree(t, path, files{"out.part-000001.txt": "a\n", "out.part-000002.txt": "b\n"})
	})
}

func TestAppend(t *testing.T) {
	path := target(t)
	for _, text := range []string{"a", "b"} {
		sink := lineSink(t, fileconn.SinkConfig{Path: path, Mode: fileconn.Append})
		write(t, sink, "1 "+text)
		if err := sink.Flush(t.Context()); err != nil {
			t.Error(err)
		}
		write(t, sink, "2 "+text)
		closed(t, sink)
	}
	wantTree(t, path, files{"out.txt": "1 a\n2 a\n1 b\n2 b\n"})
}

func TestAppendAfterTheFileWasMoved(t *testing.T) {
	path := target(t)
	sink := lineSink(t, fileconn.SinkConfig{Path: path, Mode: fileconn.Append})
	write(t, sink, "a")
	if err := os.Rename(path, path+".1"); err != nil {
		t.Fatal(err)
	}
	write(t, sink, "b")
	closed(t, sink)
	wantTree(t, path, files{"out.txt.1": "a\n", "out.txt": "b\n"})
}

func TestTemporaryFileRemoved(t *testing.T) {
	path := target(t)
	sink := lineSink(t, fileconn.SinkConfig{Path: path})
	write(t, sink, "a")
	if err := os.Remove(filepath.Join(filepath.Dir(path), ".out.txt.tmp")); err != nil {
		t.Fatal(err)
	}
	for range 2 {
		if err := sink.Write(t.Context(), messages("b")); err == nil || connector.ClassOf(err) != connector.ClassPermanent {
			t.Errorf("write into a removed file: %v", err)
		}
	}
}

// A value that cannot be encoded fails alone.
func TestUnencodableValue(t *testing.T) {
	path := target(t)
	sink := lineSink(t, fileconn.SinkConfig{Path: path, Mode: fileconn.Parts, PartRecords: 2})
	err := sink.Write(t.Context(), messages("x\ny", "a", "b", "\xff", "c"))
	partial, ok := errors.AsType[*connector.PartialError](err)
	if !ok {
		t.Fatalf("%v; want a PartialError", err)
	}
	var fates []connector.Fate
	for _, m := range partial.Members {
		fates = append(fates, m.Fate)
		if (m.Err == nil) != (m.Fate == connector.Accepted) {
			t.Errorf("%v with %v", m.Fate, m.Err)
		}
	}
	want := []connector.Fate{connector.Failed, connector.Accepted, connector.Accepted, connector.Failed, connector.Accepted}
	if !slices.Equal(fates, want) || connector.ClassOf(err) != connector.ClassPermanent {
		t.Errorf("%v, %v", fates, err)
	}
	closed(t, sink)
	wantTree(t, path, files{"out.part-000001.txt": "a\nb\n", "out.part-000002.txt": "c\n"})
}

func TestOneSinkForAPath(t *testing.T) {
	path := target(t)
	first, second := lineSink(t, fileconn.SinkConfig{Path: path}), lineSink(t, fileconn.SinkConfig{Path: path})
	write(t, first, "a")
	err := second.Write(t.Context(), messages("b"))
	if err == nil || !strings.Contains(err.Error(), "another sink") || connector.ClassOf(err) != connector.ClassPermanent {
		t.Errorf("%v", err)
	}
	closed(t, first)
	if err := os.Remove(path); err != nil {
		t.Fatal(err)
	}
	write(t, second, "b")
	closed(t, second)
	wantTree(t, path, files{"out.txt": "b\n"})
}

func TestClosedSink(t *testing.T) {
	sink := lineSink(t, fileconn.SinkConfig{Path: target(t)})
	write(t, sink, "a")
	closed(t, sink)
	closed(t, sink)
	for _, err := range []error{sink.Write(t.Context(), messages("b")), sink.Flush(t.Context())} {
		if !errors.Is(err, connector.ErrClosed) {
			t.Errorf("%v; want ErrClosed", err)
		}
	}
}

func TestWriteObservesContext(t *testing.T) {
	path := target(t)
	sink := lineSink(t, fileconn.SinkConfig{Path: path})
	ctx, cancel := context.WithCancel(t.Context())
	cancel()
	if err := sink.Write(ctx, messages("a")); !errors.Is(err, context.Canceled) {
		t.Errorf("%v", err)
	}
	wantTree(t, path, files{})
}

func TestConcurrentWrites(t *testing.T) {
	path := target(t)
	sink := lineSink(t, fileconn.SinkConfig{Path: path, Mode: fileconn.Parts, PartRecords: 7})
	var group sync.WaitGroup
	for i := range 4 {
		group.Go(func() {
			for j := range 10 {
				if err := sink.Write(t.Context(), messages(fmt.Sprint(i, j, "a"), fmt.Sprint(i, j, "b"))); err != nil {
					t.Error(err)
				}
			}
		})
	}
	group.Wait()
	closed(t, sink)
	lines := 0
	for _, text := range tree(t, path) {
		lines += strings.Count(text, "\n")
	}
	if lines != 80 {
		t.Errorf("%d lines", lines)
	}
}

func TestSinkFailsToOpen(t *testing.T) {
	device := target(t)
	if err := os.Symlink(os.DevNull, device); err != nil {
		t.Fatal(err)
	}
	for _, path := range []string{filepath.Join(t.TempDir(), "absent", "x"), t.TempDir(), device} {
		sink, err := fileconn.NewLinesSink(fileconn.SinkConfig{Path: path, Mode: fileconn.Append}, transform.LinesConfig{})
		if err == nil { // the directory may come
			err = sink.Write(t.Context(), messages("a"))
		}
		if err == nil || connector.ClassOf(err) != connector.ClassPermanent || !strings.Contains(err.Error(), path) {
			t.Errorf("%s: %v", path, err)
		}
	}
	sink := lineSink(t, fileconn.SinkConfig{Path: filepath.Join(t.TempDir(), "absent", "x")})
	if err := sink.CheckHealth(t.Context()); err == nil {
		t.Error("healthy without a directory")
	}
}

func TestSinkConfig(t *testing.T) {
	bad := fileconn.SinkConfig{Mode: fileconn.Append, Overwrite: true, PartRecords: -1, PartAge: time.Second}
	_, err := fileconn.NewCSVSink[item](bad, transform.CSVConfig{MaxField: -1})
	for _, want := range []string{"Path is empty", "Overwrite is for", "none may be negative", "are for Parts", "MaxField"} {
		if err == nil || !strings.Contains(err.Error(), want) {
			t.Errorf("error does not say %q: %v", want, err)
		}
	}
	if _, err := fileconn.NewLinesSink(fileconn.SinkConfig{Path: "x", Mode: 9}, transform.LinesConfig{}); err == nil {
		t.Error("mode 9")
	}
	sink := lineSink(t, fileconn.SinkConfig{Path: "dir/../out.txt"})
	if caps := sink.Describe(); caps != (connector.Capabilities{Name: "lines out.txt", Durable: true}) {
		t.Errorf("%+v", caps)
	}
}
