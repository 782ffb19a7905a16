package flowtest

import (
	"context"
	"errors"
	"fmt"
	"math/rand/v2"
	"slices"
	"strconv"
	"sync"
	"time"

	"github.com/millrace-go/millrace/connector"
	"github.com/millrace-go/millrace/flow"
	"github.com/millrace-go/millrace/retry"
)

// parcel is the value of generated pipelines: it knows which source messages are in it.
type parcel struct {
	Orders []int
	Part   int
}

func (p parcel) key() int { return p.Orders[0] % 3 }

func (p parcel) with(q parcel) parcel {
	sum := parcel{Orders: slices.Clone(p.Orders), Part: p.Part}
	for _, o := range q.Orders {
		if !slices.Contains(sum.Orders, o) {
			sum.Orders = append(sum.Orders, o)
		}
	}

	return sum
}

var errPoison = connector.Permanent(errors.New("poison"))

// generator makes a random pipeline of a seed.
type generator struct {
	w    *World
	rand *rand.Rand
	// script are the kinds of the first stages; the others are drawn.
	script []string
	// routes says that a route follows.
	routes bool
	// refused says why the script cannot be followed.
	refused string
	// first is how many messages the first source has.
	first int
	// numbers makes names of endpoints.
	numbers int
	path    path
	// drops says that a buffer may drop messages, forgets that a stage settles before the
	// end of the pipeline, remembers that one tells what has ended before.
	drops, forgets, remembers bool

	pairs   map[pair]bool
	excused *notebook
	letters []*SimSink[connector.DeadLetter[parcel]]
	sources []*SimSource[parcel]
	exits   []*exit
	// exit is that of the route whose branch grows.
	exit *exit
	// inside is set in the body of a parallel stage, depth counts branches.
	inside bool
	depth  int
}

// path is what the stages from the source down to here do to a message.
type path struct {
	// last is the kind of the last stage.
	last string
	// durable says that the source has forgotten the messages; queued that they come out
	// of a queue, which waits for them before it ends.
	durable, queued bool
	// grouped says that messages were made of several, merged that parts were.
	grouped, merged bool
	// unordered says that messages may overtake each other.
	unordered bool
	// parts is how many parts a message was split into.
	parts   int
	filters []string
	// sources are those whose messages get here.
	sources []string
}

// exit is where each message must arrive, unless a filter has ended it: in one of the
// sinks, of which a route chooses.
type exit struct {
	path
	sinks []*SimSink[parcel]
}

// pair are the kinds of two stages, one below the other.
type pair [2]string

// notebook remembers, over all lives, which filter has ended which order. The workers of a
// pipeline that has crashed end at the same time.
type notebook struct {
	mu    sync.Mutex
	notes map[verdictOf]bool
}

type verdictOf struct {
	filter string
	order  int
}

// anyFilter stands for whichever filter it was.
const anyFilter = ""

func (n *notebook) note(filter string, orders []int) {
	n.mu.Lock()
	defer n.mu.Unlock()
	for _, o := range orders {
		n.notes[verdictOf{filter, o}], n.notes[verdictOf{anyFilter, o}] = true, true
	}
}

func (n *notebook) has(filter string, order int) bool {
	n.mu.Lock()
	defer n.mu.Unlock()

	return n.notes[verdictOf{filter, order}]
}

func (*notebook) name() string         { return "excused" }
func (*notebook) done() bool           { return true }
func (*notebook) unfinished() string   { return "" }
func (*notebook) restart()             {}
func (*notebook) check(*World) []error { return nil }

type grow func(g *generator, f flow.Flow[parcel]) flow.Flow[parcel]

type kind struct {
	name string
	grow grow
}

func (g *generator) n(n int) int { return g.rand.IntN(n) }

func (g *generator) name(kind string) string {
	g.numbers++

	return fmt.Sprintf("%s%d", kind, g.numbers)
}

