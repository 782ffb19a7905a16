package main

import (
	"encoding/json/v2"
	"errors"
	"fmt"
	"go/ast"
	"maps"
	"os"
	"path"
	"path/filepath"
	"slices"
)

// mutant is a fault in its place.
type mutant struct {
	fault

	number int
	source *source
	edit   edit
	// alone is set where the fault is outside of every function, so that it needs a
	// compilation of its own.
	alone bool
}

// locate finds the place of each fault.
func locate(root string, faults []fault) ([]*mutant, error) {
	sources := make(map[string]*source)
	mutants := make([]*mutant, 0, len(faults))
	var errs []error
	for i, f := range faults {
		s := sources[f.file]
		if s == nil {
			var err error
			if s, err = readSource(root, f.file); err != nil {
				errs = append(errs, fmt.Errorf("%s: %w", f.name, err))

				continue
			}
			sources[f.file] = s
		}
		e, err := s.find(f.old, f.new)
		if err != nil {
			errs = append(errs, fmt.Errorf("%s: %s: %w", f.name, f.file, err))

			continue
		}
		mutants = append(mutants, &mutant{fault: f, number: i + 1, source: s, edit: e, alone: s.around(e) == nil})
	}

	return mutants, errors.Join(errs...)
}

// together returns the changed files for all mutants that need no compilation of their own.
func together(root string, mutants []*mutant) map[string]string {
	variants := make(map[*source]map[*ast.FuncDecl][]variant)
	for _, m := range mutants {
		if m.alone {
			continue
		}
		if variants[m.source] == nil {
			variants[m.source] = make(map[*ast.FuncDecl][]variant)
		}
		f := m.source.around(m.edit)
		variants[m.source][f] = append(variants[m.source][f], variant{number: m.number, name: m.name, edit: m.edit})
	}
	files := make(map[string]string)
	for s, v := range variants {
		files[s.path] = s.withVariants(root, v)
		files[path.Join(path.Dir(s.path), "mutate_active.go")] = activeFile(s.file.Name.Name)
	}

	return files
}

// function names the function that the mutant changes, as a survey does.
func (m *mutant) function() string {
	return m.file + " " + m.source.functionName(m.source.around(m.edit))
}

// changed returns the changed file of one mutant.
func (m *mutant) changed() map[string]string {
	return map[string]string{m.source.path: m.source.apply(0, len(m.source.text), m.edit)}
}

// writeOverlay puts changed files into dir and returns the file for the compiler.
func writeOverlay(root, dir string, files map[string]string) (string, error) {
	replace := make(map[string]string, len(files))
	for i, file := range slices.Sorted(maps.Keys(files)) {
		at := filepath.Join(dir, fmt.Sprintf("%d_%s", i, path.Base(file)))
		if err := os.WriteFile(at, []byte(files[file]), 0o600); err != nil {
			return "", fmt.Errorf("write the overlay: %w", err)
		}
		replace[filepath.Join(root, file)] = at
	}
	text, err := json.Marshal(map[string]any{"Replace": replace})
	if err != nil {
		return "", fmt.Errorf("write the overlay: %w", err)
	}
	overlay := filepath.Join(dir, "overlay.json")
	if err := os.WriteFile(overlay, text, 0o600); err != nil {
		return "", fmt.Errorf("write the overlay: %w", err)
	}

	return overlay, nil
}
