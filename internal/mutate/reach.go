package main

import (
	"cmp"
	"context"
	"errors"
	"fmt"
	"io/fs"
	"os"
	"os/exec"
	"path/filepath"
	"regexp"
	"slices"
	"strconv"
	"strings"
	"sync"
	"time"
)

// A test that does not call a function cannot tell what is in it. So a sweep first runs every
// test by itself, with every function noting that it is called, and then runs, for each change,
// the tests that call the function, quick ones first.

// proof is one test, and how long it takes by itself.
type proof struct {
	pkg, name string
	cost      time.Duration
	// calls are the functions that it calls.
	calls map[string]bool
	// kills counts the changes that it has caught.
	kills int
}

// reach is what every test of some packages calls.
type reach struct {
	proofs []*proof

	mu sync.Mutex // for the kills
}

// survey runs every test of the packages by itself.
func (b *builds) survey(ctx context.Context, packages []string) (*reach, error) {
	r := &reach{}
	for _, p := range packages {
		list := exec.CommandContext(ctx, b.tests[p], "-test.list", ".") //nolint:gosec // a binary that this program has just built
		list.Dir = filepath.Join(b.root, p)
		names, err := list.Output()
		if err != nil {
			return nil, fmt.Errorf("list the tests of %s: %w", p, err)
		}
		for name := range strings.Lines(string(names)) {
			if name = strings.TrimSpace(name); noProof.MatchString(name) {
				continue
			}
			one, err := b.surveyOne(ctx, p, name)
			if err != nil {
				return nil, err
			}
			r.proofs = append(r.proofs, one)
		}
	}

	return r, nil
}

var noProof = regexp.MustCompile("^Benchmark|" + costTests + "|^ok |^$")

func (b *builds) surveyOne(ctx context.Context, pkg, name string) (*proof, error) {
	notes := filepath.Join(b.dir, "notes")
	if err := os.Remove(notes); err != nil && !errors.Is(err, fs.ErrNotExist) {
		return nil, fmt.Errorf("forget the test before: %w", err)
	}
	p := &proof{pkg: pkg, name: name, calls: make(map[string]bool)}
	cmd := exec.CommandContext(ctx, b.tests[pkg], "-test.run", "^"+name+"$") //nolint:gosec // as above
	cmd.Dir = filepath.Join(b.root, pkg)
	cmd.Env = append(os.Environ(), activeEnvironment+"="+strconv.Itoa(noting), noteEnvironment+"="+notes)
	if out, err := cmd.CombinedOutput(); err != nil {
		return nil, fmt.Errorf("%s of %s fails without a change: %w\n%s", name, pkg, err, out)
	}
	p.cost = cmd.ProcessState.UserTime() + cmd.ProcessState.SystemTime()
	text, err := os.ReadFile(notes)
	if err != nil && !errors.Is(err, fs.ErrNotExist) {
		return nil, fmt.Errorf("read what %s calls: %w", name, err)
	}
	for line := range strings.Lines(string(text)) {
		p.calls[strings.TrimSpace(line)] = true
	}

	return p, nil
}

// byPackage returns the tests of each package.
func (r *reach) byPackage() [][]*proof {
	var all [][]*proof
	for i, p := range r.proofs {
		if i == 0 || p.pkg != r.proofs[i-1].pkg {
			all = append(all, nil)
		}
		all[len(all)-1] = append(all[len(all)-1], p)
	}

	return all
}

// cost is what the tests take one by one.
func (r *reach) cost() (sum time.Duration) {
	for _, p := range r.proofs {
		sum += p.cost
	}

	return sum
}

// callers returns the tests that call a function.
func (r *reach) callers(function string) []*proof {
	return slices.DeleteFunc(slices.Clone(r.proofs), func(p *proof) bool { return !p.calls[function] })
}

// stages orders tests so that those come first that are quick or have caught much, and cuts
// them into runs of one package each.
func (r *reach) stages(tests []*proof) [][]*proof {
	r.mu.Lock()
	defer r.mu.Unlock()
	tests = slices.Clone(tests)
	worth := func(p *proof) time.Duration {
		return (p.cost + 10*time.Millisecond) / time.Duration(1+p.kills)
	}
	slices.SortStableFunc(tests, func(a, b *proof) int {
		return cmp.Or(cmp.Compare(a.pkg, b.pkg), cmp.Compare(worth(a), worth(b)))
	})
	var all [][]*proof
	for most := 4; len(tests) > 0; most *= 4 {
		n := 0
		for n < min(most, len(tests)) && tests[n].pkg == tests[0].pkg {
			n++
		}
		all = append(all, tests[:n])
		tests = tests[n:]
	}

	return all
}

// credit notes which of the tests has caught a change.
func (r *reach) credit(tests []*proof, v verdict) {
	r.mu.Lock()
	defer r.mu.Unlock()
	for _, p := range tests {
		if p.pkg+" "+p.name == v.test() {
			p.kills++
		}
	}
}
