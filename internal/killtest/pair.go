package killtest

import (
	"context"
	"errors"
	"fmt"
	"io"
	"strings"
	"testing"

	"github.com/millrace-go/millrace/connector"
	"github.com/millrace-go/millrace/flow"
)

const (
	// PairWork is how many messages a pair has to get through.
	PairWork        = 96
	pairKillsItself = 10
)

// Item is the message of a pair.
type Item struct {
	ID   int    `csv:"id"   json:"id"   sql:"id"`
	Text string `csv:"text" json:"text" sql:"text"`
}

// MakeItem returns the i-th message of a pair, counted from 1: a key of 0 means none in
// some databases.
func MakeItem(i int) Item { return Item{ID: i, Text: strings.Repeat(fmt.Sprint("text ", i, " "), 3)} }

// Right checks an item that was found.
func (i Item) Right(t testing.TB) {
	t.Helper()
	if i.ID < 1 || i.ID > PairWork || i != MakeItem(i.ID) {
		t.Errorf("found %+v, which nobody wrote", i)
	}
}

// From is one kind of source.
type From struct {
	// Name is the row of the table.
	Name string
	// Fill puts the messages there before the program begins; nil where it sends them itself.
	Fill func(dir string, items []Item) error
	// Open opens the source in dir. It ends with io.EOF when no message is left, and is
	// closed after the run if it is an io.Closer.
	Open func(dir string) (connector.Source[Item], error)
}

// Into is one kind of sink.
type Into struct {
	// Name is the column of the table.
	Name string
	// End ends the flow with the sink in dir.
	End func(in flow.Flow[Item], dir string) (End, error)
	// Found tells which messages are in dir, with repetitions, when the program is over.
	Found func(t testing.TB, dir string) []int
	// Remembers says that a message which was settled has no effect when it comes again.
	Remembers bool
}

// End is the end of a flow.
type End struct {
	flow.End

	// Sink declares what the end can do.
	Sink connector.Capabilities
	// Close closes what was opened for it, in this order.
	Close []io.Closer
}

func (e End) close() error {
	var errs []error
	for _, c := range e.Close {
		errs = append(errs, c.Close())
	}

	return errors.Join(errs...)
}

// Pair is a source and a sink that claim a grade.
type Pair struct {
	From From
	Into Into
}

// Pairs are all pairs of the sources and the sinks.
func Pairs(sources []From, sinks []Into) []Pair {
	var list []Pair
	for _, from := range sources {
		for _, into := range sinks {
			list = append(list, Pair{from, into})
		}
	}

	return list
}

// Targets are the programs that prove the grades of the pairs.
func Targets(pairs []Pair) []Target {
	list := make([]Target, len(pairs))
	for i, p := range pairs {
		list[i] = Target{
			Name: p.From.Name + " to " + p.Into.Name, Prepare: p.From.prepare, Run: p.run, Check: p.check, kills: pairKillsItself,
		}
	}

	return list
}

func (f From) prepare(dir string) error {
	if f.Fill == nil {
		return nil
	}
	items := make([]Item, PairWork)
	for i := range items {
		items[i] = MakeItem(i + 1)
	}

	return f.Fill(dir, items)
}

func (p Pair) run(ctx context.Context, dir string, report *Report) error {
	source, err := p.From.Open(dir)
	if err != nil {
		return err
	}
	tracked := Tracked(source, report, func(i Item) int { return i.ID })
	end, err := p.Into.End(flow.From(tracked), dir)
	if err != nil {
		return errors.Join(err, closing(nil, source))
	}
	err = Complete(ctx, "pair", end.End)

	return errors.Join(closing(err, source), end.close())
}

// declared asks both ends what they can do.
func (p Pair) declared(t testing.TB) (source, sink connector.Capabilities) {
	t.Helper()
	dir := t.TempDir()
	if err := p.From.prepare(dir); err != nil {
		t.Fatal(err)
	}
	from, err := p.From.Open(dir)
	if err != nil {
		t.Fatal(err)
	}
	end, err := p.Into.End(flow.From(from), dir)
	if err != nil {
		t.Fatal(err)
	}
	source, sink = connector.Describe(from), end.Sink
	if err := errors.Join(closing(nil, from), end.close()); err != nil {
		t.Fatal(err)
	}

	return source, sink
}

// Grade is what the pair claims.
func (p Pair) Grade(t testing.TB) connector.Grade {
	t.Helper()

	return connector.GradeOf(p.declared(t))
}

// check wants of each message what the grade promises.
func (p Pair) check(t testing.TB, dir string, h History) {
	t.Helper()
	source, sink := p.declared(t)
	counts := make(map[int]int, PairWork)
	for _, i := range p.Into.Found(t, dir) {
		counts[i]++
	}
	grade := connector.GradeOf(source, sink)
	for i := 1; i <= PairWork; i++ {
		least, most := 1, 1
		switch {
		case grade == connector.AtMostOnce:
			least = 0
		case grade > connector.AtLeastOnce:
		case source.Returns && !source.Answers || p.Into.Remembers: // what was settled does not come again
			most += h.Open[i]
		default: // nor does the sender know what was settled, if its answer was cut off
			most += h.Kills
		}
		if n := counts[i]; n < least {
			t.Errorf("message %d is lost, although the grade is %s", i, grade)
		} else if n > most {
			t.Errorf("message %d is there %d times, although the grade is %s: want %d at most", i, n, grade, most)
		}
	}
}
