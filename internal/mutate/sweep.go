package main

import (
	"context"
	"errors"
	"fmt"
	"io"
	"iter"
	"maps"
	"path"
	"regexp"
	"slices"
	"strconv"
	"strings"
	"sync"
	"sync/atomic"
	"time"
)

// sweepPackages are those whose tests may catch a change beside the package of the file.
var sweepPackages = []string{"flow/flowtest"}

// sweepFiles makes every small change of each file, one at a time. A survivor must be
// explained in the list of survivors.
func sweepFiles(ctx context.Context, root string, files []string, out io.Writer) error {
	if len(files) == 0 {
		return errors.New("-sweep: name the files, as paths from the root of the module")
	}
	total := counts{}
	byDirectory := make(map[string][]string)
	for _, file := range files {
		byDirectory[path.Dir(file)] = append(byDirectory[path.Dir(file)], file)
	}
	for _, dir := range slices.Sorted(maps.Keys(byDirectory)) {
		c, err := sweepDirectory(ctx, root, dir, byDirectory[dir], out)
		if err != nil {
			return fmt.Errorf("sweep %s: %w", dir, err)
		}
		total.add(c)
	}
	say(out, "all: %v\n", total)
	if total.unexplained+total.stale > 0 {
		return fmt.Errorf("%d survivors are not explained, %d explanations are wrong", total.unexplained, total.stale)
	}

	return nil
}

// sweepTests are the packages whose tests may catch a change in a directory.
func sweepTests(dir string) []string {
	if dir == "flow" {
		return append([]string{dir}, sweepPackages...)
	}

	return []string{dir}
}

// counts is what a sweep came to.
type counts struct { //nolint:recvcheck // it prints itself by value, and is added to in place
	changes, caught, explained, unexplained int
	// stale are explanations of changes that are caught or are not there any more.
	stale int
	cpu   time.Duration
}

func (c *counts) add(d counts) {
	c.changes += d.changes
	c.caught += d.caught
	c.explained += d.explained
	c.unexplained += d.unexplained
	c.stale += d.stale
	c.cpu += d.cpu
}

func (c counts) String() string {
	return fmt.Sprintf("%d changes compile, %d caught, %d explained, %d not explained; %.2f s of CPU for each",
		c.changes, c.caught, c.explained, c.unexplained, c.cpu.Seconds()/float64(max(c.changes, 1)))
}

// sweepDirectory compiles the changes of all files together, because the tests take longer to
// compile than to run.
func sweepDirectory(ctx context.Context, root, dir string, files []string, out io.Writer) (counts, error) {
	var all []*mutant
	changes := make(map[int]change) // by number
	for _, file := range files {
		s, err := readSource(root, file)
		if err != nil {
			return counts{}, err
		}
		for _, c := range s.changes() {
			n := len(changes) + 1
			changes[n] = c
			all = append(all, &mutant{
				fault:  fault{name: fmt.Sprint("sweep-", n), file: file, tests: sweepTests(dir)},
				number: n, source: s, edit: c.edit,
			})
		}
	}
	b, all, err := compileSweep(ctx, root, all)
	defer b.close()
	if err != nil {
		return counts{}, err
	}
	r, err := b.surveySweep(ctx, sweepTests(dir), out)
	if err != nil {
		return counts{}, err
	}
	verdicts, failed := sweepAll(ctx, b, r, all)
	total := counts{}
	for file, of := range perFile(files, all) {
		n := reportFile(file, all[of.from:of.to], verdicts[of.from:of.to], changes, out)
		total.add(n)
	}

	return total, <-failed
}

// span is the part of a list that is about one file.
type span struct{ from, to int }

// perFile yields the files in their order, with their parts of the list of mutants.
func perFile(files []string, all []*mutant) iter.Seq2[string, span] {
	return func(yield func(string, span) bool) {
		at := 0
		for _, file := range files {
			of := span{from: at}
			for at < len(all) && all[at].file == file {
				at++
			}
			if of.to = at; !yield(file, of) {
				return
			}
		}
	}
}

