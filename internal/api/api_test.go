// Package api_test compares the public API with its golden description, so that every
// change of it is seen by a reviewer.
package api_test

import (
	"flag"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"testing"
)

var update = flag.Bool("update", false, "write the golden files anew")

// packages are the ones that users import.
var packages = []string{
	"connector", "connector/boltstore", "connector/conntest", "connector/fileconn", "connector/httpconn", "connector/httpsource", "connector/httpstream",
	"connector/memory", "connector/netguard", "connector/openapi", "connector/queueconn", "connector/sqlconn", "connector/webhook",
	"flow", "flow/flowtest", "metrics", "retry", "transform",
}

func TestPublicAPI(t *testing.T) {
	for _, pkg := range packages {
		t.Run(pkg, func(t *testing.T) {
			cmd := exec.Command("go", "doc", "-all", "github.com/millrace-go/millrace/"+pkg)
			cmd.Stderr = os.Stderr
			got, err := cmd.Output()
			if err != nil {
				t.Fatal(err)
			}
			golden := filepath.Join("testdata", strings.ReplaceAll(pkg, "/", "_")+".txt")
			if *update {
				if err := os.WriteFile(golden, got, 0o600); err != nil {
					t.Fatal(err)
				}

				return
			}
			want, err := os.ReadFile(golden)
			if err != nil {
				t.Fatal(err)
			}
			if string(got) != string(want) {
				t.Errorf("the public API of %s differs from %s: if that is meant, run make api and note it in CHANGELOG.md\n%s",
					pkg, golden, firstDifference(string(got), string(want)))
			}
		})
	}
}

func firstDifference(got, want string) string {
	a, b := strings.Split(got, "\n"), strings.Split(want, "\n")
	for i := range max(len(a), len(b)) {
		if line(a, i) != line(b, i) {
			return "now:    " + line(a, i) + "\ngolden: " + line(b, i)
		}
	}

	return ""
}

func line(lines []string, i int) string {
	if i < len(lines) {
		return lines[i]
	}

	return "(end)"
}
