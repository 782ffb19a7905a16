package main

import (
	"context"
	"errors"
	"fmt"
	"io"
	"path"
	"regexp"
	"strconv"
)

// sweepFiles makes every small change of each file, one at a time. A survivor must be
// explained in the list of survivors.
func sweepFiles(ctx context.Context, root string, files []string, out io.Writer) error {
	if len(files) == 0 {
		return errors.New("-sweep: name the files, as paths from the root of the module")
	}
	unexplained := 0
	for _, file := range files {
		n, err := sweepFile(ctx, root, file, out)
		if err != nil {
			return fmt.Errorf("sweep %s: %w", file, err)
		}
		unexplained += n
	}
	if unexplained > 0 {
		return fmt.Errorf("%d survivors are not explained", unexplained)
	}

	return nil
}

func sweepFile(ctx context.Context, root, file string, out io.Writer) (unexplained int, err error) {
	s, err := readSource(root, file)
	if err != nil {
		return 0, err
	}
	changes := s.changes()
	mutants := make(map[int]*mutant, len(changes))
	var all []*mutant
	for i, c := range changes {
		m := &mutant{
			fault:  fault{name: fmt.Sprint("sweep-", i+1), file: file, tests: []string{path.Dir(file)}},
			number: i + 1, source: s, edit: c.edit,
		}
		mutants[i+1], all = m, append(all, m)
	}
	b, all, err := prepareSweep(ctx, root, all)
	defer b.close()
	if err != nil {
		return 0, err
	}
	caught, explained := 0, 0
	known := explanations(file)
	for _, m := range all {
		v, err := m.run(ctx, b)
		if err != nil {
			return unexplained, err
		}
		c := changes[m.number-1]
		reason, ok := known[c.id()]
		switch {
		case v.caught:
			caught++
		case ok:
			explained++
			say(out, "explained %s:%d %s (%s)\n", file, c.line, c.id(), reason)
		default:
			unexplained++
			say(out, "SURVIVED  %s:%d %s\n", file, c.line, c.id())
		}
	}
	say(out, "%s: %d changes compile, %d caught, %d explained, %d not explained\n",
		file, len(all), caught, explained, unexplained)

	return unexplained, nil
}

var culprit = regexp.MustCompile(`fault-sweep-(\d+)\.go:`)

// prepareSweep is prepare, but leaves out what does not compile.
func prepareSweep(ctx context.Context, root string, mutants []*mutant) (*builds, []*mutant, error) {
	for {
		b, err := prepare(ctx, root, mutants)
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
		var left []*mutant
		for _, m := range mutants {
			if !bad[m.number] {
				left = append(left, m)
			}
		}
		mutants = left
	}
}
