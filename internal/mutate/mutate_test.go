package main

import (
	"bytes"
	"os"
	"path/filepath"
	"strings"
	"testing"
)

// The list is checked in every test run, so that a change of the code that a fault goes by
// is noticed at once.
func TestEveryFaultHasItsPlace(t *testing.T) {
	const least = 40
	faults := allFaults()
	if err := check(faults); err != nil {
		t.Error(err)
	}
	if len(faults) < least {
		t.Errorf("%d faults, want at least %d", len(faults), least)
	}
	root := filepath.Join("..", "..")
	if _, err := locate(root, faults); err != nil {
		t.Error(err)
	}
	architecture, err := os.ReadFile(filepath.Join(root, "ARCHITECTURE.md"))
	if err != nil {
		t.Fatal(err)
	}
	broken := make(map[int]bool)
	for _, f := range faults {
		broken[f.breaks] = true
	}
	for _, line := range strings.Split(string(architecture), "\n") {
		if number, ok := invariantOf(line); ok && !broken[number] {
			t.Errorf("no fault breaks invariant %d", number)
		} else if ok {
			delete(broken, number)
		}
	}
	for number := range broken {
		t.Errorf("a fault breaks invariant %d, which ARCHITECTURE.md does not have", number)
	}
}

func invariantOf(line string) (int, bool) {
	number := 0
	rest, ok := strings.CutPrefix(line, "| ")
	if !ok {
		return 0, false
	}
	digits, _, _ := strings.Cut(rest, " ")
	for _, d := range digits {
		if d < '0' || d > '9' {
			return 0, false
		}
		number = 10*number + int(d-'0')
	}

	return number, number > 0
}

func TestBadLists(t *testing.T) {
	good := fault{name: "a", breaks: 1, wrong: "w", file: "f.go", old: "x", new: "y"}
	for name, faults := range map[string][]fault{
		"incomplete":      {{name: "a"}},
		"stands twice":    {good, good},
		"changes nothing": {{name: "a", breaks: 1, wrong: "w", file: "f.go", old: "x", new: "x"}},
	} {
		if err := check(faults); err == nil || !strings.Contains(err.Error(), name) {
			t.Errorf("%s: %v", name, err)
		}
	}
}

const (
	patient = `package clinic

import "fmt"

type Sum[T ~int] struct{ total T }

func (*Sum[T]) Zero(_ T, _ ...string) (t T) { return 0 }

func (s *Sum[T]) Add(ns ...T) {
	for _, n := range ns {
		s.total += n
	}
}

func Keep[T any](value T) (kept T, err error) {
	defer func() {
		if r := recover(); r != nil {
			err = fmt.Errorf("panic: %v", r)
		}
	}()

	return value, nil
}

const limit = 3
`
	patientTest = `package clinic

import "testing"

func TestSum(t *testing.T) {
	s := &Sum[int]{}
	if s.Add(1, 2); s.total != 3 || s.Zero(1) != 0 {
		t.Error(s.total)
	}
}

func TestKeep(t *testing.T) {
	if kept, err := Keep("x"); kept != "x" || err != nil || limit != 3 {
		t.Error(kept, err)
	}
}
`
)

// clinic is a module with one package and its tests.
func clinic(t *testing.T) string {
	t.Helper()
	root := t.TempDir()
	for name, text := range map[string]string{
		"go.mod": "module clinic\n\ngo 1.27\n", "sum/sum.go": patient, "sum/sum_test.go": patientTest,
	} {
		file := filepath.Join(root, name)
		if err := os.MkdirAll(filepath.Dir(file), 0o700); err != nil {
			t.Fatal(err)
		}
		if err := os.WriteFile(file, []byte(text), 0o600); err != nil {
			t.Fatal(err)
		}
	}

	return root
}

// A fault that changes nothing survives, so that no catch is false; faults inside and
// outside of functions are caught, each by the test that is about it.
func TestCatches(t *testing.T) {
	root := clinic(t)
	at := func(name, old, changed string) fault {
		return fault{name: name, breaks: 1, wrong: "w", file: "sum/sum.go", old: old, new: changed}
	}
	var out bytes.Buffer
	err := catchAll(t.Context(), root, []fault{
		at("nothing", "s.total += n", "s.total += n"),
		at("same", "s.total += n", "s.total = s.total + n"),
		at("lost", "s.total += n", "_ = n"),
		at("zero", "{ return 0 }", "{ return 1 }"),
		at("keep", "return value, nil", "return kept, nil"),
		at("panics", "return value, nil", `panic("x")`),
		at("alone", "limit = 3", "limit = 4"),
	}, &out)
	if err == nil {
		t.Error("no error although faults survive")
	}
	got := strings.Split(strings.TrimSpace(out.String()), "\n")
	want := []string{
		"SURVIVED  nothing", "SURVIVED  same", "caught    lost", "caught    zero", "caught    keep", "caught    panics",
		"caught    alone", "caught 5 of 7",
	}
	by := []string{"", "", "sum TestSum", "sum TestSum", "sum TestKeep", "sum TestKeep", "sum TestKeep", ""}
	if len(got) != len(want) {
		t.Fatalf("%s", out.String())
	}
	for i, line := range got {
		if !strings.HasPrefix(line, want[i]) || !strings.Contains(line, by[i]) {
			t.Errorf("line %d is %q, want %q by %q", i+1, line, want[i], by[i])
		}
	}
}

