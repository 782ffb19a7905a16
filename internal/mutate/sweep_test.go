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

// The tests that come to the innermost block are near; those that come to the function only
// are far; of a place in no block, those of the function are near.
func TestReachAt(t *testing.T) {
	r := &reach{module: "m", blocks: make(map[string][]block)}
	profile := func(counts ...string) []byte {
		return []byte("mode: atomic\nm/a.go:1.10,9.2 3 " + counts[0] + "\nm/a.go:3.12,5.4 1 " + counts[1] +
			"\nm/a.go:20.1,30.2 1 " + counts[2] + "\nm/sub/a.go:1.1,99.9 1 1\nm/b.go:1.1,99.9 1 1\n")
	}
	for name, text := range map[string][]byte{"inner": profile("1", "7", "0"), "outer": profile("1", "0", "0"), "other": profile("0", "0", "1")} {
		r.note(&proof{name: name}, text, []string{"a.go"})
	}
	function := block{spot{1, 1}, spot{12, 2}}
	for _, test := range []struct {
		name      string
		at        spot
		near, far string
	}{
		{"in the inner block", spot{4, 1}, "inner", "outer"},
		{"before the inner block", spot{3, 11}, "inner outer", ""},
		{"behind the inner block", spot{5, 4}, "inner outer", ""},
		{"in no block", spot{11, 1}, "inner outer", ""},
	} {
		near, far := r.at("a.go", test.at, function)
		if names(near) != test.near || names(far) != test.far {
			t.Errorf("%s: near %q, far %q, want %q and %q", test.name, names(near), names(far), test.near, test.far)
		}
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
