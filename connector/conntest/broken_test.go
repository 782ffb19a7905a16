package conntest_test

import (
	"os"
	"os/exec"
	"regexp"
	"strings"
	"testing"
)

// brokenEnv names the broken endpoint that a child process tests.
const brokenEnv = "CONNTEST_BROKEN"

// broken is an endpoint with one defect, and the case that must find it.
type broken struct {
	run  func(t *testing.T)
	want string
}

// only is the filter for the case that must find the defect, where it is known by name.
func (b broken) only() string {
	name, ok := strings.CutPrefix(b.want, failedPrefix)
	if !ok {
		return ""
	}
	var filter strings.Builder
	for part := range strings.SplitSeq(strings.TrimSpace(name), "/") {
		filter.WriteString("/^" + regexp.QuoteMeta(part) + "$")
	}

	return filter.String()
}

const failedPrefix = "--- FAIL: TestBroken/"

// TestBroken proves that the suites can fail: each defect is tested in a process of its
// own, whose output must name the case.
func TestBroken(t *testing.T) {
	all := map[string]broken{}
	for kind, list := range map[string]map[string]broken{
		"source": brokenSources(), "doubtful source": doubtfulSources(), "sink": brokenSinks(), "declared sink": declaredSinks(), "caller": brokenCallers(),
		"partitions": brokenPartitions(), "intake": brokenIntakes(), "queue": brokenQueues(), "store": brokenStores(),
	} {
		for name, b := range list {
			all[kind+" "+name] = b
		}
	}
	if name := os.Getenv(brokenEnv); name != "" {
		all[name].run(t)

		return
	}
	for name, b := range all {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			child := exec.Command(os.Args[0], "-test.run=^TestBroken$"+b.only(), "-test.timeout=60s")
			child.Env = append(os.Environ(), brokenEnv+"="+name)
			out, err := child.CombinedOutput()
			if err == nil || !strings.Contains(string(out), b.want) {
				t.Errorf("error %v, want %q in the output:\n%s", err, b.want, out)
			}
		})
	}
}

// failed is the line that a failed case leaves.
func failed(name string) string {
	return failedPrefix + strings.ReplaceAll(name, " ", "_") + " "
}