// What is wrong with the list is an error and not a catch.
func TestMistakesOfTheList(t *testing.T) {
	root := clinic(t)
	for name, test := range map[string]struct{ old, changed, want string }{
		"not found":           {"no such text", "", errNotFound.Error()},
		"twice":               {"return", "", errTwice.Error()},
		"does not compile":    {"s.total += n", "s.total += undefined", "fault-does not compile.go"},
		"alone, not compiled": {"limit = 3", "limit = undefined", "does not compile"},
	} {
		f := fault{name: name, breaks: 1, wrong: "w", file: "sum/sum.go", old: test.old, new: test.changed}
		var out bytes.Buffer
		if err := catchAll(t.Context(), root, []fault{f}, &out); err == nil || !strings.Contains(err.Error(), test.want) {
			t.Errorf("%s: %v", name, err)
		}
		if strings.Contains(out.String(), "caught ") {
			t.Errorf("%s: %s", name, out.String())
		}
	}
}

// Tests that fail without a fault say nothing about faults.
func TestControl(t *testing.T) {
	root := clinic(t)
	file := filepath.Join(root, "sum", "sum_test.go")
	if err := os.WriteFile(file, []byte(strings.Replace(patientTest, "!= 3", "!= 4", 1)), 0o600); err != nil {
		t.Fatal(err)
	}
	f := fault{name: "lost", breaks: 1, wrong: "w", file: "sum/sum.go", old: "s.total += n", new: "_ = n"}
	if err := catchAll(t.Context(), root, []fault{f}, &bytes.Buffer{}); err == nil || !strings.Contains(err.Error(), "without a fault") {
		t.Errorf("error %v", err)
	}
}

func TestFirstFailure(t *testing.T) {
	for want, out := range map[string]string{
		"TestA/b/c": "ok so far\n--- FAIL: TestA (0.00s)\n    --- FAIL: TestA/b (0.00s)\n        --- FAIL: TestA/b/c (0.00s)\n" +
			"    --- FAIL: TestA/d (0.00s)\nFAIL\n",
		"TestHung (test timed out after 20s)": "panic: test timed out after 20s\n\trunning tests:\n\t\tTestHung (20s)\n",
		"TestB (boom)":                        "panic: boom\n\ngoroutine 7 [running]:\nclinic.f()\nclinic_test.TestB(0x1)\n",
		"(no test named)":                     "signal: killed\n",
	} {
		if got := firstFailure(strings.NewReader(out), func() {}); got != want {
			t.Errorf("got %q, want %q", got, want)
		}
	}
}

func TestChoose(t *testing.T) {
	faults := []fault{{name: "a"}, {name: "b"}, {name: "c"}, {name: "d"}}
	if got, err := choose(faults, "c,a", 0, 1); err != nil || len(got) != 2 {
		t.Errorf("by name: %v, %v", got, err)
	}
	if _, err := choose(faults, "a,nobody", 0, 1); err == nil {
		t.Error("a name that is not in the list is accepted")
	}
	first, _ := choose(faults, "", 2, 7)
	again, _ := choose(faults, "", 2, 7)
	if len(first) != 2 || first[0].name != again[0].name || first[1].name != again[1].name {
		t.Errorf("a sample of 2 is %v, then %v", first, again)
	}
}

func TestChangesOfOperators(t *testing.T) {
	s, err := parseSource("x.go", []byte(`package x

func f(a, b int) (bool, error) {
	if a < b && a == 1 {
		a++
	}
	g(a - 1)
	a = b
	return true, nil
}
`))
	if err != nil {
		t.Fatal(err)
	}
	var got []string
	for _, c := range s.changes() {
		got = append(got, c.id())
	}
	want := []string{
		"f: a < b && a == 1  =>  !(a < b && a == 1)", "f: &&  =>  ||", "f: <  =>  <=", "f: ==  =>  !=",
		"f: a++  =>  a--", "f: a++  =>  nothing", "f: g(a - 1)  =>  nothing", "f: -  =>  +", "f: a = b  =>  nothing",
		"f: true  =>  false",
	}
	if strings.Join(got, "\n") != strings.Join(want, "\n") {
		t.Errorf("changes\n%s\nwant\n%s", strings.Join(got, "\n"), strings.Join(want, "\n"))
	}
}
