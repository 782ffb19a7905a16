package fileconn_test

import (
	"context"
	"errors"
	"fmt"
	"io"
	"maps"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"sync/atomic"
	"testing"
	"testing/synctest"
	"time"

	"github.com/millrace-go/millrace/connector"
	"github.com/millrace-go/millrace/connector/conntest"
	"github.com/millrace-go/millrace/connector/fileconn"
	"github.com/millrace-go/millrace/connector/memory"
	"github.com/millrace-go/millrace/transform"
)

func lineFormat(t testing.TB) *transform.Lines {
	t.Helper()
	format, err := transform.NewLines(transform.LinesConfig{})
	do(t, err)

	return format
}

func csvFormat(t testing.TB) *transform.CSV[item] {
	t.Helper()
	format, err := transform.NewCSV[item](transform.CSVConfig{})
	do(t, err)

	return format
}

// inbox is a folder with files, for tests that look at what becomes of them.
type inbox struct {
	t     testing.TB
	path  string
	dir   *fileconn.Dir
	store connector.Store
}

func newInbox(t testing.TB, files map[string]string) *inbox {
	t.Helper()
	path := t.TempDir()
	dir, err := fileconn.OpenDir(path)
	do(t, err)
	t.Cleanup(func() { do(t, dir.Close()) })
	in := &inbox{t: t, path: path, dir: dir, store: memory.NewStore()}
	for _, name := range slices.Sorted(maps.Keys(files)) {
		in.put(name, files[name])
	}

	return in
}

func (in *inbox) put(name, text string) {
	in.t.Helper()
	do(in.t, os.WriteFile(filepath.Join(in.path, name), []byte(text), 0o600))
}

// tree lists what is in the folder and below, with its text.
func (in *inbox) tree() map[string]string {
	in.t.Helper()
	files := make(map[string]string)
	err := filepath.WalkDir(in.path, func(path string, entry os.DirEntry, err error) error {
		if err != nil || !entry.Type().IsRegular() {
			return err
		}
		text, err := os.ReadFile(path)
		name, _ := filepath.Rel(in.path, path)
		files[filepath.ToSlash(name)] = string(text)

		return err
	})
	do(in.t, err)

	return files
}

func (in *inbox) lines(config fileconn.FolderConfig) *fileconn.FolderSource[string] {
	in.t.Helper()
	config.Store = in.store
	source, err := fileconn.Folder(in.dir, lineFormat(in.t), config)
	do(in.t, err)

	return source
}

func (in *inbox) rows(config fileconn.FolderConfig) *fileconn.FolderSource[transform.Row[item]] {
	in.t.Helper()
	config.Store = in.store
	source, err := fileconn.FolderRows(in.dir, csvFormat(in.t), config)
	do(in.t, err)

	return source
}

// session is an open reader and what it gave.
type session[T any] struct {
	t        testing.TB
	reader   connector.Reader[T]
	messages []connector.Message[T]
}

func opened[T any](t testing.TB, source connector.Source[T]) *session[T] {
	t.Helper()
	reader, err := source.Open(t.Context())
	do(t, err)

	return &session[T]{t: t, reader: reader}
}

func (s *session[T]) read(most int) error {
	s.t.Helper()
	messages, err := s.reader.Read(s.t.Context(), most)
	s.messages = append(s.messages, messages...)

	return err
}

// settle reports the first n messages that it has not reported yet.
func (s *session[T]) settle(outcome connector.Outcome, n int) error {
	var settlements []connector.Settlement
	for _, m := range s.messages[:n] {
		settlements = append(settlements, connector.Settlement{Position: m.Position(), Outcome: outcome})
	}
	s.messages = s.messages[n:]

	return s.reader.Settle(s.t.Context(), settlements)
}

func (s *session[T]) close() {
	s.t.Helper()
	do(s.t, s.reader.Close())
}

// consume reads a source to its end, settles everything, and returns the values.
func consume[T any](t testing.TB, source connector.Source[T]) ([]T, error) {
	t.Helper()
	s := opened(t, source)
	defer s.close()
	var values []T
	for {
		err := s.read(3)
		for _, m := range s.messages {
			values = append(values, m.Value)
		}
		do(t, s.settle(connector.Delivered, len(s.messages)))
		if errors.Is(err, io.EOF) {
			return values, nil
		}
		if err != nil {
			return values, err
		}
	}
}

