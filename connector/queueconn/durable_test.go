package queueconn_test

import (
	"errors"
	"fmt"
	"io"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"testing/synctest"
	"time"

	"github.com/millrace-go/millrace/connector"
	"github.com/millrace-go/millrace/connector/queueconn"
)

// crashed copies the files of a running queue, which is what another process would find
// had this one died now.
func crashed(t testing.TB, path string) string {
	t.Helper()
	next := filepath.Join(t.TempDir(), filepath.Base(path))
	for _, suffix := range []string{"", ".attempts"} {
		data, err := os.ReadFile(path + suffix)
		if err != nil {
			t.Fatal(err)
		}
		if err := os.WriteFile(next+suffix, data, 0o600); err != nil {
			t.Fatal(err)
		}
	}

	return next
}

func TestEverythingSurvivesACrash(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		path := filepath.Join(t.TempDir(), "orders")
		cfg := queueconn.Config{MaxAttempts: 3}
		q := openAt(t, path, cfg)
		stamp := time.Now().Add(-time.Hour).In(time.FixedZone("", 3600))
		fields := connector.Fields{ID: "a", Key: "customer", Time: stamp, Headers: map[string]string{"trace": "1", "": ""}}
		if err := q.Write(t.Context(), []connector.Message[string]{connector.NewMessage("A", fields)}); err != nil {
			t.Fatal(err)
		}
		write(t, q, "done", "delayed", "stopped", "leased", "fresh")
		r := reader(t, q)
		got := read(t, r, 5)
		settle(t, r, refused, got[0])
		settle(t, r, delivered, got[1])
		settle(t, r, connector.Settlement{Outcome: connector.Returned, Cause: errRefused, Delay: time.Hour}, got[2])
		settle(t, r, connector.Settlement{Outcome: connector.Returned, Cause: connector.ErrStopped}, got[3])

		q = openAt(t, crashed(t, path), cfg)
		wantDepth(t, q, connector.Depth{Ready: 4, Delayed: 1})
		again := read(t, reader(t, q), 9)
		wantValues(t, "after the crash", again, "A", "stopped", "leased", "fresh")
		for i, attempt := range []int{2, 1, 2, 1} {
			if again[i].Attempt() != attempt {
				t.Errorf("%s has attempt %d, want %d", again[i].Value, again[i].Attempt(), attempt)
			}
		}
		m := again[0]
		if m.ID() != "a" || m.Key() != "customer" || !m.Time().Equal(stamp) || m.Header("trace") != "1" || m.Position() != got[0].Position() {
			t.Errorf("metadata %+v", m.Fields())
		}
		if _, offset := m.Time().Zone(); offset != 3600 {
			t.Errorf("event time %s, want %s", m.Time(), stamp)
		}
	})
}

// A message that kills the process on each attempt dies alone, though its first attempts
// were in a chunk with others.
func TestAPoisonousMessageDiesAlone(t *testing.T) {
	path := filepath.Join(t.TempDir(), "orders")
	cfg := queueconn.Config{MaxAttempts: 4}
	q := openAt(t, path, cfg)
	write(t, q, "a", "b", "poison", "d")
	var done []string
	for crashes := 0; len(done) < 3; crashes++ {
		if crashes > 10 {
			t.Fatalf("after %d crashes only %q are done", crashes, done)
		}
		path = crashed(t, path)
		q = openAt(t, path, cfg)
		r := reader(t, q)
		for poisoned := false; !poisoned && len(done) < 3; {
			got := read(t, r, 10)
			for _, m := range got {
				if poisoned = m.Value == "poison"; poisoned {
					break
				}
				if len(got) == 1 { // chunks are settled as a whole, which the crash prevents
					settle(t, r, delivered, m)
					done = append(done, m.Value)
				}
			}
		}
	}
	if dead := deadLetters(t, q); len(dead) != 1 || dead[0].Value != "poison" || dead[0].Attempt != 4 {
		t.Errorf("dead letters %+v", dead)
	}
	wantDepth(t, q, connector.Depth{Dead: 1})
}

func TestAttemptsOfAnotherQueueAreIgnored(t *testing.T) {
	dir := t.TempDir()
	first, second := filepath.Join(dir, "first"), filepath.Join(dir, "second")
	q := openAt(t, first, queueconn.Config{})
	write(t, q, "a")
	read(t, reader(t, q), 1)
	q2 := openAt(t, second, queueconn.Config{})
	write(t, q2, "b")
	if err := q2.Close(); err != nil {
		t.Fatal(err)
	}
	if err := os.Rename(first+".attempts", second+".attempts"); err != nil {
		t.Fatal(err)
	}
	if got := read(t, reader(t, openAt(t, second, queueconn.Config{})), 1); got[0].Attempt() != 1 {
		t.Errorf("attempt %d", got[0].Attempt())
	}
}

// After a power cut the file of attempts may be gone, or end in anything.
func TestWithoutAttempts(t *testing.T) {
	path := filepath.Join(t.TempDir(), "orders")
	q := openAt(t, path, queueconn.Config{})
	write(t, q, "a", "b", "c", "d")
	r := reader(t, q)
	got := read(t, r, 4)
	settle(t, r, delivered, got[2])
	for name, spoil := range map[string]func(path string) error{
		"gone": os.Remove,
		"cut":  func(path string) error { return os.Truncate(path, 10) },
		"junk": func(path string) error { return os.WriteFile(path, []byte(strings.Repeat("junk", 100)), 0o600) },
	} {
		copied := crashed(t, path)
		if err := spoil(copied + ".attempts"); err != nil {
			t.Fatal(err)
		}
		wantValues(t, name, read(t, reader(t, openAt(t, copied, queueconn.Config{})), 9), "a", "b", "d")
	}
}

