package flow

import "fmt"

// node is one stage of a blueprint. Nodes are immutable once a Flow or an End holds
// them, so blueprints can be shared and used more than once.
type node struct {
	// origin is the same for all versions of a stage that differ in their name.
	origin     *node
	kind, name string
	at         *place
	in, out    erasure
	ups        []*node
	traits     traits
	options    []Option
	problems   []string
	// effects names those of the options whose effects are counted.
	effects []string
	// sides are nodes that belong to this one: the ends of a tee or a route, the joint
	// that closes the body of a parallel stage.
	sides []*node
	// wire builds the running stage and returns its push[In].
	wire func(w *wiring, n *node) any
	// open builds the intake of a source; nil for every other stage.
	open func(w *wiring, n *node) intake
	// dispatch, where set, takes the place of a broadcast: a route picks one consumer.
	dispatch func(w *wiring, n *node, branches []any) any
	// endpoint is the source, sink or caller that the stage uses, where there is one.
	endpoint any
	// branch is the case of a route that begins here.
	branch string
	// body is the first node inside a parallel stage.
	body *node
	// bound is how many messages the stage may hold before it lets one go.
	bound int
}

// traits say what a stage may do to its messages; the plan check goes by them.
type traits uint16

const (
	// holds keeps messages beyond the return of its push.
	holds traits = 1 << iota
	// makes derives further messages: a split, a batch, a group.
	makes
	// frames intercepts the completion of messages.
	frames
	// lanes runs what is below it on another goroutine.
	lanes
	// ends has nothing below it.
	ends
	// retries pushes a message more than once.
	retries
	// joint closes the body of a parallel stage.
	joint
	// keepsOrder lets nothing overtake inside a parallel stage.
	keepsOrder
	// alone cannot run several times side by side.
	alone
	// fails has a function or an endpoint that can fail.
	fails
)

func (t traits) has(one traits) bool { return t&one != 0 }

// Option is one setting of a stage, as Graph shows it.
type Option struct {
	Name  string `json:"name"`
	Value string `json:"value"`
}

func option(name string, value any) Option { return Option{Name: name, Value: fmt.Sprint(value)} }

// newNode makes a source of Out, or a stage that others are below of later.
func newNode[Out any](kind string, ups ...*node) *node {
	out := erasureOf[Out]()

	return makeNode(kind, out, out, ups)
}

// stageNode makes a stage from what comes out of up to Out.
func stageNode[Out any](kind string, up *node) *node {
	return makeNode(kind, up.erased(), erasureOf[Out](), []*node{up})
}

// passNode makes a stage that lets out what comes in. It is compiled once for all types.
func passNode(kind string, up *node) *node {
	return makeNode(kind, up.erased(), up.erased(), []*node{up})
}

// erased is what comes out of n. A zero Flow has no node: its definition is wrong, so that
// nothing is asked of the zero erasure but its name.
func (n *node) erased() erasure {
	if n == nil {
		return erasure{}
	}

	return n.out
}

func makeNode(kind string, in, out erasure, ups []*node) *node {
	n := &node{kind: kind, at: caller(), in: in, out: out, ups: ups}
	n.origin = n

	return n
}

// problem notes a mistake in the stage's own arguments.
func (n *node) problem(format string, args ...any) {
	n.problems = append(n.problems, fmt.Sprintf(format, args...))
}

// require notes a problem unless ok.
func (n *node) require(ok bool, format string, args ...any) {
	if !ok {
		n.problem(format, args...)
	}
}

// copy returns another stage like n, which can be changed without touching n.
func (n *node) copy() *node {
	c := *n
	c.origin = &c

	return &c
}