func TestFolderConformance(t *testing.T) {
	for _, endless := range []bool{false, true} {
		t.Run(fmt.Sprint("endless ", endless), func(t *testing.T) {
			conntest.TestSource(t, conntest.SourceHarness[string]{
				New: func(t testing.TB, values []string) connector.Source[string] {
					in := newInbox(t, nil)
					for i := 0; i < len(values); i += 2 { // two lines in each file
						in.put(fmt.Sprintf("%06d.txt", i), strings.Join(values[i:min(i+2, len(values))], "\n"))
					}

					return in.lines(fileconn.FolderConfig{
						Atomic: true, UntilEmpty: !endless, Archive: "done", Poll: 10 * time.Millisecond,
					})
				},
				Value:   func(i int) string { return fmt.Sprint("line ", i) },
				Endless: endless,
				Resumes: true,
			})
		})
	}
}

// What becomes of the files when their messages are done.
func TestFolderFates(t *testing.T) {
	files := map[string]string{"a.txt": "1\n2\n", "b.txt": "3\n", "empty.txt": "", ".hidden": "x\n", "c.log": "y\n"}
	others := map[string]string{".hidden": "x\n", "c.log": "y\n"}
	tests := []struct {
		name   string
		config fileconn.FolderConfig
		left   map[string]string
	}{
		{"archive", fileconn.FolderConfig{Archive: "done"}, map[string]string{"done/a.txt": "1\n2\n", "done/b.txt": "3\n", "done/empty.txt": ""}},
		{"archive deeper", fileconn.FolderConfig{Archive: "x/y"}, map[string]string{"x/y/a.txt": "1\n2\n", "x/y/b.txt": "3\n", "x/y/empty.txt": ""}},
		{"delete", fileconn.FolderConfig{Delete: true}, nil},
		{"keep", fileconn.FolderConfig{}, map[string]string{"a.txt": "1\n2\n", "b.txt": "3\n", "empty.txt": ""}},
	}
	for _, test := range tests {
		t.Run(test.name, func(t *testing.T) {
			in := newInbox(t, files)
			test.config.Include = []string{"*.txt", ".*"}
			test.config.Exclude = []string{"z*"}
			test.config.Atomic, test.config.UntilEmpty = true, true
			got, err := consume(t, in.lines(test.config))
			if err != nil || fmt.Sprint(got) != "[1 2 3]" {
				t.Errorf("%v %v", got, err)
			}
			want := maps.Clone(others)
			maps.Copy(want, test.left)
			if left := in.tree(); !maps.Equal(left, want) {
				t.Errorf("left %q, want %q", left, want)
			}
			if again, err := consume(t, in.lines(test.config)); len(again) > 0 || err != nil {
				t.Errorf("again: %v %v", again, err)
			}
		})
	}
}

// A file goes only when the last of its messages is done.
func TestFolderWaitsForOutcomes(t *testing.T) {
	in := newInbox(t, map[string]string{"a.txt": "1\n2\n", "b.txt": "3\n"})
	s := opened(t, in.lines(fileconn.FolderConfig{Atomic: true, UntilEmpty: true, Archive: "done"}))
	defer s.close()
	if err := s.read(10); !errors.Is(err, io.EOF) || len(s.messages) != 3 {
		t.Fatalf("%d messages, %v", len(s.messages), err)
	}
	if s.messages[2].Header("file") != "b.txt" || !strings.HasPrefix(s.messages[0].ID(), "a.txt@") || !strings.HasSuffix(s.messages[1].ID(), ":2") {
		t.Errorf("%v %v", s.messages[0].ID(), s.messages[1].ID())
	}
	do(t, s.settle(connector.DeadLettered, 1))
	if left := in.tree(); len(left) != 2 || left["a.txt"] == "" {
		t.Errorf("a file was put away before its time: %q", left)
	}
	do(t, s.settle(connector.Filtered, 1))
	if left := in.tree(); left["done/a.txt"] == "" || left["b.txt"] == "" {
		t.Errorf("left %q", left)
	}
	do(t, s.settle(connector.Delivered, 1))
	if left := in.tree(); len(left) != 2 || left["done/b.txt"] == "" {
		t.Errorf("left %q", left)
	}
}

