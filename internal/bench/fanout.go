package main

import (
	"context"
	"iter"
	"sync"
	"time"

	"github.com/millrace-go/millrace/connector"
	"github.com/millrace-go/millrace/flow"
)

// workTime is how long the work of an element takes in the rows about parallel stages.
const workTime = 2 * time.Microsecond

var workTurns = sync.OnceValue(func() int { return turnsFor(workTime) })

func toil(_ context.Context, r record) (record, error) {
	r.A = int64(busy(workTurns(), uint64(r.ID)|1))

	return r, nil
}

func parallels() family {
	ours := contestant{"two cores", func(_ *desk, n int) (job, error) { return toiling(n, 2), nil }}
	one := contestant{"one core", func(_ *desk, n int) (job, error) { return toiling(n, 0), nil }}
	byHand := contestant{"two goroutines by hand", func(_ *desk, n int) (job, error) { return toilByHand(n, 2), nil }}

	return family{
		name: "parallel", title: "Work on two cores, in order",
		intro: "Each element takes 2 µs of processor time in a Map, alone and inside of Parallel(2). By hand: two goroutines that " +
			"work on chunks of 128, whose results are taken in order.",
		rows: []row{{
			name: "two cores", unit: "element", ours: ours, baseline: one, others: []contestant{byHand},
			floors: []floor{timesFaster(1.8, ours.name, one.name)},
		}},
	}
}

func toiling(n, goroutines int) job {
	to := &sum{}
	from := flow.From(newChunked(ring, n))
	work := func(f flow.Flow[record]) flow.Flow[record] { return f.Map(toil) }
	if goroutines > 0 {
		from = from.Parallel(goroutines, work)
	} else {
		from = work(from)
	}
	p := flow.New("parallel", from.To(to))

	return func() (int, error) {
		err := p.Run(context.Background())

		return int(to.n), err
	}
}

// toilByHand gives chunks to goroutines in turn and takes their results in the same order.
func toilByHand(n, goroutines int) job {
	return func() (int, error) {
		to, s := &sum{}, newChunked(ring, n)
		in, out := make([]chan []record, goroutines), make([]chan []record, goroutines)
		for i := range goroutines {
			in[i], out[i] = make(chan []record, 2), make(chan []record, 2)
			go toilOn(in[i], out[i])
		}
		go func() {
			for turn := 0; ; turn++ {
				messages, err := s.Read(context.Background(), chunk)
				if err != nil {
					break
				}
				in[turn%goroutines] <- valuesOf(messages)
			}
			for _, c := range in {
				close(c)
			}
		}()
		for turn := 0; ; turn++ {
			done, ok := <-out[turn%goroutines]
			if !ok {
				return int(to.n), nil
			}
			for _, r := range done {
				to.add(r)
			}
		}
	}
}

func toilOn(in <-chan []record, out chan<- []record) {
	defer close(out)
	for part := range in {
		for i := range part {
			part[i], _ = toil(context.Background(), part[i])
		}
		out <- part
	}
}

func valuesOf(messages []connector.Message[record]) []record {
	list := make([]record, len(messages))
	for i := range messages {
		list[i] = messages[i].Value
	}

	return list
}

// partsEach is into how many a message is split.
const partsEach = 10

func parts(_ context.Context, r record) iter.Seq2[int64, error] {
	return func(yield func(int64, error) bool) {
		for i := range int64(partsEach) {
			if !yield(r.ID+i, nil) {
				return
			}
		}
	}
}

var split = parts

func splits() family {
	ours := contestant{"millrace", func(_ *desk, n int) (job, error) {
		to := &tally[int64]{}
		p := flow.New("split", flow.From(newChunked(ring, n/partsEach)).Split(split).To(to))

		return func() (int, error) {
			err := p.Run(context.Background())

			return to.n, err
		}, nil
	}}
	byHand := contestant{"the loop", func(_ *desk, n int) (job, error) { return splitByHand(n / partsEach), nil }}

	return family{
		name: "split", title: "One to many",
		intro: "Each record is split into ten parts, which reach the sink one by one. Counted are the parts.",
		rows: []row{{
			name: "split into ten", unit: "part", ours: ours, baseline: byHand, step: partsEach, byCPU: true,
			floors: []floor{atMostNanos(100, ours.name, "part")},
		}},
	}
}

func splitByHand(n int) job {
	return func() (int, error) {
		ctx, to, s := context.Background(), &tally[int64]{}, newChunked(ring, n)
		var sink connector.Sink[int64] = to
		one := make([]connector.Message[int64], 1)
		for {
			messages, err := s.Read(ctx, chunk)
			if err != nil {
				return to.n, ended(err)
			}
			for i := range messages {
				for part, err := range split(ctx, messages[i].Value) {
					if err != nil {
						return to.n, err
					}
					one[0] = connector.Message[int64]{Meta: messages[i].Meta, Value: part}
					if err := sink.Write(ctx, one); err != nil {
						return to.n, err
					}
				}
			}
		}
	}
}
