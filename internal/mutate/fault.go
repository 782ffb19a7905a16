package main

import (
	"errors"
	"fmt"
	"path"
	"slices"
)

// fault is one deliberate mistake.
type fault struct {
	name string
	// breaks is the number of the invariant in ARCHITECTURE.md.
	breaks int
	// wrong says what the code does then.
	wrong string
	// file is the path from the root of the module; old must occur in it exactly once.
	file, old, new string
	// tests are the packages whose tests may catch it; none means that of the file.
	tests []string
}

// packages are the directories whose tests may catch the fault.
func (f fault) packages() []string {
	if len(f.tests) == 0 {
		return []string{path.Dir(f.file)}
	}

	return f.tests
}

// allFaults is the list.
func allFaults() []fault {
	return slices.Concat(
		settlementFaults(), sourceFaults(), ledgerFaults(), holdFaults(), drainFaults(), stopFaults(), retryFaults(), panicFaults(),
		deadLetterFaults(), partialFaults(), onceFaults(), boundFaults(), definitionFaults(), orderFaults(),
		durableFaults(), queueFaults(), storeFaults(), inputFaults(), fileFaults(), clockFaults(), httpFaults(), folderFaults(), documentFaults(),
	)
}

// check reports what is wrong with a list, apart from the texts.
func check(faults []fault) error {
	var errs []error
	seen := make(map[string]bool, len(faults))
	for _, f := range faults {
		switch {
		case f.name == "" || f.wrong == "" || f.file == "" || f.old == "" || f.breaks < 1:
			errs = append(errs, fmt.Errorf("fault %q is incomplete", f.name))
		case seen[f.name]:
			errs = append(errs, fmt.Errorf("fault %q stands twice", f.name))
		case f.old == f.new:
			errs = append(errs, fmt.Errorf("fault %q changes nothing", f.name))
		}
		seen[f.name] = true
	}

	return errors.Join(errs...)
}
