package main

import (
	"bufio"
	"bytes"
	"cmp"
	"context"
	"fmt"
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

// A test that does not come to a place cannot tell what stands there. So a sweep first runs
// every test by itself, with the compiler counting which blocks of the code it comes to, and
// then runs, for each change, the tests that come to it, quick ones first.

// proof is one test, and how long it takes by itself.
type proof struct {
	pkg, name string
	cost      time.Duration
	// blocks are those that it comes to, by file.
	blocks map[string][]block
	// kills counts the changes that it has caught.
	kills int
}

// spot is a line and a column.
type spot struct{ line, column int }

func (a spot) compare(b spot) int {
	return cmp.Or(cmp.Compare(a.line, b.line), cmp.Compare(a.column, b.column))
}

// block is a piece of code that runs from its first statement to its last.
type block struct{ from, to spot }

func (b block) has(at spot) bool { return b.from.compare(at) <= 0 && at.compare(b.to) < 0 }

// reach is what every test of some packages comes to.
type reach struct {
	// module is its path, which profiles put before each file.
	module string
	proofs []*proof
	blocks map[string][]block

	mu sync.Mutex // for the kills
}

// surveyReach runs every test of the packages by itself.
func surveyReach(ctx context.Context, root string, packages, files []string) (*reach, error) {
	dir, err := os.MkdirTemp("", "reach")
	if err != nil {
		return nil, fmt.Errorf("make a directory for the profiles: %w", err)
	}
	defer func() { _ = os.RemoveAll(dir) }() // a directory for temporary files
	list := exec.CommandContext(ctx, "go", "list", "-m")
	list.Dir = root
	module, err := list.Output()
	if err != nil {
		return nil, fmt.Errorf("ask for the path of the module: %w", err)
	}
	r := &reach{module: strings.TrimSpace(string(module)), blocks: make(map[string][]block)}
	covered := slices.Clone(files)
	for i := range covered {
		covered[i] = "./" + filepath.Dir(covered[i])
	}
	for i, p := range packages {
		binary := filepath.Join(dir, strconv.Itoa(i)+".test")
		build := exec.CommandContext(ctx, "go", "test", "-c", "-vet=off", "-cover", "-covermode=atomic", //nolint:gosec // packages of this module
			"-coverpkg="+strings.Join(slices.Compact(slices.Sorted(slices.Values(covered))), ","), "-o", binary, "./"+p)
		build.Dir = root
		if out, err := build.CombinedOutput(); err != nil {
			return nil, &compileError{text: fmt.Sprintf("%s%v", out, err)}
		}
		if err := r.survey(ctx, filepath.Join(root, p), binary, p, files); err != nil {
			return nil, err
		}
	}

	return r, nil
}

var (
	noProof  = regexp.MustCompile("^Benchmark|" + costTests + "|^ok |^$")
	coverage = regexp.MustCompile(`^([^:]+\.go):(\d+)\.(\d+),(\d+)\.(\d+) \d+ (\d+)$`)
)

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

func (r *reach) survey(ctx context.Context, dir, binary, pkg string, files []string) error {
	list := exec.CommandContext(ctx, binary, "-test.list", ".") //nolint:gosec // a binary that this program has just built
	list.Dir = dir
	names, err := list.Output()
	if err != nil {
		return fmt.Errorf("list the tests of %s: %w", pkg, err)
	}
	profile := filepath.Join(filepath.Dir(binary), "profile")
	for name := range strings.Lines(string(names)) {
		if name = strings.TrimSpace(name); noProof.MatchString(name) {
			continue
		}
		p := &proof{pkg: pkg, name: name}
		cmd := exec.CommandContext(ctx, binary, "-test.run", "^"+name+"$", "-test.coverprofile", profile) //nolint:gosec // as above
		cmd.Dir = dir
		if out, err := cmd.CombinedOutput(); err != nil {
			return fmt.Errorf("%s of %s fails without a change: %w\n%s", name, pkg, err, out)
		}
		p.cost = cmd.ProcessState.UserTime() + cmd.ProcessState.SystemTime()
		text, err := os.ReadFile(profile)
		if err != nil {
			return fmt.Errorf("read what %s comes to: %w", name, err)
		}
		r.note(p, text, files)
	}

	return nil
}

// note reads the profile of one test.
func (r *reach) note(p *proof, profile []byte, files []string) {
	p.blocks = make(map[string][]block)
	known := len(r.proofs) > 0 // every profile lists all blocks
	lines := bufio.NewScanner(bytes.NewReader(profile))
	for lines.Scan() {
		m := coverage.FindStringSubmatch(lines.Text())
		if m == nil {
			continue
		}
		i := slices.IndexFunc(files, func(f string) bool { return m[1] == r.module+"/"+f })
		if i < 0 {
			continue
		}
		var n [5]int
		for k := range n {
			n[k], _ = strconv.Atoi(m[2+k]) // digits
		}
		b := block{spot{n[0], n[1]}, spot{n[2], n[3]}}
		if !known {
			r.blocks[files[i]] = append(r.blocks[files[i]], b)
		}
		if n[4] > 0 {
			p.blocks[files[i]] = append(p.blocks[files[i]], b)
		}
	}
	r.proofs = append(r.proofs, p)
}

// at returns the tests that come to the place, and those that come to the function round it
// only. Where no block has the place, as in the cases of a select, it is the function that counts.
func (r *reach) at(file string, place spot, function block) (near, far []*proof) {
	var inner block
	for _, b := range r.blocks[file] {
		if b.has(place) && b.from.compare(inner.from) > 0 {
			inner = b
		}
	}
	for _, p := range r.proofs {
		switch {
		case inner != block{} && slices.Contains(p.blocks[file], inner):
			near = append(near, p)
		case slices.ContainsFunc(p.blocks[file], func(b block) bool { return function.has(b.from) }):
			if inner == (block{}) {
				near = append(near, p)
			} else {
				far = append(far, p)
			}
		}
	}

	return near, far
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
