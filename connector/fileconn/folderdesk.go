package fileconn

import (
	"context"
	"errors"
	"fmt"
	"io/fs"
	"sync"
	"time"

	"github.com/millrace-go/millrace/connector"
)

// desk holds the files that a reader has claimed, until they are done.
type desk struct {
	files  FileSystem
	config FolderConfig

	work sync.Mutex // held while records are written and files moved; taken before mu

	mu       sync.Mutex
	taken    map[string]*taken // by partition
	lost     error             // that a claim went to another reader
	extended time.Time         // when all claims were renewed
	stop     context.CancelFunc
	keeper   sync.WaitGroup
}

// taken is a claimed file. Its fields below the line are guarded by desk.mu.
type taken struct {
	info      FileInfo
	partition string
	claim     connector.Claim
	from      mark // where an earlier reader came to

	marks    []mark // handed out and not settled
	settled  mark
	recorded mark
	version  connector.Version // of the record in the store
	ended    bool              // all of its records were handed out
	failed   bool              // it could not be read to its end
	returned bool              // a message came back, so nothing behind it counts
}

func newDesk(files FileSystem, config FolderConfig) *desk {
	return &desk{files: files, config: config, taken: make(map[string]*taken)}
}

// holds reports whether a file with this name is claimed here.
func (d *desk) holds(name string) bool {
	d.mu.Lock()
	defer d.mu.Unlock()
	for _, t := range d.taken {
		if t.info.Name == name {
			return true
		}
	}

	return false
}

// take claims a file that is still as it was seen. It returns nil for one that is not, or
// that another reader has, or that was done; with done set where that one stays.
func (d *desk) take(ctx context.Context, info FileInfo) (t *taken, done bool, err error) {
	if d.holds(info.Name) {
		return nil, false, nil
	}
	claim, err := d.config.Store.Claim(ctx, d.config.key(info.Name), d.config.Lease)
	if _, other := errors.AsType[*connector.ClaimedError](err); other {
		return nil, false, nil
	}
	if err != nil {
		return nil, false, fmt.Errorf("claim %s: %w", info.Name, err)
	}
	t, done, err = d.inspect(ctx, info, claim)
	if t == nil {
		return nil, done, errors.Join(err, d.config.Store.Release(ctx, claim))
	}
	d.mu.Lock()
	defer d.mu.Unlock()
	d.taken[t.partition] = t
	d.keep()

	return t, false, nil
}

// inspect looks again at a file that is claimed now, and at what the store knows of it.
func (d *desk) inspect(ctx context.Context, info FileInfo, claim connector.Claim) (*taken, bool, error) {
	now, err := d.files.Stat(ctx, info.Name)
	if errors.Is(err, fs.ErrNotExist) || err == nil && !now.unchanged(info) {
		return nil, false, nil
	}
	if err != nil {
		return nil, false, err
	}
	t := &taken{info: now, claim: claim, partition: info.Name + "@" + now.stamp(), version: connector.Absent}
	entry, err := d.config.Store.Get(ctx, d.config.key(info.Name))
	if errors.Is(err, connector.ErrNotFound) {
		return t, false, nil
	}
	if err != nil {
		return nil, false, fmt.Errorf("look up %s: %w", info.Name, err)
	}
	known, err := readRecord(entry)
	if err != nil {
		return nil, false, err
	}
	t.version = entry.Version
	if known.Stamp != now.stamp() {
		return t, false, nil
	}
	t.from = mark{line: known.Line, sum: known.Sum}
	t.settled, t.recorded = t.from, t.from
	if !known.Done {
		return t, false, nil
	}
	t.ended, t.failed = true, known.Failed

	return nil, true, d.dispose(ctx, t)
}