// A returned message keeps its file, and what stands behind it comes again.
func TestFolderReturned(t *testing.T) {
	in := newInbox(t, map[string]string{"a.txt": "1\n2\n3\n4\n"})
	config := fileconn.FolderConfig{Atomic: true, UntilEmpty: true, Archive: "done"}
	s := opened(t, in.lines(config))
	_ = s.read(10)
	ids := []string{s.messages[1].ID(), s.messages[2].ID(), s.messages[3].ID()}
	do(t, s.settle(connector.Delivered, 1), s.settle(connector.Returned, 1), s.settle(connector.Delivered, 2))
	s.close()
	if left := in.tree(); left["a.txt"] == "" {
		t.Errorf("the file is gone: %q", left)
	}
	s = opened(t, in.lines(config))
	defer s.close()
	_ = s.read(10)
	if len(s.messages) != 3 || s.messages[0].ID() != ids[0] || s.messages[2].ID() != ids[2] {
		t.Errorf("%d messages, the first %s; want %v", len(s.messages), s.messages[0].ID(), ids)
	}
}

func TestFolderOrder(t *testing.T) {
	for order, want := range map[fileconn.Order]string{fileconn.ByName: "[a b c]", fileconn.ByTime: "[c a b]"} {
		in := newInbox(t, map[string]string{"a": "a\n", "b": "b\n", "c": "c\n"})
		for i, name := range []string{"c", "a", "b"} {
			at := time.Unix(int64(1000+i/2), 0) // a and b at one time
			do(t, os.Chtimes(filepath.Join(in.path, name), at, at))
		}
		do(t, os.Chtimes(filepath.Join(in.path, "c"), time.Unix(1, 0), time.Unix(1, 0)))
		got, err := consume(t, in.lines(fileconn.FolderConfig{Atomic: true, UntilEmpty: true, Order: order}))
		if err != nil || fmt.Sprint(got) != want {
			t.Errorf("%v: %v %v, want %s", order, got, err, want)
		}
	}
}

// A file that is still written is not taken, whatever its times say.
func TestFolderStable(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		in := newInbox(t, nil)
		path := filepath.Join(in.path, "a.txt")
		began := time.Now()
		old := began.Add(-24 * time.Hour)
		go func() { // a copying program that keeps the time of the original
			for i := range 5 {
				f, err := os.OpenFile(path, os.O_CREATE|os.O_APPEND|os.O_WRONLY, 0o600)
				if err == nil {
					_, err = fmt.Fprintf(f, "line %d\n", i)
				}
				do(t, err, f.Close(), os.Chtimes(path, old, old))
				time.Sleep(8 * time.Second)
			}
		}()
		s := opened(t, in.lines(fileconn.FolderConfig{Stable: 10 * time.Second, Poll: time.Second}))
		err := s.read(10)
		if len(s.messages) != 5 || err != nil {
			t.Errorf("%d messages, %v", len(s.messages), err)
		}
		if waited := time.Since(began); waited < 42*time.Second || waited > 44*time.Second {
			t.Errorf("it was taken after %v; the last write was at 32 s", waited)
		}
		s.close()
	})
}

// A file that is replaced while it is watched starts its time anew.
func TestFolderStableReplaced(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		in := newInbox(t, map[string]string{"a.txt": "old\n"})
		at := time.Now().Add(-time.Hour)
		path := filepath.Join(in.path, "a.txt")
		do(t, os.Chtimes(path, at, at))
		began := time.Now()
		go func() {
			time.Sleep(6 * time.Second)
			in.put(".new", "new\n")
			do(t, os.Chtimes(filepath.Join(in.path, ".new"), at, at), os.Rename(filepath.Join(in.path, ".new"), path))
		}()
		got, err := consume(t, in.lines(fileconn.FolderConfig{UntilEmpty: true, Poll: time.Second}))
		if err != nil || fmt.Sprint(got) != "[new]" || time.Since(began) < 16*time.Second {
			t.Errorf("%v %v after %v", got, err, time.Since(began))
		}
	})
}

