package main

import (
	"encoding/xml"
	"errors"
	"flag"
	"io"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"
)

var update = flag.Bool("update", false, "write the golden files anew")

// sampleReport has a row that holds and one that does not, a gauge and a curve.
func sampleReport() report {
	r := row{
		name: "a job", note: "Under some <conditions>.", unit: "part", ours: contestant{name: "ours", ready: nothing},
		baseline: contestant{name: "other", ready: nothing}, floors: []floor{atMostTimes(3, "ours", "other"), atMostNanos(1, "ours", "part")},
	}
	g := gauge{name: "size", note: "stripped", unit: "MB", limit: 13}
	c := curve{name: "growth", x: "stages", y: "ns a message"}

	return report{
		conditions: conditions{
			Command: "go run . -out .", System: "linux/amd64, a processor", Go: "go1.27.4", Commit: "abc", Load: "0.50", CPUs: 2,
			Started: time.Date(2026, 11, 30, 12, 0, 0, 0, time.UTC), Rounds: 3,
		},
		families: []found{
			{family: family{name: "rows", title: "Rows & co", intro: "What it is."}, results: []result{made(r)}},
			{family: family{name: "gauges", title: "Gauges"}, readings: []reading{{g, spread{8.5, 8.5, 8.5}}}},
			{family: family{name: "curves", title: "Curves"}, traces: []trace{{c, straight(2, 3)}}},
		},
	}
}

func nothing(*desk, int) (job, error) { return noWork, nil }

// straight are points on a line.
func straight(start, slope float64) []point {
	var list []point
	for _, x := range []float64{1, 10, 100, 1000} {
		y := start + slope*x
		list = append(list, point{x, spread{y, y, y}})
	}

	return list
}

func TestReport(t *testing.T) {
	golden(t, "REPORT.md", sampleReport().page())
}

func TestCharts(t *testing.T) {
	for _, f := range sampleReport().families {
		text := f.chart()
		if text == "" {
			continue
		}
		golden(t, f.family.name+".svg", text)
		wellFormed(t, text)
		if !strings.Contains(text, `<rect class="back"`) {
			t.Errorf("%s has no background", f.family.name)
		}
	}
}

func golden(t *testing.T, name, got string) {
	t.Helper()
	path := filepath.Join("testdata", name)
	if *update {
		if err := os.WriteFile(path, []byte(got), 0o600); err != nil {
			t.Fatal(err)
		}
	}
	want, err := os.ReadFile(path)
	if err != nil {
		t.Fatal(err)
	}
	if got != string(want) {
		t.Errorf("%s differs; go test -update writes it anew:\n%s", name, got)
	}
}

func wellFormed(t *testing.T, text string) {
	t.Helper()
	decoder := xml.NewDecoder(strings.NewReader(text))
	for {
		_, err := decoder.Token()
		if errors.Is(err, io.EOF) {
			return
		}
		if err != nil {
			t.Fatalf("the chart is no XML: %v", err)
		}
	}
}

func TestClock(t *testing.T) {
	for ns, want := range map[float64]string{0.05: "0.05 ns", 999: "999 ns", 1500: "1.50 µs", 2.5e6: "2.50 ms"} {
		if got := clock(ns); got != want {
			t.Errorf("clock(%v) is %q, want %q", ns, got, want)
		}
	}
}

func TestMissed(t *testing.T) {
	err := sampleReport().missed()
	if err == nil || !strings.Contains(err.Error(), "missed: rows/a job: at most 1 ns per part") || strings.Contains(err.Error(), "3 times") {
		t.Errorf("got %v", err)
	}
}

func TestWrite(t *testing.T) {
	dir := filepath.Join(t.TempDir(), "out")
	if err := sampleReport().write(dir); err != nil {
		t.Fatal(err)
	}
	for _, name := range []string{"REPORT.md", "rows.svg", "curves.svg"} {
		if _, err := os.Stat(filepath.Join(dir, name)); err != nil {
			t.Error(err)
		}
	}
	if _, err := os.Stat(filepath.Join(dir, "gauges.svg")); err == nil {
		t.Error("a family without rows and curves has a chart")
	}
}
