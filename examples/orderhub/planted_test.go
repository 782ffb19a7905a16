package main

import (
	"context"
	"encoding/json/v2"
	"errors"
	"os"
	"os/exec"
	"path/filepath"
	"regexp"
	"strings"
	"testing"
	"time"
)

// loss is a change of the program that loses something. It compiles and looks well.
type loss struct {
	name, file, old, new string
}

// losses are planted at different stages, from the file to the last outlet.
var losses = []loss{
	{"a sink adapter logs its errors and goes on", "intake.go", "flow.Into(sink).Timeout", `flow.Into(connector.SinkFunc[T](
		func(ctx context.Context, ms []connector.Message[T]) error { _ = sink.Write(ctx, ms); return nil })).Timeout`},
	{"an order keeps the last of its lines", "order.go", "append(o.Lines, l)", "append(o.Lines[:0:0], l)"},
	{"credit notes are filtered as not billable", "intake.go", `Validate().As("check-line")`, `Filter(Line.Billable).Validate().As("check-line")`},
	{"repeated lines are taken for duplicates", "line.go", `})).As("mark-repeats")`, `})).As("mark-repeats").Filter(func(l Line) bool { return !l.Repeat })`},
	{"the sum leaves out the last line", "order.go", "_, l := range o.Lines {\n\t\tsum", "_, l := range o.Lines[:len(o.Lines)-1] {\n\t\tsum"},
	{"a batch skips its last row", "intake.go", "flow.Into(sink).Timeout", `flow.Into(connector.SinkFunc[T](
		func(ctx context.Context, ms []connector.Message[T]) error { return sink.Write(ctx, ms[:max(1, len(ms)-1)]) })).Timeout`},
	{"the dead letters of orders are forgotten", "rejections.go", "return connector.SinkFunc[connector.DeadLetter[T]](\n", `if kind == "order" {
		return connector.SinkFunc[connector.DeadLetter[T]](func(context.Context, []connector.Message[connector.DeadLetter[T]]) error { return nil })
	}

	return connector.SinkFunc[connector.DeadLetter[T]](` + "\n"},
	{"rejections report success when the table fails", "rejections.go", "return rows.Write(ctx, out)", "_ = rows.Write(ctx, out)\n\n\t\t\treturn nil"},
	{"a customer whom the service does not tell is nobody", "customers.go", "Customer{ID: id, Segment: segmentUnknown}, nil", "Customer{}, nil"},
	{"invoices are acknowledged before they are written", "intake.go", "To(out.invoices)", `To(behind(out.invoices))`},
	{"two invoices share a key", "order.go", `return o.Partner + "/" + o.Invoice`, `return o.Partner + "/" + o.Country()`},
	{"the total skips what does not fit", "totals.go", "sum, err := t.Amount.Add(o.Amount)", "if o.Cancelled() {\n\t\treturn t\n\t}\n\tsum, err := t.Amount.Add(o.Amount)"},
	{"a key is noted before its notification is written", "subscribers.go", "OncePerMessage(store, 0)", `MapMessage(noted(store)).Filter(func(o Order) bool { return o.Partner != "" })`},
	{"the writer takes invoices of one partner for one", "invoices.go", `return i.Partner + "/" + i.Number`, `return i.Partner`},
}

// helpers are what some losses call.
var helpers = map[string]string{
	"intake.go": `
// behind writes later.
func behind[T any](sink connector.Sink[T]) connector.Sink[T] {
	var waiting []connector.Message[T]

	return connector.SinkFunc[T](func(ctx context.Context, ms []connector.Message[T]) error {
		before := waiting
		if waiting = ms; len(before) == 0 {
			return nil
		}

		return sink.Write(ctx, before)
	})
}
`,
	"subscribers.go": `
func noted(store connector.Store) func(context.Context, connector.Message[Order]) (connector.Message[Order], error) {
	return func(ctx context.Context, m connector.Message[Order]) (connector.Message[Order], error) {
		_, err := store.Put(ctx, "noted/"+m.ID(), nil, connector.Absent, 0)
		if errors.Is(err, connector.ErrConflict) {
			m.Value, err = Order{}, nil
		}

		return m, err
	}
}
`,
}

