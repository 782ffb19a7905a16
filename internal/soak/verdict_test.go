package main

import (
	"bytes"
	"encoding/xml"
	"errors"
	"io"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"
)

// flat are samples of an hour in which everything goes up and down and nothing grows.
func flat(n int) []sample {
	list := make([]sample, n)
	for i := range list {
		wave := float64(i % 7)
		list[i] = sample{
			At: 3600 * float64(i+1) / float64(n), Heap: 20*mib + wave*mib, Resident: 100*mib + wave*mib,
			Goroutines: 200 + wave, Files: 100 + wave, Disk: 80*mib + wave*mib, Rate: 30_000 + 1000*wave,
			Messages: int64(i), Rounds: int64(i), Events: map[string]int{"sink: fails": i},
		}
	}

	return list
}

func TestVerdict(t *testing.T) {
	none := func(*sample, float64) {}
	for name, c := range map[string]struct {
		// change gets a sample and how much of the time has passed.
		change func(s *sample, passed float64)
		grows  string
	}{
		"flat":              {change: none},
		"heap leaks":        {func(s *sample, passed float64) { s.Heap += passed * 10 * mib }, "live heap"},
		"memory leaks":      {func(s *sample, passed float64) { s.Resident += passed * 60 * mib }, "resident memory"},
		"goroutines leak":   {func(s *sample, passed float64) { s.Goroutines += passed * 40 }, "goroutines"},
		"files stay open":   {func(s *sample, passed float64) { s.Files += passed * 20 }, "open files"},
		"the disk fills up": {func(s *sample, passed float64) { s.Disk += passed * 60 * mib }, "files on disk"},
		"a start that does not count": {change: func(s *sample, passed float64) {
			if passed < 0.25 {
				s.Heap, s.Goroutines, s.Files = 1*mib, 10, 3
			}
		}},
		"a peak": {change: func(s *sample, passed float64) {
			if passed > 0.9 && passed < 0.95 {
				s.Heap *= 10
			}
		}},
		"less at the end": {change: func(s *sample, passed float64) { s.Heap -= passed * 10 * mib }},
		"the rate sinks":  {change: func(s *sample, passed float64) { s.Rate *= 1 - passed }},
	} {
		t.Run(name, func(t *testing.T) {
			samples := flat(720)
			for i := range samples {
				c.change(&samples[i], float64(i)/720)
			}
			list, err := trends(samples)
			if err != nil {
				t.Fatal(err)
			}
			for _, got := range list {
				if got.grows() != (got.name == c.grows) {
					t.Errorf("%v, want growth of %q alone", got, c.grows)
				}
			}
		})
	}
}

func TestVerdictAtItsLimit(t *testing.T) {
	at := trend{series: watched[0], early: 10 * mib, late: 12 * mib} // a tenth and 1 MiB more
	if at.grows() {
		t.Errorf("%v at the limit", at)
	}
	if at.late++; !at.grows() {
		t.Errorf("%v one byte beyond the limit", at)
	}
}

func TestTooFewSamples(t *testing.T) {
	if _, err := trends(flat(leastSamples)); err != nil {
		t.Error(err)
	}
	if _, err := trends(flat(leastSamples - 1)); err == nil {
		t.Error("a verdict from one sample too few")
	}
}

func TestChart(t *testing.T) {
	text := chart(flat(mostPoints))
	if len(text) > 60<<10 {
		t.Errorf("the chart of an hour has %d bytes", len(text))
	}
	for _, s := range append(watched[:len(watched):len(watched)], rate) {
		if strings.Count(text, ">"+s.name+"<") != 1 {
			t.Errorf("the chart has no panel named %q", s.name)
		}
	}
	decoder := xml.NewDecoder(strings.NewReader(text))
	for {
		if _, err := decoder.Token(); errors.Is(err, io.EOF) {
			break
		} else if err != nil {
			t.Fatal(err)
		}
	}
	if strings.Contains(chart([]sample{{At: 1}}), "NaN") {
		t.Error("a chart of nothing has points that are no numbers")
	}
}

