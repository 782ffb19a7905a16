package main

import (
	"context"
	"errors"
	"flag"
	"fmt"
	"io"
	"math/rand/v2"
	"os"
	"os/exec"
	"os/signal"
	"slices"
	"strings"
)

func main() {
	ctx, stop := signal.NotifyContext(context.Background(), os.Interrupt)
	err := command(ctx, os.Args[1:], os.Stdout)
	stop()
	if err != nil {
		say(os.Stderr, "mutate: %v\n", err)
		os.Exit(1)
	}
}

// command runs what the flags ask for.
func command(ctx context.Context, args []string, out io.Writer) error {
	flags := flag.NewFlagSet("mutate", flag.ContinueOnError)
	only := flags.String("only", "", "run the faults with these `names`, separated by commas")
	sample := flags.Int("sample", 0, "run so many faults, chosen by -seed; 0 for all")
	seed := flags.Uint64("seed", 1, "choose the sample by this number")
	list := flags.Bool("list", false, "list the faults and run none")
	sweep := flags.Bool("sweep", false, "change operators and statements of the files that are named, in place of the list")
	if err := flags.Parse(args); err != nil {
		return err
	}
	root, err := moduleRoot(ctx)
	if err != nil {
		return err
	}
	if *sweep {
		return sweepFiles(ctx, root, flags.Args(), out)
	}
	faults := allFaults()
	if err := check(faults); err != nil {
		return err
	}
	if faults, err = choose(faults, *only, *sample, *seed); err != nil {
		return err
	}
	if *list {
		for _, f := range faults {
			say(out, "%-32s invariant %-2d  %s: %s\n", f.name, f.breaks, f.file, f.wrong)
		}

		return nil
	}

	return catchAll(ctx, root, faults, out)
}

// say writes to the report.
func say(out io.Writer, format string, args ...any) {
	_, _ = fmt.Fprintf(out, format, args...) // a report that cannot be written has no reader
}

// choose picks faults by name, or a sample.
func choose(faults []fault, only string, sample int, seed uint64) ([]fault, error) {
	if only != "" {
		names := strings.Split(only, ",")
		chosen := slices.DeleteFunc(slices.Clone(faults), func(f fault) bool { return !slices.Contains(names, f.name) })
		if len(chosen) != len(names) {
			return nil, fmt.Errorf("-only %s: %d of the names are in the list, see -list", only, len(chosen))
		}

		return chosen, nil
	}
	if sample <= 0 || sample >= len(faults) {
		return faults, nil
	}
	chosen := make([]fault, 0, sample)
	for _, i := range rand.New(rand.NewPCG(seed, seed)).Perm(len(faults))[:sample] {
		chosen = append(chosen, faults[i])
	}

	return chosen, nil
}

func moduleRoot(ctx context.Context) (string, error) {
	out, err := exec.CommandContext(ctx, "go", "list", "-m", "-f", "{{.Dir}}").Output()
	if err != nil {
		return "", fmt.Errorf("find the module: %w", err)
	}

	return strings.TrimSpace(string(out)), nil
}

var errSurvivors = errors.New("the tests do not catch every fault")

// catchAll runs the tests against each fault and reports.
func catchAll(ctx context.Context, root string, faults []fault, out io.Writer) error {
	mutants, err := locate(root, faults)
	if err != nil {
		return err
	}
	shared, err := prepare(ctx, root, mutants)
	defer shared.close()
	if err != nil {
		return err
	}
	caught := 0
	for _, m := range mutants {
		v, err := m.run(ctx, shared)
		if err != nil {
			return fmt.Errorf("fault %s: %w", m.name, err)
		}
		if v.caught {
			caught++
			say(out, "caught    %-32s invariant %-2d  by %s\n", m.name, m.breaks, v.by)
		} else {
			say(out, "SURVIVED  %-32s invariant %-2d  %s: %s\n", m.name, m.breaks, m.file, m.wrong)
		}
	}
	say(out, "caught %d of %d\n", caught, len(mutants))
	if caught < len(mutants) {
		return errSurvivors
	}

	return nil
}

// prepare compiles the tests with all faults in them, and runs the controls.
func prepare(ctx context.Context, root string, mutants []*mutant) (*builds, error) {
	var packages []string
	for _, m := range mutants {
		packages = append(packages, m.packages()...)
	}
	slices.Sort(packages)
	packages = slices.Compact(packages)
	b, err := compile(ctx, root, together(root, mutants), packages)
	if err != nil {
		return b, err
	}
	for _, p := range packages {
		if err := b.control(ctx, p); err != nil {
			return b, err
		}
	}

	return b, nil
}

// run tests one fault, package by package until one of them catches it.
func (m *mutant) run(ctx context.Context, shared *builds) (verdict, error) {
	b := shared
	if m.alone {
		own, err := compile(ctx, shared.root, m.changed(), m.packages())
		defer own.close()
		if err != nil {
			return verdict{}, err
		}
		own.took = shared.took
		b = own
	}
	var v verdict
	for _, p := range m.packages() {
		var err error
		if v, err = b.try(ctx, p, m.number); err != nil || v.caught {
			return v, err
		}
	}

	return v, nil
}