// publish makes known what of a file was handed out, and whether that was all. A file of
// which nothing is in flight is done then.
func (d *desk) publish(ctx context.Context, t *taken, marks []mark, ended, failed bool) error {
	d.mu.Lock()
	t.marks = append(t.marks, marks...)
	t.ended, t.failed = ended, failed
	d.mu.Unlock()
	if !ended {
		return nil
	}
	d.work.Lock()
	defer d.work.Unlock()

	return d.record(ctx, t)
}

// settle takes the outcomes of messages.
func (d *desk) settle(ctx context.Context, settlements []connector.Settlement) error {
	d.work.Lock()
	defer d.work.Unlock()
	for _, t := range d.note(settlements) {
		if err := d.record(ctx, t); err != nil {
			return err
		}
	}

	return nil
}

// note moves the places up to which files are done, and returns the files.
func (d *desk) note(settlements []connector.Settlement) []*taken {
	d.mu.Lock()
	defer d.mu.Unlock()
	var touched []*taken
	for _, s := range settlements {
		t := d.taken[s.Position.Partition]
		if t == nil {
			continue
		}
		if len(touched) == 0 || touched[len(touched)-1] != t {
			touched = append(touched, t)
		}
		t.returned = t.returned || !s.Outcome.Done()
		for !t.returned && len(t.marks) > 0 && t.marks[0].line <= s.Position.Offset {
			t.settled, t.marks = t.marks[0], t.marks[1:]
		}
	}

	return touched
}

// record writes down how far a file is done, and lets go of one that is.
func (d *desk) record(ctx context.Context, t *taken) error {
	d.mu.Lock()
	done := t.ended && len(t.marks) == 0 && !t.returned
	now, failed := t.settled, t.failed
	d.mu.Unlock()
	if !done && now == t.recorded {
		return nil
	}
	if err := d.put(ctx, t, record{Stamp: t.info.stamp(), Line: now.line, Sum: now.sum, Done: done, Failed: done && failed}); err != nil {
		return err
	}
	t.recorded = now
	if !done {
		return nil
	}
	if err := d.dispose(ctx, t); err != nil {
		return err
	}

	return d.release(ctx, t)
}

func (d *desk) put(ctx context.Context, t *taken, r record) error {
	value, err := marshalRecord(r)
	if err != nil {
		return err
	}
	ttl := recordTTL
	if r.Done {
		ttl = 0
	}
	key := d.config.key(t.info.Name)
	version, err := d.config.Store.Put(ctx, key, value, t.version, ttl)
	if errors.Is(err, connector.ErrConflict) {
		if t.version, err = d.own(ctx, t, key); err == nil {
			version, err = d.config.Store.Put(ctx, key, value, t.version, ttl)
		}
	}
	switch {
	case errors.Is(err, connector.ErrFenced), errors.Is(err, connector.ErrConflict):
		return connector.Permanent(fmt.Errorf("%s was taken over by another reader: %w", t.info.Name, connector.ErrFenced))
	case err != nil:
		return fmt.Errorf("record how far %s is done: %w", t.info.Name, err)
	}
	t.version = version

	return nil
}

// own returns the version of a record that is not as it was left. While the claim holds,
// nobody else can have written it: an earlier Put did, and its answer was lost.
func (d *desk) own(ctx context.Context, t *taken, key string) (connector.Version, error) {
	if err := d.config.Store.Extend(ctx, d.config.Lease, t.claim); err != nil {
		return 0, err
	}
	entry, err := d.config.Store.Get(ctx, key)
	if errors.Is(err, connector.ErrNotFound) {
		return connector.Absent, nil
	}

	return entry.Version, err
}

// release gives up a file.
func (d *desk) release(ctx context.Context, t *taken) error {
	if err := d.config.Store.Release(ctx, t.claim); err != nil {
		return fmt.Errorf("release %s: %w", t.info.Name, err)
	}
	d.mu.Lock()
	defer d.mu.Unlock()
	delete(d.taken, t.partition)

	return nil
}

// keeps reports whether files that are done stay.
func (c *FolderConfig) keeps(failed bool) bool {
	return !failed && c.Archive == "" && !c.Delete
}
