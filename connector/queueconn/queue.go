package queueconn

import (
	"context"
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"sync"
	"time"

	"github.com/millrace-go/millrace/connector"
	"github.com/millrace-go/millrace/internal/boltfile"
	"github.com/millrace-go/millrace/internal/placing"
)

// mark says that a Write to a queue in memory tells which places its messages get.
type mark = placing.Mark

// Queue is an ordered queue with leases, attempts, delays and dead letters. Make it with
// NewMemory or Open.
type Queue[T any] struct {
	mark

	cfg     Config
	durable bool
	storage storage[T]
	// forget, where set, is told of entries that were settled as done: nobody knows them any more.
	forget func([]*entry)

	// picking is held by whoever hands messages out. It is taken before mu.
	picking sync.Mutex

	mu       sync.Mutex
	schedule schedule
	reserved int  // messages of Writes under way
	finished bool // until open is 0
	open     int  // readers
	closed   bool
	readers  signal // something may have become ready
	writers  signal // there may be room
	running  sync.WaitGroup
}

// NewMemory returns an empty queue in memory.
func NewMemory[T any](cfg Config) (*Queue[T], error) {
	cfg, err := cfg.withDefaults("memory", defaultMemoryMessages)
	if err != nil {
		return nil, configError(err)
	}
	q := newQueue[T](cfg)
	m := newMemory[T](cfg, q.publish)
	q.storage, q.forget = m, m.forget
	q.mark = placing.Of(q)

	return q, nil
}

// Open opens the durable queue in the file at path, and makes it, with mode 0600, if there
// is none. The directory must exist. A file that is open elsewhere gives a transient error
// after Config.LockWait; a file that is no queue, or that is damaged, a permanent one.
func Open[T any](path string, codec connector.Codec[T], cfg Config) (*Queue[T], error) {
	return open(path, codec, cfg, os.OpenFile)
}

func open[T any](path string, codec connector.Codec[T], cfg Config, openFile boltfile.OpenFunc) (*Queue[T], error) {
	cfg, err := cfg.withDefaults(filepath.Base(path), defaultDurableMessages)
	if codec == nil {
		err = errors.Join(err, errors.New("the codec is nil: give one, such as transform.JSON"))
	}
	if err != nil {
		return nil, configError(err)
	}
	q := newQueue[T](cfg)
	q.durable = true
	d, err := openDurable(path, codec, cfg, q.publish, openFile)
	if err != nil {
		return nil, err
	}
	q.storage = d
	if err := d.restore(&q.schedule); err != nil {
		return nil, errors.Join(err, d.close())
	}

	return q, nil
}

func newQueue[T any](cfg Config) *Queue[T] {
	return &Queue[T]{cfg: cfg, schedule: newSchedule(cfg.MaxAttempts)}
}

func configError(err error) error {
	return connector.Permanent(fmt.Errorf("queueconn: config: %w", err))
}

// Open returns a reader. Several readers share the messages among them.
func (q *Queue[T]) Open(ctx context.Context) (connector.Reader[T], error) {
	if err := q.enter(ctx); err != nil {
		return nil, err
	}
	defer q.running.Done()
	q.mu.Lock()
	defer q.mu.Unlock()
	q.open++

	return &reader[T]{queue: q, holder: &holder{}}, nil
}

// Depth counts what the queue holds.
func (q *Queue[T]) Depth(ctx context.Context) (connector.Depth, error) {
	if err := q.enter(ctx); err != nil {
		return connector.Depth{}, err
	}
	defer q.running.Done()
	q.mu.Lock()
	defer q.mu.Unlock()
	s := &q.schedule
	s.advance(time.Now())
	leased, delayed := len(s.leased), s.delayed.len()

	return connector.Depth{
		Ready: s.live - leased - delayed, Delayed: delayed, Leased: leased, Dead: s.dead,
	}, nil
}

// Lost counts the leases that ended before their message was settled. If it grows, the
// work on a message takes longer than Config.Lease and nobody extends it.
func (q *Queue[T]) Lost() uint64 {
	q.mu.Lock()
	defer q.mu.Unlock()
	q.schedule.advance(time.Now())

	return q.schedule.lost
}

// Describe declares what the queue can do.
func (q *Queue[T]) Describe() connector.Capabilities {
	return connector.Capabilities{
		Name: "queue " + q.cfg.Name, Returns: true, Durable: q.durable, Delays: true, KeepsPlace: true, Lease: q.cfg.Lease,
	}
}

// CheckHealth returns the error that any other call would return now, or nil.
func (q *Queue[T]) CheckHealth(ctx context.Context) error {
	if err := q.enter(ctx); err != nil {
		return err
	}
	q.running.Done()

	return nil
}

// Close ends every call that waits with connector.ErrClosed, waits for the others, and
// closes the file. What is leased is ready again after the next Open. A second Close returns nil.
func (q *Queue[T]) Close() error {
	q.mu.Lock()
	closed := q.closed
	q.closed = true
	q.readers.broadcast()
	q.writers.broadcast()
	q.mu.Unlock()
	if closed {
		return nil
	}
	q.running.Wait()

	return q.storage.close()
}

// enter begins a call; when it returns nil, the caller owes q.running.Done().
func (q *Queue[T]) enter(ctx context.Context) error {
	if err := ctx.Err(); err != nil {
		return err
	}
	if err := q.storage.health(); err != nil {
		return err
	}
	q.mu.Lock()
	defer q.mu.Unlock()
	if q.closed {
		return q.closedError()
	}
	q.running.Add(1)

	return nil
}

func (q *Queue[T]) closedError() error {
	return fmt.Errorf("queueconn: queue %s: %w", q.cfg.Name, connector.ErrClosed)
}

// publish is what the storage calls after each commit that added messages.
func (q *Queue[T]) publish(tail int64, n int, later []*entry) {
	q.mu.Lock()
	defer q.mu.Unlock()
	q.schedule.tail = tail
	q.schedule.live += n
	q.schedule.postpone(later)
	q.readers.broadcast()
}