// With a marker, a file is taken as soon as that is there, and not before.
func TestFolderDoneMarker(t *testing.T) {
	in := newInbox(t, map[string]string{"a.txt": "1\n", "b.txt": "2\n", "b.txt.done": "", "orphan.txt.done": ""})
	config := fileconn.FolderConfig{Done: ".done", UntilEmpty: true, Archive: "old"}
	got, err := consume(t, in.lines(config))
	if err != nil || fmt.Sprint(got) != "[2]" {
		t.Errorf("%v %v", got, err)
	}
	in.put("a.txt", "1\n1\n")
	in.put("a.txt.done", "")
	got, err = consume(t, in.lines(config))
	if err != nil || fmt.Sprint(got) != "[1 1]" {
		t.Errorf("%v %v", got, err)
	}
	if left := slices.Sorted(maps.Keys(in.tree())); fmt.Sprint(left) != "[old/a.txt old/b.txt orphan.txt.done]" {
		t.Errorf("left %v", left)
	}
}

// Readers that compete never get a file of another one.
func TestFolderTwoReaders(t *testing.T) {
	in := newInbox(t, nil)
	const files = 40
	for i := range files {
		in.put(fmt.Sprintf("%02d.txt", i), fmt.Sprintf("%d\n", i))
	}
	source := in.lines(fileconn.FolderConfig{Atomic: true, UntilEmpty: true, Archive: "done"})
	results := make(chan []string, 4)
	for range cap(results) {
		go func() {
			got, err := consume(t, source)
			if err != nil {
				t.Error(err)
			}
			results <- got
		}()
	}
	var all []string
	for range cap(results) {
		all = append(all, <-results...)
	}
	slices.Sort(all)
	if len(all) != files || len(slices.Compact(all)) != files {
		t.Errorf("%d lines", len(all))
	}
}

// A file that another reader holds is left to it; after a crash it comes to the next one
// when its lease is over.
func TestFolderLease(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		in := newInbox(t, map[string]string{"a.txt": "1\n2\n3\n"})
		config := fileconn.FolderConfig{Atomic: true, Archive: "done", Lease: 30 * time.Second, Poll: time.Second}
		first := opened(t, in.lines(config))
		do(t, first.read(2), first.settle(connector.Delivered, 1))
		second := opened(t, in.lines(config))
		ctx, cancel := context.WithTimeout(t.Context(), 5*time.Minute)
		if got, err := second.reader.Read(ctx, 10); len(got) > 0 || !errors.Is(err, context.DeadlineExceeded) {
			t.Errorf("the second reader got %d messages of a file that is held, %v", len(got), err)
		}
		cancel()
		first.close()
		if err := second.read(10); err != nil || len(second.messages) != 2 || second.messages[0].Value != "2" {
			t.Errorf("after the first reader: %v, %v", second.messages, err)
		}
		do(t, second.settle(connector.Delivered, 2))
		second.close()
	})
}

// A store that loses the claim, as after a pause, stops the reader before it goes on.
func TestFolderFenced(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		in := newInbox(t, map[string]string{"a.txt": "1\n2\n3\n"})
		config := fileconn.FolderConfig{Atomic: true, Archive: "done", Lease: 30 * time.Second, Name: "in"}
		held := &heldUp{Store: in.store}
		config.Store = held
		source, err := fileconn.Folder(in.dir, lineFormat(t), config)
		do(t, err)
		first := opened(t, source)
		do(t, first.read(2))
		held.stuck.Store(true) // as if the process stood still
		time.Sleep(31 * time.Second)
		second := opened(t, in.lines(config))
		do(t, second.read(1), second.settle(connector.Delivered, 1))
		held.stuck.Store(false)
		if err := first.settle(connector.Delivered, 2); !errors.Is(err, connector.ErrFenced) {
			t.Errorf("Settle: %v; want ErrFenced", err)
		}
		if err := first.read(1); !errors.Is(err, connector.ErrFenced) {
			t.Errorf("Read: %v; want ErrFenced", err)
		}
		first.close()
		second.close()
	})
}