// body is that of a parallel stage.
func (g *generator) body(f flow.Flow[parcel]) flow.Flow[parcel] {
	inside := g.inside
	g.inside = true
	for range 1 + g.n(2) {
		f = g.stage(f)
	}
	g.inside = inside

	return f
}

// unfit says why a stage cannot stand here, where only the generator knows.
func (g *generator) unfit(name string) string {
	switch {
	case g.inside && slices.Contains([]string{
		"parallel", "unordered", "keyed", "via", "via-memory", "buffer", "aggregate-stored", "tee", "merge",
		"throttle", "throttle-keyed", "resequence", "delay", "delay-memory",
	}, name):
		return "a body cannot have it"
	case name == "tee" && g.depth > 1:
		return "the branches are deep enough"
	case name == "merge" && len(g.sources) > 1:
		return "two sources are enough"
	case g.path.grouped && slices.Contains([]string{"once", "fold-stored", "aggregate-stored"}, name):
		return "a group has the ID of its first message, whatever else is in it"
	case g.path.merged && name == "resequence":
		return "a group has the number of its first message, whatever else is in it"
	default:
		return ""
	}
}

// stage adds the next stage of the script, or a random one.
func (g *generator) stage(f flow.Flow[parcel]) flow.Flow[parcel] {
	all := kinds()
	if len(g.script) > 0 {
		next := slices.IndexFunc(all, func(k kind) bool { return k.name == g.script[0] })
		why := g.unfit(all[next].name)
		if why == "" {
			g.script = g.script[1:]

			return g.add(f, all[next])
		}
		if !g.inside {
			g.refused = why
		}
	}
	for {
		if k := all[g.n(len(all))]; g.unfit(k.name) == "" {
			return g.add(f, k)
		}
	}
}

func (g *generator) add(f flow.Flow[parcel], k kind) flow.Flow[parcel] {
	g.pairs[pair{g.path.last, k.name}] = true
	g.path.last = k.name
	f = k.grow(g, f)
	g.path.last = k.name
	switch k.name {
	case "aggregate", "batch-map":
		g.path.grouped, g.path.merged, g.path.unordered = true, true, true
	case "aggregate-stored":
		g.path.merged, g.path.unordered = true, true
	case "fold", "fold-stored":
		g.path.merged = true
	case "unordered", "resequence", "delay", "delay-memory":
		g.path.unordered = true
	case "split":
		g.path.parts *= 2
	}

	return f
}

// branch grows a flow to an end.
func (g *generator) branch(f flow.Flow[parcel]) flow.End {
	above := g.path
	g.path.filters = slices.Clone(above.filters)
	g.depth++
	for range g.n(4) {
		f = g.stage(f)
	}
	end := g.end(f)
	g.depth--
	g.path = above

	return end
}

// side is a branch of a Tee: what goes into it must arrive, unless only some messages get
// there at all.
func (g *generator) side(f flow.Flow[parcel]) flow.End {
	above := g.exit
	if above != nil {
		g.exit = &exit{}
	}
	end := g.branch(f)
	g.exit = above

	return end
}

func (g *generator) end(f flow.Flow[parcel]) flow.End {
	g.pairs[pair{g.path.last, "end"}] = true
	out := g.exit
	if out == nil {
		out = &exit{path: g.path}
		out.filters = nil
		g.exits = append(g.exits, out)
	}
	if routes := g.routes; routes || g.depth < 2 && g.n(4) == 0 {
		g.routes = false
		g.pairs[pair{g.path.last, "route"}] = true
		above := g.exit
		g.exit = out
		end := f.Route().Case("zero", func(p parcel) bool { return p.key() == 0 }, g.branch).Else(g.branch)
		g.exit = above

		return end
	}
	sink := g.w.Sink[parcel](g.name("sink"))
	out.sinks = append(out.sinks, sink)
	out.filters = append(out.filters, g.path.filters...)
	out.merged = out.merged || g.path.merged

	return g.to(f, sink)
}

