package badinput_test

import (
	"fmt"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"github.com/millrace-go/millrace/connector"
	"github.com/millrace-go/millrace/connector/boltstore"
	"github.com/millrace-go/millrace/connector/memory"
	"github.com/millrace-go/millrace/connector/queueconn"
	"github.com/millrace-go/millrace/flow"
	"github.com/millrace-go/millrace/transform"
)

// smallDisk mounts a file system of 256 KiB and leaves less room in it. The returned
// function makes more.
func smallDisk(t *testing.T) (dir string, makeRoom func()) {
	t.Helper()
	dir = t.TempDir()
	if err := mountSmall(dir); err != nil {
		t.Skipf("needs root on Linux, to mount a small file system: %v", err)
	}
	t.Cleanup(func() { unmount(dir) })
	ballast := filepath.Join(dir, "ballast")
	if err := os.WriteFile(ballast, make([]byte, 96<<10), 0o600); err != nil {
		t.Fatal(err)
	}

	return dir, func() {
		if err := os.Remove(ballast); err != nil {
			t.Fatal(err)
		}
	}
}

// lines is a source of so many lines that takes nothing back.
func lines(n, length int) *memory.Source[string] {
	source := memory.NewSource[string]()
	source.Declare(connector.Capabilities{Name: "lines"})
	for i := range n {
		source.Send(fmt.Sprintf("%06d", i) + strings.Repeat("x", length))
	}

	return source
}

// The queue stops when its disk is full. What it accepted is there when it is opened with
// more room.
func TestFullDiskUnderQueue(t *testing.T) {
	dir, makeRoom := smallDisk(t)
	path := filepath.Join(dir, "hop.queue")
	codec, err := transform.NewJSON[string](transform.JSONConfig{})
	if err != nil {
		t.Fatal(err)
	}
	queue, err := queueconn.Open(path, codec, queueconn.Config{})
	if err != nil {
		t.Fatal(err)
	}
	p := flow.New("fill", flow.From(lines(1000, 4<<10)).To(queue))
	err = p.Run(t.Context())
	mentions(t, "the error of Run", err, []string{"fill", "hop.queue", "message memory:", "no space left", "check the disk"})
	ledger := balanced(t, p)
	if err := queue.Close(); err != nil {
		t.Log("close:", err)
	}
	makeRoom()
	if queue, err = queueconn.Open(path, codec, queueconn.Config{}); err != nil {
		t.Fatal(err)
	}
	defer queue.Close()
	depth, err := queue.Depth(t.Context())
	if err != nil || int64(depth.Ready) != ledger.Delivered || ledger.Delivered == 0 {
		t.Errorf("%d in the queue, ledger %v, %v", depth.Ready, ledger, err)
	}
}

// The store stops when its disk is full. Opened with more room, it knows each message
// that was delivered, and no other.
func TestFullDiskUnderStore(t *testing.T) {
	dir, makeRoom := smallDisk(t)
	path := filepath.Join(dir, "seen.store")
	store, err := boltstore.Open(path, boltstore.Config{})
	if err != nil {
		t.Fatal(err)
	}
	run := func(store connector.Store, n int) (*flow.Pipeline, error) {
		key := func(line string) string { return line }
		p := flow.New("once", flow.From(lines(n, 500)).Once(store, key, time.Hour).To(memory.NewSink[string]()))

		return p, p.Run(t.Context())
	}
	const before = 20
	if _, err := run(store, before); err != nil {
		t.Fatal(err)
	}
	p, err := run(store, 2000)
	mentions(t, "the error of Run", err, []string{"once", "seen.store", "message memory:", "no space left", "check the disk"})
	first := balanced(t, p)
	if err := store.Close(); err != nil {
		t.Log("close:", err)
	}
	makeRoom()
	if store, err = boltstore.Open(path, boltstore.Config{}); err != nil {
		t.Fatal(err)
	}
	defer store.Close()
	known := before + first.Delivered
	if p, err = run(store, int(known)+10); err != nil {
		t.Error(err)
	}
	if second := balanced(t, p); second.Duplicate != known || second.Delivered != 10 || first.Duplicate != before {
		t.Errorf("ledger %v with a full disk, then %v", first, second)
	}
}