// heldUp is a store whose claims are not renewed while it is stuck.
type heldUp struct {
	connector.Store

	stuck atomic.Bool
}

func (s *heldUp) Extend(ctx context.Context, lease time.Duration, claims ...connector.Claim) error {
	if s.stuck.Load() {
		return errors.New("stuck")
	}

	return s.Store.Extend(ctx, lease, claims...)
}

// A part of a file that was done is not done again, if it is the same file.
func TestFolderResume(t *testing.T) {
	text := "name,count\na,1\n\"b\nb\",2\nc,3\nd,4\n"
	tests := []struct {
		name   string
		happen func(in *inbox, at time.Time)
		counts []int
	}{
		{"the same file", func(*inbox, time.Time) {}, []int{3, 4}},
		{"another one of that name", func(in *inbox, _ time.Time) {
			in.put("a.csv", "name,count\nx,7\n")
		}, []int{7}},
		{"another text of that time and size", func(in *inbox, at time.Time) {
			in.put("a.csv", strings.ReplaceAll(text, "2", "9"))
			do(in.t, os.Chtimes(filepath.Join(in.path, "a.csv"), at, at))
		}, []int{1, 9, 3, 4}},
		{"fewer records at that time and size", func(in *inbox, at time.Time) {
			in.put("a.csv", "name,count\n"+strings.Repeat("x", len(text)-14)+",8\n")
			do(in.t, os.Chtimes(filepath.Join(in.path, "a.csv"), at, at))
		}, []int{8}},
		{"a record more behind them", func(in *inbox, _ time.Time) {
			do(in.t, appendTo(filepath.Join(in.path, "a.csv"), "e,5\n"))
		}, []int{1, 2, 3, 4, 5}},
	}
	for _, test := range tests {
		t.Run(test.name, func(t *testing.T) {
			in := newInbox(t, map[string]string{"a.csv": text})
			at := time.Unix(1_700_000_000, 0)
			do(t, os.Chtimes(filepath.Join(in.path, "a.csv"), at, at))
			config := fileconn.FolderConfig{Atomic: true, UntilEmpty: true, Archive: "done", Quarantine: "bad"}
			s := opened(t, in.rows(config))
			_ = s.read(10)
			do(t, s.settle(connector.Delivered, 2))
			s.close()
			test.happen(in, at)
			rows, err := consume(t, in.rows(config))
			var counts []int
			for _, row := range rows {
				counts = append(counts, row.Value.Count)
			}
			if err != nil || !slices.Equal(counts, test.counts) {
				t.Errorf("%v %v, want %v", counts, err, test.counts)
			}
			if left := in.tree(); len(left) != 1 || left["done/a.csv"] == "" {
				t.Errorf("left %q", left)
			}
		})
	}
}

// A file that cannot be read to its end goes to quarantine, and the flow hears of it.
func TestFolderQuarantine(t *testing.T) {
	files := map[string]string{
		"1.csv": "name,count\na,1\n\"b,2\nc,3\n", // a quote that is never closed
		"2.csv": "nonsense\n",
		"3.csv": "name,count\nd,4\n",
		"4.csv": "",
	}
	config := fileconn.FolderConfig{Atomic: true, UntilEmpty: true, Archive: "done", Quarantine: "bad"}
	t.Run("rows", func(t *testing.T) {
		in := newInbox(t, files)
		rows, err := consume(t, in.rows(config))
		do(t, err)
		var seen []string
		for _, row := range rows {
			seen = append(seen, fmt.Sprintf("%d %t", row.Line, row.Err == nil))
		}
		if fmt.Sprint(seen) != "[2 true 3 false 1 false 2 true 1 false]" {
			t.Errorf("%v", seen)
		}
		if err := rows[1].Err; !strings.Contains(err.Error(), "1.csv: line 3, byte 15") || connector.ClassOf(err) != connector.ClassPermanent {
			t.Errorf("%v", err)
		}
		left := slices.Sorted(maps.Keys(in.tree()))
		if fmt.Sprint(left) != "[bad/1.csv bad/2.csv bad/4.csv done/3.csv]" {
			t.Errorf("left %v", left)
		}
	})
	t.Run("values stop, and the next start goes on", func(t *testing.T) {
		in := newInbox(t, files)
		config := config
		config.Store = in.store
		source, err := fileconn.Folder(in.dir, csvFormat(t), config)
		do(t, err)
		for _, want := range []string{"1.csv: line 3, byte 15", "2.csv: line 1", "4.csv: line 1"} {
			if _, err := consume(t, source); err == nil || !strings.Contains(err.Error(), want) {
				t.Errorf("%v; want %q", err, want)
			}
		}
		got, err := consume(t, source)
		if left := in.tree(); len(got) != 0 || err != nil || len(left) != 4 || left["done/3.csv"] == "" {
			t.Errorf("%v %v, left %q", got, err, left)
		}
	})
	t.Run("without one, it stays and stops", func(t *testing.T) {
		in := newInbox(t, files)
		source, err := fileconn.Folder(in.dir, csvFormat(t), fileconn.FolderConfig{Store: in.store, Atomic: true, UntilEmpty: true, Archive: "done"})
		do(t, err)
		for range 2 {
			if _, err := consume(t, source); err == nil || !strings.Contains(err.Error(), "1.csv: line 3") {
				t.Errorf("%v", err)
			}
		}
		if left := in.tree(); len(left) != 4 || left["1.csv"] == "" {
			t.Errorf("left %q", left)
		}
	})
}

