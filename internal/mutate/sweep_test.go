package main

import (
	"bytes"
	"slices"
	"strings"
	"testing"
	"time"
)

// A sweep tries every change, and names those that survive.
func TestSweep(t *testing.T) {
	var out bytes.Buffer
	err := sweepFiles(t.Context(), clinic(t), []string{"sum/sum.go"}, &out)
	if err == nil || !strings.Contains(err.Error(), "2 survivors are not explained") {
		t.Errorf("error %v", err)
	}
	for _, want := range []string{
		"SURVIVED  sum/sum.go:16 Keep: defer func() {",
		"caught    sum/sum.go:17 Keep: r != nil  =>  !(r != nil) by sum TestKeep\n",
		"caught    sum/sum.go:17 Keep: !=  =>  == by sum TestKeep\n",
		"SURVIVED  sum/sum.go:18 Keep: err = fmt.Errorf(",
		"sum/sum.go: 4 changes compile, 2 caught, 0 explained, 2 not explained",
	} {
		if !strings.Contains(out.String(), want) {
			t.Errorf("want %q in\n%s", want, out.String())
		}
	}
}

// A test proves something about the functions that it calls, and no others.
func TestCallers(t *testing.T) {
	r := &reach{proofs: []*proof{
		{name: "a", calls: map[string]bool{"x.go f": true}}, {name: "b", calls: map[string]bool{"x.go f": true, "x.go g": true}}, {name: "c"},
	}}
	for function, want := range map[string]string{"x.go f": "a b", "x.go g": "b", "x.go h": ""} {
		if got := names(r.callers(function)); got != want {
			t.Errorf("%s is called by %q, want %q", function, got, want)
		}
	}
	if len(r.proofs) != 3 || r.proofs[2].name != "c" {
		t.Errorf("the list has changed: %q", names(r.proofs))
	}
}

func names(proofs []*proof) string {
	var all []string
	for _, p := range proofs {
		all = append(all, p.name)
	}
	slices.Sort(all)

	return strings.Join(all, " ")
}

// Quick tests come first, and those that caught much before them; a run is of one package.
func TestStages(t *testing.T) {
	var tests []*proof
	for i := range 7 {
		tests = append(tests, &proof{pkg: "p", name: string(rune('g' - i)), cost: time.Duration(7-i) * time.Second})
	}
	tests = append(tests, &proof{pkg: "q", name: "z"})
	r := &reach{proofs: tests}
	r.credit(tests, verdict{by: "p g/part (boom)"})
	for range 9 {
		r.credit(tests, verdict{by: "p f"})
	}
	var got []string
	for _, run := range r.stages(tests) {
		got = append(got, names(run))
	}
	if want := []string{"a b c f", "d e g", "z"}; !slices.Equal(got, want) {
		t.Errorf("runs %q, want %q", got, want)
	}
}

// Changes of one function that read the same have names of their own.
func TestChangesThatReadTheSame(t *testing.T) {
	s, err := parseSource("x.go", []byte("package x\n\nfunc f() {\n\tg()\n\tg()\n}\n"))
	if err != nil {
		t.Fatal(err)
	}
	all := s.changes()
	if len(all) != 2 || all[0].id() != "f: g()  =>  nothing" || all[1].id() != "f: g()  =>  nothing (2)" {
		t.Errorf("changes %+v", all)
	}
}
