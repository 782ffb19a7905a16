package main

import (
	"strings"
	"testing"
	"time"

	"github.com/millrace-go/millrace/connector"
)

func TestRecord(t *testing.T) {
	for name, c := range map[string]struct {
		want                   expected
		effects, excuses, dead uint16
		problem                string
	}{
		"once":                     {want: once, effects: 1},
		"again for a fault":        {want: once, effects: 2, excuses: 1},
		"a letter":                 {want: once, dead: 1},
		"a letter and an effect":   {want: once, effects: 1, dead: 2},
		"lost":                     {want: once, problem: "message 0 is lost"},
		"lost in spite of excuses": {want: once, excuses: 2, problem: "message 0 is lost"},
		"too often":                {want: once, effects: 2, problem: "message 0 came 2 times, with 0 excuses"},
		"too often for the faults": {want: once, effects: 4, excuses: 2, problem: "message 0 came 4 times, with 2 excuses"},
		"filtered":                 {want: never},
		"filtered with an effect":  {want: never, effects: 1, problem: "message 0 has had 1 effects, and may have none"},
		"filtered with a letter":   {want: never, dead: 1, problem: "message 0 has a letter, and should have ended"},
		"bad":                      {want: letter, dead: 1},
		"bad without a letter":     {want: letter, problem: "message 0 has no letter"},
		"bad with an effect":       {want: letter, effects: 1, dead: 1, problem: "message 0 has had 1 effects, and may have none"},
	} {
		t.Run(name, func(t *testing.T) {
			r := newRecord("test", 1)
			r.effects[0], r.excuses[0], r.dead[0] = c.effects, c.excuses, c.dead
			wantProblem(t, r.check(func(int) expected { return c.want }), c.problem)
		})
	}
}

func TestRecordOfUnknownMessage(t *testing.T) {
	r := newRecord("test", 1)
	r.effect(0)
	r.effect(1)
	wantProblem(t, r.check(func(int) expected { return once }), "test: message 1 was never sent")
}

func TestRecordKeepsFewProblems(t *testing.T) {
	r := newRecord("test", 1000)
	err := r.check(func(int) expected { return once })
	if err == nil || strings.Count(err.Error(), "\n")+1 != mostProblems {
		t.Errorf("got %v, want %d problems", err, mostProblems)
	}
}

func TestOrdered(t *testing.T) {
	type numbers []int
	for name, c := range map[string]struct {
		runs    []numbers
		problem string
	}{
		"in order":              {runs: []numbers{{1, 2, 3}}},
		"again in the next run": {runs: []numbers{{1, 2}, {1, 2, 3}}},
		"again in the same run": {runs: []numbers{{1, 2, 2, 3}}, problem: "message 16 came 2 times, with 0 excuses"},
		"out of order":          {runs: []numbers{{1, 3, 2}}, problem: "key 0: number 2 came after 3"},
		"out of order at restart": {
			runs: []numbers{{1, 2}, {2, 3, 1}}, problem: "key 0: number 1 came after 3",
		},
		"lost": {runs: []numbers{{1, 2}}, problem: "message 32 is lost"},
	} {
		t.Run(name, func(t *testing.T) {
			o := &ordered{record: newRecord("steps", 3*sequences)}
			for _, run := range c.runs {
				o.begin()
				for _, n := range run {
					if err := o.Write(t.Context(), messages(entry{Number: n})); err != nil {
						t.Fatal(err)
					}
				}
			}
			wantProblem(t, o.check(func(i int) expected {
				if i%sequences != 0 {
					return never // the other keys have none here
				}

				return once
			}), c.problem)
		})
	}
}

func TestGroups(t *testing.T) {
	for name, c := range map[string]struct {
		groups  []total
		problem string
	}{
		"each once":        {groups: []total{{"a", []int{0, 1}}, {"b", []int{2}}}},
		"a group again":    {groups: []total{{"a", []int{0, 1}}, {"b", []int{2}}, {"a", []int{0, 1}}}},
		"a group changed":  {groups: []total{{"a", []int{0, 1}}, {"b", []int{2}}, {"a", []int{0}}}, problem: "group a was [0 1] and came again as [0]"},
		"an order twice":   {groups: []total{{"a", []int{0, 1}}, {"b", []int{1, 2}}}, problem: "message 1 came 2 times, with 0 excuses"},
		"an order is lost": {groups: []total{{"a", []int{0, 1}}}, problem: "message 2 is lost"},
	} {
		t.Run(name, func(t *testing.T) {
			g := newGroups(3)
			if err := g.write(t.Context(), messages(c.groups...)); err != nil {
				t.Fatal(err)
			}
			wantProblem(t, g.checkAgainst(newRecord("orders", 3)), c.problem)
		})
	}
}

func TestCallLog(t *testing.T) {
	var l callLog
	now := time.Now()
	for n := range 3 * logged {
		l.effect(n+1, now)
		if err := l.check(n + 1); err != nil {
			t.Fatal(err)
		}
	}
	latest := 3 * logged
	wantProblem(t, l.check(latest+1), "request 769 was answered with success and has no effect")
	l.effect(latest+1, now)
	l.excuse(latest - 5)
	l.effect(latest-5, now)
	wantProblem(t, l.check(latest+1), "")
	l.effect(latest-5, now.Add(time.Second))
	wantProblem(t, l.check(latest+1), "request 763 had its effect 3 times, with 1 excuses; the last came 1s after the one before")
	l = callLog{}
	l.effect(latest, now)
	l.effect(latest-logged, now)
	wantProblem(t, l.check(latest), "request 512 had another effect")
}

func TestForgottenCallMayComeAgain(t *testing.T) {
	var l callLog
	now := time.Now()
	if l.effect(1, now) {
		t.Error("the first effect has an excuse")
	}
	if now = now.Add(remembered); !l.effect(1, now) {
		t.Error("the effect of a forgotten call has no excuse")
	}
	wantProblem(t, l.check(1), "")
	if now = now.Add(remembered - 1); l.effect(1, now) {
		t.Error("the effect of a call that is remembered has an excuse")
	}
	wantProblem(t, l.check(1), "had its effect 3 times, with 1 excuses")
}

func messages[T any](values ...T) []connector.Message[T] {
	list := make([]connector.Message[T], len(values))
	for i, v := range values {
		list[i] = connector.NewMessage(v, connector.Fields{})
	}

	return list
}

// wantProblem wants an error with the text, or none where the text is empty.
func wantProblem(t *testing.T, err error, text string) {
	t.Helper()
	if text == "" && err != nil || text != "" && (err == nil || !strings.Contains(err.Error(), text)) {
		t.Errorf("got %v, want %q", err, text)
	}
}