// TestFindsPlantedLosses plants one loss after the other in the program and sees that the
// tests of losesnothing_test.go fail. MILLRACE_PLANTED=all plants them all, make planted
// does so; otherwise it is the first alone, because each is compiled.
func TestFindsPlantedLosses(t *testing.T) {
	if os.Getenv("MILLRACE_SEED")+os.Getenv("MILLRACE_SIM") != "" {
		t.Skip("MILLRACE_SEED or MILLRACE_SIM changes what the planted tests run")
	}
	chosen := losses[:1]
	if os.Getenv("MILLRACE_PLANTED") == "all" {
		chosen = append([]loss{{name: "nothing is planted"}}, losses...)
	}
	for _, l := range chosen {
		t.Run(l.name, func(t *testing.T) {
			report, failed := losesNothing(t, l)
			if failed != (l.file != "") {
				t.Fatalf("failed: %t\n%s", failed, report)
			}
			took := spent(t, report)
			if took >= 5*time.Second {
				t.Errorf("it took %v, want less than 5s", took)
			}
			t.Logf("%-15s %5.2fs  %s", l.file, took.Seconds(), found(report))
		})
	}
}

// losesNothing compiles the program with the loss in it and runs the tests.
func losesNothing(t *testing.T, l loss) (report string, failed bool) {
	t.Helper()
	program := filepath.Join(t.TempDir(), "orderhub.test")
	build := exec.CommandContext(t.Context(), "go", "test", "-c", "-vet=off", "-gcflags=-N -l", "-ldflags=-s -w", // soon compiled
		"-o", program, "-overlay", overlay(t, l), ".")
	if out, err := build.CombinedOutput(); err != nil {
		t.Fatalf("%v: %v\n%s", build, err, out)
	}
	ctx, cancel := context.WithTimeout(t.Context(), time.Minute)
	defer cancel()
	out, err := exec.CommandContext(ctx, program, "-test.v", "-test.run", "^Test(IntakeLoses|InvoicesLose)Nothing$").CombinedOutput()
	if _, ended := errors.AsType[*exec.ExitError](err); err != nil && !ended {
		t.Fatal(err)
	}

	return string(out), err != nil
}

// overlay makes the compiler read the changed file in the place of the real one, and leave
// out the tests that do not run.
func overlay(t *testing.T, l loss) string {
	t.Helper()
	here, err := filepath.Abs(".")
	if err != nil {
		t.Fatal(err)
	}
	dir, replace := t.TempDir(), make(map[string]string)
	for _, other := range []string{"data", "invoices", "kill", "main", "planted", "view"} {
		replace[filepath.Join(here, other+"_test.go")] = ""
	}
	if l.file != "" {
		text, err := os.ReadFile(l.file)
		if err != nil || strings.Count(string(text), l.old) != 1 {
			t.Fatalf("%s has not one place to plant this in: %q, %v", l.file, l.old, err)
		}
		changed := filepath.Join(dir, l.file)
		replace[filepath.Join(here, l.file)] = changed
		if err := os.WriteFile(changed, []byte(plant(l, string(text))), 0o600); err != nil {
			t.Fatal(err)
		}
	}
	file := filepath.Join(dir, "overlay.json")
	text, err := json.Marshal(map[string]map[string]string{"Replace": replace})
	if err == nil {
		err = os.WriteFile(file, text, 0o600)
	}
	if err != nil {
		t.Fatal(err)
	}

	return file
}

// plant changes a file, with the imports and functions that the change needs.
func plant(l loss, text string) string {
	text = strings.Replace(text, l.old, l.new, 1)
	for _, name := range []string{"behind", "noted"} {
		if strings.Contains(l.new, name+"(") {
			text += helpers[l.file]
		}
	}
	for _, name := range []string{"context", "errors"} {
		if strings.Contains(text, name+".") && !strings.Contains(text, `"`+name+`"`) {
			text = strings.Replace(text, "import (\n", "import (\n\t\""+name+"\"\n", 1)
		}
	}

	return text
}

var ran = regexp.MustCompile(`--- (?:PASS|FAIL): \w+ \((\d+\.\d+s)\)`)

// spent adds up the times of the tests in a report.
func spent(t *testing.T, report string) (sum time.Duration) {
	t.Helper()
	all := ran.FindAllStringSubmatch(report, -1)
	for _, match := range all {
		d, err := time.ParseDuration(match[1])
		if err != nil {
			t.Fatal(err)
		}
		sum += d
	}
	if len(all) != 2 {
		t.Fatalf("%d of 2 tests ran to their end:\n%s", len(all), report)
	}

	return sum
}

// found is the problem that a report names first.
func found(report string) string {
	_, problem, _ := strings.Cut(report, "the schedule fails:\n")
	problem, _, _ = strings.Cut(strings.TrimSpace(problem), "\n")

	return problem
}