func TestConclusion(t *testing.T) {
	growing := flat(100)
	for i := range growing {
		growing[i].Goroutines += float64(i)
	}
	for name, c := range map[string]struct {
		journal         journal
		problem, report string
	}{
		"good":       {journal{samples: flat(100), ending: &ending{}}, "", "Outcome: nothing grows"},
		"growing":    {journal{samples: growing, ending: &ending{}}, "goroutines: 240, then 290 (at most 255): grows", "Outcome: something grows"},
		"lost":       {journal{samples: flat(100), ending: &ending{"message 7 is lost"}}, "message 7 is lost", "Outcome: failed: message 7 is lost"},
		"going on":   {journal{samples: flat(100)}, "", "Outcome: the run was still going on"},
		"short":      {journal{samples: flat(3), ending: &ending{}}, "too few", ""},
		"short, bad": {journal{samples: flat(3), ending: &ending{"message 7 is lost"}}, "message 7 is lost", ""},
	} {
		t.Run(name, func(t *testing.T) {
			dir := t.TempDir()
			wantProblem(t, c.journal.conclude(io.Discard, dir), c.problem)
			text, err := os.ReadFile(filepath.Join(dir, "REPORT.md"))
			if err != nil && c.report != "" {
				t.Fatal(err)
			}
			if !strings.Contains(string(text), c.report) {
				t.Errorf("the report is %s, want %q in it", text, c.report)
			}
		})
	}
}

func TestJournal(t *testing.T) {
	var file bytes.Buffer
	want := currentConditions([]string{"-for", "1h"}, time.Hour)
	samples := flat(10)
	lines := []line{{Conditions: &want}}
	for i := range samples {
		lines = append(lines, line{Sample: &samples[i]})
	}
	for _, l := range append(lines, line{Ending: &ending{"lost"}}) {
		if err := writeLine(&file, l); err != nil {
			t.Fatal(err)
		}
	}
	whole := file.String()
	got, err := readJournal(strings.NewReader(whole))
	if err != nil {
		t.Fatal(err)
	}
	if got.conditions != want || len(got.samples) != 10 || got.samples[9].String() != samples[9].String() ||
		got.samples[9].Events["sink: fails"] != 9 || got.ending == nil || got.ending.Problem != "lost" {
		t.Errorf("got %+v", got)
	}
	got, err = readJournal(strings.NewReader(whole[:len(whole)-5]))
	if err != nil || len(got.samples) != 10 || got.ending != nil {
		t.Errorf("without the end of the last line: %d samples, %v, %v", len(got.samples), got.ending, err)
	}
	if _, err = readJournal(strings.NewReader("{\"sample\":{}}\nno JSON\n")); err == nil || !strings.Contains(err.Error(), "line 2") {
		t.Errorf("got %v, want an error of line 2", err)
	}
}

func TestCommand(t *testing.T) {
	dir := t.TempDir()
	path := filepath.Join(dir, "journal")
	err := command([]string{"-for", "1s", "-orders", "400", "-side", "1", "-dir", dir, "-journal", path})
	// A second is too short for a verdict, and on a slow machine for enough samples.
	if err != nil && !strings.Contains(err.Error(), "grows") && !strings.Contains(err.Error(), "too few") {
		t.Fatal(err)
	}
	j, err := openJournal(path)
	if err != nil || j.ending == nil || j.ending.Problem != "" || j.conditions.Seconds != 1 {
		t.Errorf("the journal is %+v, %v", j, err)
	}
	if entries, err := os.ReadDir(dir); err != nil || len(entries) != 1 {
		t.Errorf("after the end there are %v, %v: want the journal alone", entries, err)
	}
	for _, wrong := range [][]string{{"-for", "never"}, {"-from", filepath.Join(dir, "missing")}, {"-dir", filepath.Join(dir, "missing")}} {
		if err := command(wrong); err == nil {
			t.Errorf("%v is no error", wrong)
		}
	}
}