// reportFile waits for the verdicts about a file and holds them against the list of survivors.
func reportFile(file string, all []*mutant, verdicts []chan verdict, changes map[int]change, out io.Writer) counts {
	n := counts{changes: len(all)}
	known := explanations(file)
	for i := range all {
		v := <-verdicts[i]
		n.cpu += v.cpu
		c := changes[all[i].number]
		reason, ok := known[c.id()]
		delete(known, c.id())
		switch {
		case v.caught && ok:
			n.caught, n.stale = n.caught+1, n.stale+1
			say(out, "CAUGHT    %s:%d %s by %s, but it is in the list of survivors (%s)\n", file, c.line, c.id(), v.by, reason)
		case v.caught:
			n.caught++
			say(out, "caught    %s:%d %s by %s\n", file, c.line, c.id(), v.by)
		case ok:
			n.explained++
			say(out, "explained %s:%d %s (%s)\n", file, c.line, c.id(), reason)
		default:
			n.unexplained++
			say(out, "SURVIVED  %s:%d %s\n", file, c.line, c.id())
		}
	}
	for id := range known {
		n.stale++
		say(out, "GONE      %s %s, but it is in the list of survivors\n", file, id)
	}
	say(out, "%s: %v\n", file, n)

	return n
}

// sweepers is how many changes are tried at a time. Those that hang wait for their limit and
// cost nothing, so a few more than there are processors.
const sweepers = 4

// sweepAll tries every change. The verdicts come in any order; the error when all have ended.
func sweepAll(ctx context.Context, b *builds, r *reach, all []*mutant) ([]chan verdict, <-chan error) {
	verdicts, failed := make([]chan verdict, len(all)), make(chan error, 1)
	for i := range verdicts {
		verdicts[i] = make(chan verdict, 1)
	}
	errs := make([]error, len(all))
	var group sync.WaitGroup
	var next atomic.Int64
	for range sweepers {
		group.Go(func() {
			for i := int(next.Add(1)) - 1; i < len(all); i = int(next.Add(1)) - 1 {
				var v verdict
				if errs[i] = ctx.Err(); errs[i] == nil {
					v, errs[i] = all[i].sweep(ctx, b, r)
				}
				verdicts[i] <- v
			}
		})
	}
	go func() {
		group.Wait()
		failed <- errors.Join(errs...)
	}()

	return verdicts, failed
}

// sweep tries a change against the tests that call its function.
func (m *mutant) sweep(ctx context.Context, b *builds, r *reach) (verdict, error) {
	var all verdict
	for _, tests := range r.stages(r.callers(m.function())) {
		v, err := b.test(ctx, trialOf(m.number, tests))
		v.cpu += all.cpu
		if all = v; err != nil || v.caught {
			r.credit(tests, v)

			return v, err
		}
	}

	return all, nil
}

// trialOf runs some tests of one package, for many times as long as they take by themselves:
// what hangs or runs away is caught then, by the time on processors if it can be.
func trialOf(number int, tests []*proof) trial {
	t := trial{pkg: tests[0].pkg, number: number}
	var cost time.Duration
	for _, p := range tests {
		t.tests = append(t.tests, p.name)
		cost += p.cost
	}
	t.seconds = 3 + int(patience*cost/time.Second)
	t.limit = leastLimit + 5*patience*cost

	return t
}

var culprit = regexp.MustCompile(`fault-sweep-(\d+)\.go:`)

// surveySweep runs the tests one by one, and then all of them with an unchanged copy of each
// function: they must pass.
func (b *builds) surveySweep(ctx context.Context, packages []string, out io.Writer) (*reach, error) {
	r, err := b.survey(ctx, packages)
	if err != nil {
		return nil, err
	}
	for _, tests := range r.byPackage() {
		v, err := b.test(ctx, trialOf(unchanged, tests))
		switch {
		case err != nil:
			return nil, err
		case v.caught:
			return nil, fmt.Errorf("the tests fail without a change: %s", v.by)
		}
	}
	say(out, "%s: %d tests, %.1f s of CPU one by one\n", strings.Join(packages, ", "), len(r.proofs), r.cost().Seconds())

	return r, nil
}

// compileSweep leaves out what does not compile.
func compileSweep(ctx context.Context, root string, mutants []*mutant) (*builds, []*mutant, error) {
	for {
		b, err := compile(ctx, root, together(root, mutants), mutants[0].packages())
		broken, ok := errors.AsType[*compileError](err)
		if !ok {
			return b, mutants, err
		}
		b.close()
		bad := make(map[int]bool)
		for _, m := range culprit.FindAllStringSubmatch(broken.text, -1) {
			number, _ := strconv.Atoi(m[1]) // digits
			bad[number] = true
		}
		if len(bad) == 0 {
			return nil, nil, err
		}
		mutants = slices.DeleteFunc(mutants, func(m *mutant) bool { return bad[m.number] })
	}
}
