package flow

import (
	"context"
	"time"
)

// Parallel runs body on n goroutines and joins their results. The results keep the
// order of the input; what ends inside the body, as in a Tee, comes as it comes. What
// stages inside the body hold is per goroutine.
func (f Flow[T]) Parallel[Out any](n int, body func(Flow[T]) Flow[Out]) Flow[Out] {
	return parallel(f, n, keepsOrder, body, shareOut[T])
}

// Unordered is Parallel without the order: a result goes on as soon as it is there.
func (f Flow[T]) Unordered[Out any](n int, body func(Flow[T]) Flow[Out]) Flow[Out] {
	return parallel(f, n, 0, body, shareOut[T])
}

// mostWorkers bounds the goroutines of one parallel stage.
const mostWorkers = 1024

func parallel[In, Out any](
	f Flow[In], workers int, order traits, body func(Flow[In]) Flow[Out], assign func(workers int, steady bool) assignment[In],
) Flow[Out] {
	n := stageNode[Out]("parallel", f.n)
	n.traits |= holds | order
	n.require(workers > 0 && workers <= mostWorkers, "it was given %d goroutines: want 1 to %d", workers, mostWorkers)
	n.require(body != nil, "the body is nil")
	n.options = append(n.options, option("goroutines", workers), option("ordered", order == keepsOrder))
	if body == nil {
		return Flow[Out]{n: n}
	}
	n.body = passing[In](kindBody)
	last := body(Flow[In]{n: n.body})
	end := passNode("join", last.n)
	end.traits |= joint
	end.wire = func(w *wiring, n *node) any { return w.joints[n] }
	n.sides = append(n.sides, end)
	n.wire = func(w *wiring, n *node) any {
		p := newParallel[In, Out](w, n, workers, order == keepsOrder, assign)
		for range workers {
			p.addWorker(w, w.plan.real(n.body), end)
		}

		return push[In](p.push)
	}

	return Flow[Out]{n: n}
}

// fork is a running parallel stage, on the lane above and below the body.
type fork[In, Out any] struct {
	lane    *lane
	c       *counter
	next    push[Out]
	ordered bool
	assign  assignment[In]
	results *mailbox[*job[In, Out]]
	workers []*worker[In, Out]
	// gathered are the jobs being filled, one for each queue; queues carry them. spare are
	// jobs to be filled again.
	gathered []*job[In, Out]
	queues   []chan *job[In, Out]
	spare    []*job[In, Out]
	// out counts jobs that were handed out and have not come back; room is how many may.
	out, room int
	running   int
	// size is how many messages make a job.
	size int
	// next number to give out, and to let go on.
	number, due int64
	early       map[int64]*job[In, Out]
	// done are the jobs whose results go on, from the index turn on: a user function below
	// may end the goroutine, and the next one takes over here.
	done []*job[In, Out]
	turn int
}

// job is a run of messages for one worker, and then what came of them. A loose one came of
// a timer, or of the end.
type job[In, Out any] struct {
	number  int64
	entries []entry[In]
	size    int
	// outs are the results; those before emitted have gone on.
	outs    []entry[Out]
	emitted int
	took    time.Duration
	loose   bool
	exited  bool
}

// assignment chooses the queue of a value.
type assignment[In any] struct {
	queues int
	of     func(In) int
}

// shareOut lets all workers take from one queue.
func shareOut[In any](int, bool) assignment[In] {
	return assignment[In]{queues: 1, of: func(In) int { return 0 }}
}

const (
	// mostPerJob bounds the messages of a job, jobTime aims its length.
	mostPerJob = 128
	jobTime    = 200 * time.Microsecond
	// jobsPerWorker is how many jobs may be under way for each worker.
	jobsPerWorker = 4
)

func newParallel[In, Out any](
	w *wiring, n *node, workers int, ordered bool, assign func(workers int, steady bool) assignment[In],
) *fork[In, Out] {
	p := &fork[In, Out]{
		lane:    w.lane,
		c:       w.counter(n),
		next:    w.feed(n).(push[Out]), //nolint:forcetypeassert // the compiler of blueprints made it
		ordered: ordered,
		assign:  assign(workers, w.run.keeper != nil),
		room:    workers * jobsPerWorker,
		running: workers,
		size:    1,
		early:   make(map[int64]*job[In, Out]),
	}
	p.results = newMailbox[*job[In, Out]](w.lane, 0, 0)
	p.gathered = make([]*job[In, Out], p.assign.queues)
	p.queues = make([]chan *job[In, Out], p.assign.queues)
	for i := range p.queues {
		p.queues[i] = make(chan *job[In, Out], p.room)
	}
	w.lane.polls = append(w.lane.polls, func(ctx context.Context) bool { return p.takeIn(ctx, p.results.take()) })
	w.lane.passes = append(w.lane.passes, func(context.Context) bool { p.sendAll(); return false })
	w.lane.finals = append(w.lane.finals, p.finish)

	return p
}

