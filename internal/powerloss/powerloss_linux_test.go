package powerloss_test

import (
	"context"
	"errors"
	"fmt"
	"math/rand/v2"
	"os"
	"path/filepath"
	"strconv"
	"sync"
	"sync/atomic"
	"syscall"
	"testing"
	"time"
)

const (
	cutsVariable = "MILLRACE_CUTS"
	cutsByItself = 2
	seed         = 537224
	// mostWrites and mostDelay bound the moment of a cut.
	mostWrites = 150
	mostDelay  = 2 * time.Millisecond
)

func cuts(t *testing.T) int {
	t.Helper()
	text := os.Getenv(cutsVariable)
	if text == "" {
		return cutsByItself
	}
	n, err := strconv.Atoi(text)
	if err != nil || n < 1 {
		t.Fatalf("%s=%s: want a number of cuts", cutsVariable, text)
	}

	return n
}

// TestPowerLoss cuts the power of each driver while 1 and 32 writers write, again and again
// on one disk. Whatever was acknowledged is there, once; a message that was being written
// may be there or not.
func TestPowerLoss(t *testing.T) {
	for _, s := range subjects {
		for _, writers := range []int{1, 32} {
			t.Run(fmt.Sprintf("%s, %d writers", s.name, writers), func(t *testing.T) {
				l := &loss{subject: s, writers: writers, disk: newDisk(t), random: rand.New(rand.NewPCG(seed, uint64(writers)))}
				n := cuts(t)
				for i := range n {
					l.live(t)
					l.disk.restart(t)
					if s.tear != nil {
						s.tear(t, l.disk.dir)
					}
					l.check(t)
					if t.Failed() {
						t.Fatalf("cut %d, seed %d", i+1, seed)
					}
				}
				if s.tear != nil && l.torn == 0 {
					t.Error("no torn tail was met")
				}
				t.Logf("%d cuts, %d messages acknowledged and found; of %d that were being written %d are there; torn tails of %d bytes",
					n, len(l.acknowledged), len(l.doubtful), l.survived, l.torn)
			})
		}
	}
}

// loss is one driver on one disk.
type loss struct {
	subject subject
	writers int
	disk    *disk
	random  *rand.Rand

	next    atomic.Int64 // message
	cutting atomic.Bool

	mu           sync.Mutex
	acknowledged map[int]bool
	doubtful     map[int]bool // being written at a cut
	survived     int          // of these
	torn         int          // bytes
}

// live writes until the power is cut.
func (l *loss) live(t *testing.T) {
	t.Helper()
	w, err := l.subject.open(l.disk.dir)
	if err != nil {
		t.Fatal(err)
	}
	if l.acknowledged == nil {
		l.acknowledged, l.doubtful = make(map[int]bool), make(map[int]bool)
	}
	l.cutting.Store(false)
	due := make(chan struct{})
	left := atomic.Int64{}
	left.Store(1 + l.random.Int64N(mostWrites))
	delay := time.Duration(l.random.Int64N(int64(mostDelay)))
	var writing sync.WaitGroup
	for range l.writers {
		writing.Go(func() {
			for l.write(t.Context(), w) {
				if left.Add(-1) == 0 {
					close(due)
				}
			}
		})
	}
	<-due
	time.AfterFunc(delay, func() {
		l.cutting.Store(true)
		l.disk.cut(t)
	})
	writing.Wait()
	_ = w.Close() // the disk is gone
}

// write writes the next message and reports whether that worked. An answer that comes once
// the cut has begun counts for nothing: a machine without power gives none, and while the
// file system goes down an fsync can still return nil.
func (l *loss) write(ctx context.Context, w writer) bool {
	i := int(l.next.Add(1))
	err := w.Write(ctx, i)
	l.mu.Lock()
	defer l.mu.Unlock()
	if err != nil || l.cutting.Load() {
		l.doubtful[i] = true
	} else {
		l.acknowledged[i] = true
	}

	return err == nil
}

func (l *loss) check(t *testing.T) {
	t.Helper()
	list, torn := l.subject.found(t, l.disk.dir)
	l.torn += torn
	l.survived = 0
	found := make(map[int]bool)
	for _, i := range list {
		switch {
		case found[i]:
			t.Errorf("message %d is there twice", i)
		case l.doubtful[i]:
			l.survived++
		case !l.acknowledged[i]:
			t.Errorf("message %d was never written", i)
		}
		found[i] = true
	}
	for i := range l.acknowledged {
		if !found[i] {
			t.Errorf("message %d was acknowledged and is lost", i)
		}
	}
}

// TestCutLoses shows that a cut loses what was not synced, and keeps what was: without
// that the other test would mean nothing.
func TestCutLoses(t *testing.T) {
	d := newDisk(t)
	put := func(name string, sync bool) {
		f, err := os.Create(filepath.Join(d.dir, name))
		if err != nil {
			t.Fatal(err)
		}
		_, err = f.WriteString(padding)
		if err == nil && sync {
			err = f.Sync()
		}
		if err = errors.Join(err, f.Close()); err != nil {
			t.Fatal(err)
		}
	}
	put("synced", true)
	put("not", false)
	d.cut(t)
	if err := os.WriteFile(filepath.Join(d.dir, "later"), nil, 0o600); !errors.Is(err, syscall.EIO) {
		t.Errorf("writing after the cut: %v", err)
	}
	d.restart(t)
	if text, err := os.ReadFile(filepath.Join(d.dir, "synced")); err != nil || string(text) != padding {
		t.Errorf("what was synced is %q, %v", text, err)
	}
	if text, err := os.ReadFile(filepath.Join(d.dir, "not")); err == nil && len(text) > 0 {
		t.Errorf("what was not synced is there: %q", text)
	}
}