// The message that tells of a bad file is done once, over a stop.
func TestFolderQuarantineResumes(t *testing.T) {
	in := newInbox(t, map[string]string{"1.csv": "name,count\na,1\n\"b,2\n"})
	config := fileconn.FolderConfig{Atomic: true, UntilEmpty: true, Archive: "done", Quarantine: "bad"}
	s := opened(t, in.rows(config))
	_ = s.read(10)
	do(t, s.settle(connector.Delivered, 1))
	s.close()
	rows, err := consume(t, in.rows(config))
	if err != nil || len(rows) != 1 || rows[0].Err == nil {
		t.Errorf("%v %v", rows, err)
	}
}

// Archiving never overwrites: a name that is taken gets a stamp.
func TestFolderArchiveKeepsWhatIsThere(t *testing.T) {
	in := newInbox(t, map[string]string{"a.txt": "second\n"})
	do(t, os.Mkdir(filepath.Join(in.path, "done"), 0o700))
	in.put("done/a.txt", "first\n")
	_, err := consume(t, in.lines(fileconn.FolderConfig{Atomic: true, UntilEmpty: true, Archive: "done"}))
	do(t, err)
	left := in.tree()
	texts := slices.Sorted(maps.Values(left))
	if left["done/a.txt"] != "first\n" || fmt.Sprint(texts) != "[first\n second\n]" {
		t.Errorf("left %q", left)
	}
}

// What happens to a file while it is read, or before it is put away.
func TestFolderChanges(t *testing.T) {
	long := numbered(0, lineCount)
	config := fileconn.FolderConfig{Atomic: true, UntilEmpty: true, Archive: "done"}
	t.Run("it grows while it is read", func(t *testing.T) {
		in := newInbox(t, map[string]string{"a.txt": long})
		got, err := meanwhile(t, in.lines(config), func() { do(t, appendTo(filepath.Join(in.path, "a.txt"), "more")) })
		if e, ok := errors.AsType[*fileconn.ChangedError](err); !ok || e.Change != fileconn.Grew || len(got) == lineCount {
			t.Errorf("%d lines, %v", len(got), err)
		}
		if left := in.tree(); left["a.txt"] != long+"more" {
			t.Error("the file was put away")
		}
	})
	t.Run("another one takes its name before it is done", func(t *testing.T) {
		in := newInbox(t, map[string]string{"a.txt": "1\n"})
		s := opened(t, in.lines(config))
		defer s.close()
		_ = s.read(10)
		in.put(".b", "2\n")
		do(t, os.Rename(filepath.Join(in.path, ".b"), filepath.Join(in.path, "a.txt")))
		do(t, s.settle(connector.Delivered, 1))
		if left := in.tree(); len(left) != 1 || left["a.txt"] != "2\n" {
			t.Errorf("left %q; the second file was never read", left)
		}
	})
	t.Run("it is removed before it is done", func(t *testing.T) {
		in := newInbox(t, map[string]string{"a.txt": "1\n"})
		s := opened(t, in.lines(config))
		defer s.close()
		_ = s.read(10)
		do(t, os.Remove(filepath.Join(in.path, "a.txt")), s.settle(connector.Delivered, 1))
	})
	t.Run("it vanishes between the look at it and its opening", func(t *testing.T) {
		in := newInbox(t, map[string]string{"1.txt": long, "2.txt": "2\n", "3.txt": "3\n"})
		got, err := meanwhile(t, in.lines(config), func() { do(t, os.Remove(filepath.Join(in.path, "2.txt"))) })
		if !errors.Is(err, io.EOF) || len(got) != lineCount+1 || got[lineCount] != "3" {
			t.Errorf("%d lines, %v", len(got), err)
		}
	})
	t.Run("a link or a folder is no file", func(t *testing.T) {
		in := newInbox(t, nil)
		outside := put(t, "secret.txt", "secret\n")
		do(t, os.Symlink(outside, filepath.Join(in.path, "a.txt")), os.Mkdir(filepath.Join(in.path, "b.txt"), 0o700))
		do(t, makePipe(filepath.Join(in.path, "c.txt")))
		if got, err := consume(t, in.lines(config)); err != nil || len(got) > 0 {
			t.Errorf("%v %v", got, err)
		}
	})
}