func (p *fork[In, Out]) push(ctx context.Context, it *item, value *In) error {
	p.c.begin()
	q := p.assign.of(*value)
	g := p.gathered[q]
	if g == nil {
		g = p.blank()
		p.gathered[q] = g
	}
	g.entries = append(g.entries, entry[In]{it, *value})
	if len(g.entries) >= p.size {
		for p.out >= p.room {
			p.takeIn(ctx, p.results.await())
		}
		p.send(q)
	}

	return errHeld
}

// blank returns a job to be filled.
func (p *fork[In, Out]) blank() *job[In, Out] {
	last := len(p.spare) - 1
	if last < 0 {
		return &job[In, Out]{}
	}
	j := p.spare[last]
	p.spare = p.spare[:last]

	return j
}

// recycle keeps a job whose results have gone on, for its memory.
func (p *fork[In, Out]) recycle(j *job[In, Out]) {
	if j.loose || len(p.spare) >= p.room {
		return
	}
	clear(j.outs)
	j.entries, j.outs, j.emitted = j.entries[:0], j.outs[:0], 0
	p.spare = append(p.spare, j)
}

func (p *fork[In, Out]) send(q int) {
	g := p.gathered[q]
	if g == nil {
		return
	}
	g.number = p.number
	p.number++
	p.out++
	p.lane.run.pressure.work()
	p.gathered[q] = nil
	p.queues[q] <- g
}

// sendAll hands out what has been gathered. There is room for one more job a queue.
func (p *fork[In, Out]) sendAll() {
	for q := range p.gathered {
		p.send(q)
	}
}

// takeIn runs results through what is below, in order where that is asked for (invariant
// 14). It reports whether there was anything.
func (p *fork[In, Out]) takeIn(ctx context.Context, results []*job[In, Out]) bool {
	for _, j := range results {
		switch {
		case j.exited:
			p.running--
			p.done = append(p.done, j)
		case j.loose:
			p.done = append(p.done, j)
		default:
			p.out--
			p.adapt(j)
			p.inTurn(j)
		}
	}
	left := len(p.done) > 0
	for ; p.turn < len(p.done); p.turn++ {
		j := p.done[p.turn]
		p.emit(ctx, j)
		p.recycle(j)
	}
	clear(p.done)
	p.done, p.turn = p.done[:0], 0

	return left || len(results) > 0
}

func (p *fork[In, Out]) emit(ctx context.Context, j *job[In, Out]) {
	for j.emitted < len(j.outs) {
		e := &j.outs[j.emitted]
		j.emitted++
		launch(ctx, p.lane, p.next, e.it, &e.value)
	}
}

func (p *fork[In, Out]) inTurn(j *job[In, Out]) {
	if !p.ordered {
		p.done = append(p.done, j)

		return
	}
	for p.early[j.number] = j; ; p.due++ {
		j, ok := p.early[p.due]
		if !ok {
			return
		}
		delete(p.early, p.due)
		p.done = append(p.done, j)
	}
}

// adapt sets the size of the jobs to come by how long one took. One that took long by
// chance, because the goroutine was not running, must not tear the next ones to pieces.
func (p *fork[In, Out]) adapt(j *job[In, Out]) {
	each := max(j.took/time.Duration(max(j.size, 1)), 1)
	p.size = min(max(int(jobTime/each), p.size/2, 1), mostPerJob, 2*p.size)
}

// finish ends the workers and takes in what is left.
func (p *fork[In, Out]) finish(ctx context.Context) {
	p.sendAll()
	for p.out > 0 {
		p.takeIn(ctx, p.results.await())
	}
	for _, q := range p.queues {
		close(q)
	}
	p.queues = nil
	for p.running > 0 {
		p.takeIn(ctx, p.results.await())
	}
	p.takeIn(ctx, nil)
}
