package fileconn_test

import (
	"errors"
	"strings"
	"syscall"
	"testing"

	"github.com/millrace-go/millrace/connector"
	"github.com/millrace-go/millrace/connector/fileconn"
)

// A full disk takes the Write back and harms nothing that was accepted.
func TestDiskFull(t *testing.T) {
	for _, mode := range []fileconn.Mode{fileconn.WholeFile, fileconn.Parts, fileconn.Append} {
		t.Run(mode.String(), func(t *testing.T) {
			path := target(t)
			sink := lineSink(t, fileconn.SinkConfig{Path: path, Mode: mode})
			var full error = syscall.ENOSPC
			faults := &fileconn.Faults{Write: func() error { return nil }}
			sink.Inject(faults)
			write(t, sink, "kept")
			faults.Write = func() error { return full }
			for range 2 {
				err := sink.Write(t.Context(), messages("lost", "too"))
				if !errors.Is(err, syscall.ENOSPC) || connector.ClassOf(err) != connector.ClassTransient {
					t.Fatalf("%v; want a transient ENOSPC", err)
				}
				if _, ok := errors.AsType[*connector.PartialError](err); ok {
					t.Errorf("%v; want one error for all", err)
				}
			}
			for name, text := range tree(t, path) {
				if text != "kept\n" {
					t.Errorf("%s holds %q", name, text)
				}
			}
			full = nil
			write(t, sink, "later")
			closed(t, sink)
			for name, text := range tree(t, path) {
				if text != "kept\nlater\n" {
					t.Errorf("%s holds %q", name, text)
				}
			}
		})
	}
}

// The disk is full in the middle of a batch over several parts.
func TestDiskFullBetweenParts(t *testing.T) {
	path := target(t)
	sink := lineSink(t, fileconn.SinkConfig{Path: path, Mode: fileconn.Parts, PartRecords: 2})
	calls := 0
	sink.Inject(&fileconn.Faults{Write: func() error {
		if calls++; calls == 2 {
			return syscall.ENOSPC
		}

		return nil
	}})
	err := sink.Write(t.Context(), messages("a", "b", "c", "d", "e"))
	partial, ok := errors.AsType[*connector.PartialError](err)
	if !ok {
		t.Fatalf("%v; want a PartialError", err)
	}
	want := []connector.Fate{connector.Accepted, connector.Accepted, connector.Failed, connector.Failed, connector.NotAttempted}
	for i, m := range partial.Members {
		if m.Fate != want[i] || (m.Err == nil) != (want[i] == connector.Accepted) {
			t.Errorf("member %d: %v %v; want %v", i, m.Fate, m.Err, want[i])
		}
	}
	write(t, sink, "c", "d", "e")
	closed(t, sink)
	wantTree(t, path, files{"out.part-000001.txt": "a\nb\n", "out.part-000003.txt": "c\nd\n", "out.part-000004.txt": "e\n"})
}

// After a failed fsync nothing is known; the sink stops, and never syncs that file again.
func TestFailedSyncStopsTheSink(t *testing.T) {
	broken := errors.New("medium error")
	for name, faults := range map[string]*fileconn.Faults{
		"sync":         {Sync: func() error { return broken }},
		"cut":          {Write: func() error { return syscall.ENOSPC }, Truncate: func() error { return broken }},
		"sync, parted": {Sync: func() error { return broken }},
	} {
		t.Run(name, func(t *testing.T) {
			path := target(t)
			sink := lineSink(t, fileconn.SinkConfig{Path: path})
			fault := *faults
			live := &fileconn.Faults{}
			sink.Inject(live)
			write(t, sink, "kept")
			*live = fault
			err := sink.Write(t.Context(), messages("perhaps"))
			if !errors.Is(err, broken) || connector.ClassOf(err) != connector.ClassAmbiguous {
				t.Fatalf("%v; want it ambiguous", err)
			}
			syncs := 0
			*live = fileconn.Faults{Sync: func() error { syncs++; return nil }}
			err = sink.Write(t.Context(), messages("never"))
			if !errors.Is(err, broken) || connector.ClassOf(err) != connector.ClassPermanent {
				t.Errorf("then %v; want a permanent stop", err)
			}
			if err := sink.Flush(t.Context()); !errors.Is(err, broken) {
				t.Errorf("flush: %v", err)
			}
			if err := sink.CheckHealth(t.Context()); !errors.Is(err, broken) {
				t.Errorf("health: %v", err)
			}
			closed(t, sink)
			if syncs > 0 {
				t.Error("synced again")
			}
			got := tree(t, path)
			if text := got[".out.txt.tmp"]; len(got) != 1 || !strings.HasPrefix(text, "kept\n") {
				t.Errorf("files %q; want what was accepted, not complete", got)
			}
			next := lineSink(t, fileconn.SinkConfig{Path: path})
			write(t, next, "next")
			closed(t, next)
			if text := tree(t, path)["out.txt"]; !strings.HasPrefix(text, "kept\n") || !strings.HasSuffix(text, "\nnext\n") {
				t.Errorf("the next sink made %q", text)
			}
		})
	}
}

func TestDirectorySyncFails(t *testing.T) {
	path := target(t)
	sink := lineSink(t, fileconn.SinkConfig{Path: path})
	faults := &fileconn.Faults{}
	sink.Inject(faults)
	write(t, sink, "a")
	broken := errors.New("medium error")
	faults.SyncDir = func() error { return broken }
	if err := sink.Flush(t.Context()); !errors.Is(err, broken) {
		t.Errorf("flush: %v", err)
	}
	if err := sink.Write(t.Context(), messages("b")); !errors.Is(err, broken) || connector.ClassOf(err) != connector.ClassPermanent {
		t.Errorf("write: %v", err)
	}
}

// A new file whose name may be lost in a power cut accepts nothing.
func TestDirectorySyncOfANewFileFails(t *testing.T) {
	for _, mode := range []fileconn.Mode{fileconn.WholeFile, fileconn.Parts, fileconn.Append} {
		broken := errors.New("medium error")
		sink := lineSink(t, fileconn.SinkConfig{Path: target(t), Mode: mode})
		sink.Inject(&fileconn.Faults{SyncDir: func() error { return broken }})
		if err := sink.Write(t.Context(), messages("a")); !errors.Is(err, broken) {
			t.Errorf("%v: write: %v", mode, err)
		}
	}
}
