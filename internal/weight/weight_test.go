package weight_test

import (
	"os"
	"os/exec"
	"path/filepath"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/millrace-go/millrace/internal/weight"
)

const (
	// mostModules bounds the modules behind flow and connector/memory, this one included.
	mostModules = 15
	// mostPerType bounds the bytes that a message type adds to a program, with the stages
	// that it passes.
	mostPerType = 24 << 10
)

func TestModules(t *testing.T) {
	out := run(t, "go", "list", "-deps", "-f", "{{with .Module}}{{.Path}}{{end}}",
		"github.com/millrace-go/millrace/flow", "github.com/millrace-go/millrace/connector/memory")
	modules := strings.Fields(out)
	slices.Sort(modules)
	modules = slices.Compact(modules)
	t.Logf("%d modules:\n%s", len(modules), strings.Join(modules, "\n"))
	if len(modules) > mostModules {
		t.Errorf("flow and connector/memory need %d modules, want at most %d", len(modules), mostModules)
	}
}

// TestTypes builds two programs that differ in the number of message types only.
func TestTypes(t *testing.T) {
	if testing.Short() {
		t.Skip("it builds two programs, which -short leaves out")
	}
	const few, many = 1, 9
	small, quick := build(t, few)
	large, slow := build(t, many)
	size := (large - small) / (many - few)
	t.Logf("%d KB and %v of build time for each message type, with a map, a filter and a sink",
		size>>10, (slow-quick).Round(time.Millisecond)/(many-few))
	if size > mostPerType {
		t.Errorf("a message type adds %d bytes to a program, want at most %d", size, mostPerType)
	}
}

// build compiles a flow through so many types and returns the size of the program and
// the time that the build took.
func build(t *testing.T, types int) (int64, time.Duration) {
	t.Helper()
	dir := t.TempDir()
	source, program := filepath.Join(dir, "main.go"), filepath.Join(dir, "program")
	if err := os.WriteFile(source, []byte(weight.Program(types)), 0o600); err != nil {
		t.Fatal(err)
	}
	begin := time.Now()
	run(t, "go", "build", "-ldflags", "-s -w", "-o", program, source)
	took := time.Since(begin)
	info, err := os.Stat(program)
	if err != nil {
		t.Fatal(err)
	}

	return info.Size(), took
}

func run(t *testing.T, name string, args ...string) string {
	t.Helper()
	cmd := exec.CommandContext(t.Context(), name, args...)
	cmd.Stderr = os.Stderr
	out, err := cmd.Output()
	if err != nil {
		t.Fatalf("%s: %v", strings.Join(args, " "), err)
	}

	return string(out)
}
