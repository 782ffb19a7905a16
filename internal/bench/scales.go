package main

import (
	"context"
	"errors"
	"fmt"
	"runtime"
	"sync"
	"time"

	"github.com/millrace-go/millrace/connector/memory"
	"github.com/millrace-go/millrace/flow"
)

func scales() family {
	return family{
		name: "scale", title: "How cost grows",
		intro: "Each point is the median of its rounds, with the least and the most. The exponent is the slope of the line through " +
			"the points on scales of powers of ten: 0 is flat, 1 is in proportion.",
		curves: []curve{
			{
				name: "pipelines in one process: memory", x: "pipelines", y: "KB a pipeline", at: []int{1, 10, 100, 1000},
				note: "Each waits for a message: a source, Map, Filter, Map and a sink. Heap and stacks.",
				measure: func(p plan, n int) ([]float64, error) {
					return p.idle(n, func(u held) float64 { return u.bytes / 1e3 })
				},
			},
			{
				name: "pipelines in one process: goroutines", x: "pipelines", y: "goroutines a pipeline", at: []int{1, 10, 100, 1000},
				measure: func(p plan, n int) ([]float64, error) { return p.idle(n, func(u held) float64 { return u.goroutines }) },
			},
			{
				name: "stages of a chain", x: "stages", y: "ns of CPU a message", at: []int{1, 2, 4, 8, 16, 32, 64},
				note:    "Maps over the struct of 64 bytes, from a chunked source to a sink.",
				measure: func(p plan, n int) ([]float64, error) { return p.cost(stagesOf(n), cpu) },
			},
			{
				name: "payload through a chain in memory", x: "bytes", y: "ns of CPU a message", at: sizes,
				note:    "Map, Filter and Map over a slice of bytes: the slice goes on, the bytes stay where they are.",
				measure: func(p plan, n int) ([]float64, error) { return p.cost(payload(n), cpu) },
			},
			{
				name: "payload into the durable queue", x: "bytes", y: "µs a message", at: sizes,
				note:    "Written in batches of 32, each on the disk before it counts.",
				measure: func(p plan, n int) ([]float64, error) { return p.cost(payloadOnDisk(n), micros) },
			},
			{
				name: "keys of a fold", x: "keys", y: "ns of CPU a message", at: []int{10, 100, 1000, 10_000, 100_000, 1_000_000, 10_000_000},
				note: "A count for each key, kept in memory. Each key comes once at least, in an order without pattern; from a million " +
					"on, most of the time goes into making the keys and into memory that is in no cache.",
				measure: func(p plan, n int) ([]float64, error) { return p.cost(keysOf(n), cpu) },
			},
			{
				name: "goroutines of Parallel", x: "goroutines", y: "µs an element", at: []int{1, 2, 4, 8, 16, 32},
				note:    "Work of 2 µs an element, in order, on the processors of the machine.",
				measure: func(p plan, n int) ([]float64, error) { return p.cost(toilOf(n), micros) },
			},
		},
	}
}

var sizes = []int{1, 16, 256, 4096, 65_536, 1_048_576 - 1024}

func micros(s sample) float64 { return s.Nanos / 1e3 }

// cost runs a row of one contestant and gives one quantity of each round.
func (p plan) cost(r row, of func(sample) float64) ([]float64, error) {
	p.rounds = min(p.rounds, 5)
	res, err := p.run(r)

	return res.each(r.ours.name, of), err
}

// held is what idle pipelines hold, each.
type held struct{ bytes, goroutines float64 }

// idle measures one quantity of n pipelines that wait, a few times.
func (p plan) idle(n int, of func(held) float64) ([]float64, error) {
	var values []float64
	for range min(p.rounds, 5) {
		u, err := waiting(n)
		if err != nil {
			return nil, err
		}
		values = append(values, of(u))
	}

	return values, nil
}

// waiting starts n pipelines that wait for a message, and says what each of them holds.
func waiting(n int) (held, error) {
	before := holding()
	ctx, stop := context.WithCancel(context.Background())
	defer stop()
	var group sync.WaitGroup
	problems := make([]error, n)
	list := make([]*flow.Pipeline, n)
	for i := range n {
		feed := memory.NewFeed[record]()
		list[i] = flow.New(fmt.Sprint("pipeline-", i), flow.From(feed).Map(mapA).Filter(filterA).Map(mapB).To(&sum{}))
		group.Go(func() { problems[i] = list[i].Run(ctx) })
	}
	for _, p := range list {
		for p.Health().State != flow.Running {
			time.Sleep(time.Millisecond)
		}
	}
	time.Sleep(20 * time.Millisecond) // until the last of them waits
	after := holding()
	stop()
	group.Wait()
	each := held{(after.bytes - before.bytes) / float64(n), (after.goroutines - before.goroutines) / float64(n)}

	return each, errors.Join(problems...)
}

func holding() held {
	runtime.GC()
	runtime.GC()
	var m runtime.MemStats
	runtime.ReadMemStats(&m)

	return held{float64(m.HeapAlloc + m.StackInuse), float64(runtime.NumGoroutine())}
}

func alone(name string, ready func(d *desk, n int) (job, error)) row {
	return row{name: name, ours: contestant{name, ready}}
}

// ran makes a job of a pipeline.
func ran(p *flow.Pipeline, arrived func() int) job {
	return func() (int, error) {
		err := p.Run(context.Background())

		return arrived(), err
	}
}

func stagesOf(stages int) row {
	return alone("stages", func(_ *desk, n int) (job, error) {
		to, f := &sum{}, flow.From(newChunked(ring, n))
		for range stages {
			f = f.Map(mapA)
		}

		return ran(flow.New("stages", f.To(to)), func() int { return int(to.n) }), nil
	})
}

func payload(size int) row {
	return alone("payload", func(_ *desk, n int) (job, error) {
		to, data := &tally[[]byte]{}, make([]byte, size)
		source := newChunked(makeRing(func(int64) []byte { return data }), n)
		same := func(_ context.Context, b []byte) ([]byte, error) { return b, nil }
		p := flow.New("payload", flow.From(source).Map(same).Filter(func(b []byte) bool { return len(b) > 0 }).Map(same).To(to))

		return ran(p, func() int { return to.n }), nil
	})
}

func payloadOnDisk(size int) row {
	r := alone("payload on disk", func(d *desk, n int) (job, error) {
		q, err := openQueue(d)
		if err != nil {
			return nil, err
		}
		messages := letters(callers)
		for i := range messages {
			messages[i].Value = make([]byte, size)
		}

		return func() (int, error) {
			for range n / callers {
				if err := q.Write(context.Background(), messages); err != nil {
					return 0, err
				}
			}

			return inQueue(q)
		}, nil
	})
	r.step, r.most = callers, 1<<12

	return r
}

func keysOf(keys int) row {
	r := alone("keys", func(_ *desk, n int) (job, error) {
		to := &tally[flow.Group[int64, int64]]{}
		f := flow.From(newScattered(keys, n)).KeyBy(keyOf).Fold(fold)
		p := flow.New("keys", f.To(to)).With(flow.Config{MaxKeys: keys})

		return ran(p, func() int { return to.n }), nil
	})
	r.step = keys
	if keys >= 1_000_000 {
		r.fixed = keys
	}

	return r
}

func toilOf(goroutines int) row {
	return alone("parallel", func(_ *desk, n int) (job, error) { return toiling(n, goroutines), nil })
}
