package main

import (
	"context"
	"errors"
	"fmt"
	"path/filepath"
	"runtime"
	"runtime/metrics"
	"sync"
	"time"

	"github.com/millrace-go/millrace/connector"
	"github.com/millrace-go/millrace/connector/fileconn"
	"github.com/millrace-go/millrace/flow"
	"github.com/millrace-go/millrace/transform"
)

// bigs reads one file of so many bytes.
func bigs(size int64) family {
	return family{
		name: "big", title: "A large file in constant memory",
		intro: "A CSV file of the size given goes through a Map to a sink that counts, while the heap (objects, live or not yet " +
			"swept) is read each millisecond.",
		gauges: []gauge{{
			name: "most heap during a file of " + plainly(float64(size)/1e9) + " GB", unit: "MiB", limit: 64,
			read: func(p plan) ([]float64, error) { return heapDuring(p, size) },
		}},
	}
}

func heapDuring(p plan, size int64) (most []float64, err error) {
	d := &desk{parent: p.dir}
	defer func() { err = errors.Join(err, d.clear()) }()
	dir, err := d.dir()
	if err != nil {
		return nil, err
	}
	path := filepath.Join(dir, "big.csv")
	rows, err := writeSales(path, 0, size)
	if err != nil {
		return nil, err
	}
	source, err := fileconn.CSV[sale](fileconn.SourceConfig{Paths: []string{path}}, transform.CSVConfig{})
	if err != nil {
		return nil, err
	}
	arrived := 0
	counted := connector.SinkFunc[sale](func(_ context.Context, messages []connector.Message[sale]) error {
		arrived += len(messages)

		return nil
	})
	pipeline := flow.New("big", flow.From(source).Map(discounted).To(counted))
	watch := watchHeap()
	err = pipeline.Run(context.Background())
	peak := watch.stop()
	if err == nil && arrived != rows {
		err = fmt.Errorf("of %d rows %d arrived", rows, arrived)
	}

	return []float64{peak / (1 << 20)}, err
}

func discounted(_ context.Context, s sale) (sale, error) {
	s.Price *= 0.9

	return s, nil
}

// heapWatch reads the size of the heap all the time.
type heapWatch struct {
	done  chan struct{}
	group sync.WaitGroup
	most  uint64
}

const heapMetric = "/memory/classes/heap/objects:bytes"

func watchHeap() *heapWatch {
	runtime.GC() // what ran before is not to be seen
	w := &heapWatch{done: make(chan struct{})}
	w.group.Go(func() {
		tick := time.NewTicker(time.Millisecond)
		defer tick.Stop()
		for {
			w.look()
			select {
			case <-w.done:
				w.look()

				return
			case <-tick.C:
			}
		}
	})

	return w
}

func (w *heapWatch) look() {
	sample := []metrics.Sample{{Name: heapMetric}}
	metrics.Read(sample)
	w.most = max(w.most, sample[0].Value.Uint64())
}

// stop ends the watch and returns the most that it saw, in bytes.
func (w *heapWatch) stop() float64 {
	close(w.done)
	w.group.Wait()

	return float64(w.most)
}