// to connects a sink, with some of the policies that there are.
func (g *generator) to(f flow.Flow[parcel], sink *SimSink[parcel]) flow.End {
	if g.n(4) == 0 {
		return f.ForEach(func(ctx context.Context, p parcel) error {
			return sink.Write(ctx, []connector.Message[parcel]{connector.NewMessage(p, connector.Fields{})})
		})
	}
	// A pipeline that was refused may have had a sink of this name.
	ordered := g.n(3) == 0
	sink.Declare(connector.Capabilities{Ordered: ordered}).InOrder(func(p parcel) string { return strconv.Itoa(p.key()) })
	sink.tray.inOrder = ordered && !g.path.unordered
	to := flow.Into(sink)
	if g.n(2) == 0 {
		to = to.Timeout(20 * time.Second)
	}
	if g.n(2) == 0 {
		to = to.Retry(retry.Policy{Attempts: 2 + g.n(3), Idempotent: g.n(2) == 0})
	}
	if g.n(2) == 0 {
		return g.batch(f).To(to)
	}

	return f.To(to)
}

// from begins a flow with so many orders, numbered from first on.
func (g *generator) from(name string, first, count int) flow.Flow[parcel] {
	values := make([]parcel, count)
	for i := range values {
		values[i].Orders = []int{first + i}
	}
	source := g.w.Source(name, values...)
	g.sources = append(g.sources, source)
	g.path.sources = append(slices.Clone(g.path.sources), name)
	caps := connector.Capabilities{Returns: true}
	switch g.n(6) {
	case 0:
		caps.Ordered = true
	case 1:
		// It does not end before everything in flight has ended, as a queue does.
		caps.Lease, g.path.queued = time.Minute, true
	}

	return flow.From(source.Declare(caps)).DeadLetter(g.letter())
}

// attempts is how many random pipelines are made to find one that flow accepts.
const attempts = 30

// generate makes the pipeline of a seed, the same for each call. It begins with the
// stages of the script, if any pipeline can; else refused says why not, and it is a
// random one.
func generate(w *World, seed uint64, script ...string) (p *flow.Pipeline, g *generator, refused string) {
	excused := find(w, "excused", func() *notebook { return &notebook{notes: make(map[verdictOf]bool)} })
	endpoints := len(w.endpoints)
	for attempt := range uint64(10 * attempts) {
		w.endpoints = w.endpoints[:endpoints] // without those that a refused pipeline asked for
		g = &generator{
			w: w, rand: rand.New(rand.NewPCG(seed, attempt)), path: path{last: "from", parts: 1},
			pairs: make(map[pair]bool), excused: excused,
		}
		if attempt < attempts {
			g.follow(script)
		}
		g.first = 8 + int(mix(seed, 77)%20)
		p = g.pipeline()
		switch err := p.Check(); {
		case g.refused != "":
			refused = g.refused
		case err != nil:
			refused = err.Error()
		case attempt < attempts:
			w.Check("every order arrives", g.check)

			return p, g, ""
		default:
			w.Check("every order arrives", g.check)

			return p, g, refused
		}
	}
	panic("no pipeline of seed " + strconv.FormatUint(seed, 10) + ": " + refused)
}

// follow makes the pipeline begin as the script says.
func (g *generator) follow(script []string) {
	g.script = script
	if n := len(script); n > 0 && script[n-1] == "route" {
		g.script, g.routes = script[:n-1], true
	}
}

func (g *generator) pipeline() *flow.Pipeline {
	stages := max(len(g.script), 1+g.n(4))
	if g.routes || len(g.script) == 1 {
		stages = len(g.script)
	}
	f := g.from("orders", 1, g.first)
	for range stages {
		f = g.stage(f)
	}
	above := g.path
	ends := []flow.End{g.end(f)}
	if g.path = above; g.n(4) == 0 {
		ends = append(ends, g.branch(f)) // a broadcast
	}

	return flow.New("generated", ends...).With(flow.Config{MaxInFlight: 4 + g.n(30), Chunk: 1 + g.n(16)})
}