func TestUnreadableMessagesDie(t *testing.T) {
	path := filepath.Join(t.TempDir(), "orders")
	q := openAt(t, path, queueconn.Config{})
	write(t, q, "a", "!new", "flipped-body", "d")
	if err := q.Close(); err != nil {
		t.Fatal(err)
	}
	queueconn.FlipBit(t, path, "flipped-body")
	q = openAt(t, path, queueconn.Config{})
	r := reader(t, q)
	wantValues(t, "readable", read(t, r, 9), "a", "d")
	dead := deadLetters(t, q)
	if len(dead) != 2 || dead[0].ID != "id !new" || dead[1].ID != "orders:2" {
		t.Fatalf("dead letters %+v", dead)
	}
	for i, raw := range []string{"!new", "glipped-body"} {
		e, ok := errors.AsType[*queueconn.RecordError](dead[i].Err)
		if !ok || !strings.HasSuffix(string(e.Raw), raw) || dead[i].Class != "permanent" || dead[i].Cause == "" {
			t.Errorf("dead letter %+v", dead[i])
		}
	}
	if !errors.Is(dead[0].Err, errUnreadable) {
		t.Errorf("Err is %v", dead[0].Err)
	}
	if n, err := q.Redrive(t.Context(), "orders:2"); n != 1 || err != nil {
		t.Errorf("Redrive: %d, %v", n, err)
	}
	r.(connector.Finisher).Finish()
	settle(t, r, connector.Settlement{Outcome: connector.Dropped}, messagesAt("orders", 0, 3)...)
	if _, err := r.Read(t.Context(), 9); !errors.Is(err, io.EOF) {
		t.Errorf("Read: %v, want io.EOF", err)
	}
	wantDepth(t, q, connector.Depth{Dead: 2})
}

func messagesAt(name string, offsets ...int64) []connector.Message[string] {
	var list []connector.Message[string]
	for _, offset := range offsets {
		list = append(list, connector.NewMessage("", connector.Fields{
			Position: connector.Position{Partition: name, Offset: offset},
		}))
	}

	return list
}

func TestAReadIsBoundedInBytes(t *testing.T) {
	q := openAt(t, filepath.Join(t.TempDir(), "q"), queueconn.Config{})
	big := strings.Repeat("x", 1<<20)
	for range 20 {
		if err := q.Write(t.Context(), []connector.Message[string]{{Value: big}}); err != nil {
			t.Fatal(err)
		}
	}
	r := reader(t, q)
	if got := len(read(t, r, 20)); got != 15 {
		t.Errorf("Read gave %d messages of 1 MiB, want 15", got)
	}
	if err := r.Close(); err != nil {
		t.Fatal(err)
	}
	r = reader(t, q)
	if first, second := len(read(t, r, 20)), len(read(t, r, 20)); first != 15 || second != 5 {
		t.Errorf("after Close Read gave %d and %d", first, second)
	}
}

func TestFailedCommitStopsTheQueue(t *testing.T) {
	path := filepath.Join(t.TempDir(), "orders")
	q, breakDisk := queueconn.OpenBreakable(t, path, textCodec{})
	write(t, q, "a")
	r := reader(t, q)
	breakDisk()
	if err := q.Write(t.Context(), messages("b")); connector.ClassOf(err) != connector.ClassAmbiguous {
		t.Errorf("the commit that failed: %v, want an ambiguous error", err)
	}
	for name, err := range everyCall(t, q, r) {
		if stopped, ok := errors.AsType[*queueconn.StoppedError](err); !ok || stopped.File != path {
			t.Errorf("%s on a stopped queue: %v", name, err)
		}
	}
}

func TestFilesArePrivate(t *testing.T) {
	path := filepath.Join(t.TempDir(), "orders")
	openAt(t, path, queueconn.Config{})
	for _, name := range []string{path, path + ".attempts"} {
		info, err := os.Stat(name)
		if err != nil || info.Mode().Perm() != 0o600 {
			t.Errorf("%s: mode %v, %v", name, info.Mode(), err)
		}
	}
}

func TestLockedFile(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		path := filepath.Join(t.TempDir(), "orders")
		openAt(t, path, queueconn.Config{})
		began := time.Now()
		_, err := queueconn.Open(path, textCodec{}, queueconn.Config{})
		if connector.ClassOf(err) != connector.ClassTransient || !strings.Contains(err.Error(), path) {
			t.Errorf("got %v, want a transient error that names the file", err)
		}
		if waited := time.Since(began); waited > time.Second {
			t.Errorf("waited %s", waited)
		}
	})
}

func TestNoQueue(t *testing.T) {
	path := filepath.Join(t.TempDir(), "text")
	if err := os.WriteFile(path, []byte(strings.Repeat("no queue ", 10_000)), 0o600); err != nil {
		t.Fatal(err)
	}
	_, err := queueconn.Open(path, textCodec{}, queueconn.Config{})
	if connector.ClassOf(err) != connector.ClassPermanent || !strings.Contains(fmt.Sprint(err), path) {
		t.Errorf("got %v", err)
	}
}
