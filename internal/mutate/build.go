package main

import (
	"context"
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"time"
)

// builds are the compiled tests of packages under one overlay.
type builds struct {
	root string
	dir  string
	// tests are the binaries, by package.
	tests map[string]string
	// took is how long the tests of a package took when nothing was wrong.
	took map[string]time.Duration
}

// compileError is what the compiler said.
type compileError struct{ text string }

func (e *compileError) Error() string { return "it does not compile:\n" + e.text }

// compile builds the tests of packages with changed files.
func compile(ctx context.Context, root string, files map[string]string, packages []string) (*builds, error) {
	dir, err := os.MkdirTemp("", "mutate")
	if err != nil {
		return nil, fmt.Errorf("make a directory for the overlay: %w", err)
	}
	b := &builds{root: root, dir: dir, tests: make(map[string]string), took: make(map[string]time.Duration)}
	overlay, err := writeOverlay(root, dir, files)
	if err != nil {
		return b, err
	}
	for _, p := range packages {
		binary := filepath.Join(dir, strings.ReplaceAll(p, "/", "_")+".test")
		cmd := exec.CommandContext(ctx, "go", "test", "-c", "-vet=off", "-gcflags=-e", "-overlay", overlay, "-o", binary, "./"+p) //nolint:gosec // the packages of the list
		cmd.Dir = root
		if out, err := cmd.CombinedOutput(); err != nil {
			return b, &compileError{text: fmt.Sprintf("%s%v", out, err)}
		}
		b.tests[p] = binary
	}

	return b, nil
}

func (b *builds) close() {
	if b != nil {
		_ = os.RemoveAll(b.dir) // a directory for temporary files
	}
}