func TestDirIsConfined(t *testing.T) {
	in := newInbox(t, map[string]string{"a.txt": "1\n"})
	outside := t.TempDir()
	do(t, os.Symlink(outside, filepath.Join(in.path, "out")))
	ctx := t.Context()
	for _, name := range []string{"../x", "/etc/passwd", "out/x", "a/../../x"} {
		if _, err := in.dir.Open(ctx, name); err == nil {
			t.Errorf("Open %q", name)
		}
		if _, err := in.dir.Stat(ctx, name); err == nil {
			t.Errorf("Stat %q", name)
		}
		if err := in.dir.Move(ctx, "a.txt", name); err == nil {
			t.Errorf("Move to %q", name)
		}
		if err := in.dir.Remove(ctx, name); err == nil {
			t.Errorf("Remove %q", name)
		}
	}
	if entries, err := os.ReadDir(outside); err != nil || len(entries) > 0 || in.tree()["a.txt"] == "" {
		t.Errorf("%v %v", entries, err)
	}
}

func TestFolderDefinitionFails(t *testing.T) {
	in := newInbox(t, nil)
	_, err := fileconn.Folder(in.dir, lineFormat(t), fileconn.FolderConfig{
		Include: []string{"[", "*"}, Stable: -1, Atomic: true, Done: "/x", Order: 7,
		Archive: "../x", Delete: true, Quarantine: ".", Lease: -1,
	})
	for _, want := range []string{"Store is nil", `pattern "["`, "each say when", "want a suffix", "Order is 7", `"../x"`, `"."`, "both Archive and Delete", "negative"} {
		if err == nil || !strings.Contains(err.Error(), want) {
			t.Errorf("the error does not say %q: %v", want, err)
		}
	}
	if _, err := fileconn.FolderRows(in.dir, lineFormat(t), fileconn.FolderConfig{Store: in.store}); err == nil || !strings.Contains(err.Error(), "Quarantine") {
		t.Errorf("rows without a quarantine: %v", err)
	}
	if _, err := fileconn.OpenDir(filepath.Join(in.path, "absent")); err == nil {
		t.Error("a directory that is not there")
	}
}

func TestFolderTooManyFiles(t *testing.T) {
	in := newInbox(t, map[string]string{"a": "1\n", "b": "2\n", "c": "3\n"})
	if got, err := consume(t, in.lines(fileconn.FolderConfig{Atomic: true, UntilEmpty: true, MaxFiles: 3})); err != nil || len(got) != 3 {
		t.Errorf("%v %v", got, err)
	}
	if _, err := in.lines(fileconn.FolderConfig{Atomic: true, MaxFiles: 2}).Open(t.Context()); err == nil || !strings.Contains(err.Error(), "more than 2 files") {
		t.Errorf("%v", err)
	}
}
