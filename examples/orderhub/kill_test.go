package main

import (
	"bufio"
	"encoding/json/v2"
	"fmt"
	"math/rand/v2"
	"os"
	"os/exec"
	"reflect"
	"strings"
	"testing"

	"github.com/millrace-go/millrace/internal/killtest"
)

const (
	killsByItself = 10 // make crash kills more often
	killSeed      = 537224
)

// TestKill kills the program with SIGKILL at seeded moments, starts it again on the same
// state until it comes to its end, and compares the end with that of a run that nobody
// disturbed. A kill counts only when messages were in flight.
func TestKill(t *testing.T) {
	kills := killtest.Kills(t, killsByItself)
	k := &killer{t: t, random: rand.New(rand.NewPCG(killSeed, uint64(kills)))}
	k.undisturbed()
	for len(k.moments) < kills {
		k.chain(kills)
		if t.Failed() {
			t.Fatalf("seed %d, after %d kills", killSeed, len(k.moments))
		}
	}
	k.printMoments()
}

// killer starts the program again and again.
type killer struct {
	t      *testing.T
	random *rand.Rand
	// want is the end of the undisturbed run; length is for how many of its status lines
	// messages were in flight.
	want    ending
	length  int
	choices int
	moments []moment
}

// ending is what must be the same however a run went.
type ending struct {
	Partners    map[string]Figures
	Differences []Difference
	Totals      []totalRow
	Rejections  []rejectionCount
	Orders      []orderSum
	Invoices    map[string]int
}

type orderSum struct {
	Partner       string
	Orders, Lines int64
	Amount        int64
}

// moment is when a kill hit: at which status line with messages in flight, counted from
// 1, with which share of the messages done, and what was under way.
type moment struct {
	line     int
	share    float64
	inFlight int64
	under    []string
}

func (k *killer) undisturbed() {
	state := k.t.TempDir()
	k.start(state, nil)
	k.want = k.ending(state)
	checkOnce(k.t, k.want.Invoices, 2*(generatedInvoices-3)) // three of each sell and cancel nothing
	if k.length == 0 {
		k.t.Fatal("the undisturbed run never had messages in flight")
	}
}

// chain kills up to four runs on one state, and lets the next one come to its end. A run
// that ends before its kill counts as nothing.
func (k *killer) chain(kills int) {
	state := k.t.TempDir()
	before := len(k.moments)
	for range 1 + k.random.IntN(4) {
		if len(k.moments) == kills {
			break
		}
		if m := k.start(state, k.choose()); m.line > 0 {
			k.moments = append(k.moments, m)
		}
	}
	k.start(state, nil)
	if wrong := k.want.compare(k.ending(state)); len(wrong) > 0 {
		k.t.Errorf("after kills at %+v:\n%s", k.moments[before:], strings.Join(wrong, "\n"))
	}
}

// choose picks a moment: every other time by the time that has passed, else by how much of
// the work is done, because the two do not grow alike.
func (k *killer) choose() func(moment) bool {
	k.choices++
	if k.choices%2 == 0 {
		line := 1 + k.random.IntN(k.length)

		return func(m moment) bool { return m.line >= line }
	}
	share := k.random.Float64()

	return func(m moment) bool { return m.share >= share }
}

// compare tells which parts of another ending differ.
func (e ending) compare(got ending) (wrong []string) {
	want, have := reflect.ValueOf(e), reflect.ValueOf(got)
	for field, value := range want.Fields() {
		if other := have.FieldByIndex(field.Index); !reflect.DeepEqual(value.Interface(), other.Interface()) {
			wrong = append(wrong, fmt.Sprintf("%s\n got %+v\nwant %+v", field.Name, other, value))
		}
	}

	return wrong
}

// start runs the program, and kills it as soon as messages are in flight and due says so;
// a nil due lets it live. It returns the moment of the kill, or the zero moment.
func (k *killer) start(state string, due func(moment) bool) moment {
	k.t.Helper()
	reading, writing, err := os.Pipe()
	if err != nil {
		k.t.Fatal(err)
	}
	defer reading.Close()
	cmd := exec.CommandContext(k.t.Context(), os.Args[0])
	cmd.Env = append(os.Environ(), childVariable+"="+state)
	cmd.ExtraFiles = []*os.File{writing}
	var output strings.Builder
	cmd.Stderr = &output
	if err := cmd.Start(); err != nil {
		k.t.Fatal(err)
	}
	_ = writing.Close()
	m, seen := k.watch(reading, cmd, due)
	err = cmd.Wait()
	if m.line == 0 && err != nil {
		k.t.Fatalf("the run ended with %v:\n%s", err, output.String())
	}
	if k.length == 0 {
		k.length = seen
	}

	return m
}

// watch reads the status lines, and kills right after it has read the one to kill at. It
// returns for how many lines messages were in flight.
func (k *killer) watch(pipe *os.File, cmd *exec.Cmd, due func(moment) bool) (killed moment, seen int) {
	lines := bufio.NewScanner(pipe)
	for lines.Scan() {
		var s statusView
		if json.Unmarshal(lines.Bytes(), &s) != nil || s.InFlight == 0 {
			continue // the last line of a killed run may be torn
		}
		seen++
		m := newMoment(seen, s)
		if due == nil || killed.line > 0 || !due(m) {
			continue
		}
		if err := cmd.Process.Kill(); err != nil {
			k.t.Fatal(err)
		}
		killed = m
	}

	return killed, seen
}

func newMoment(line int, s statusView) moment {
	m := moment{line: line, inFlight: s.InFlight}
	var in, done int64
	for _, p := range s.Pipelines {
		in, done = in+p.Ledger.Source.In, done+p.Ledger.Source.Done()
		if p.Ledger.Source.InFlight > 0 {
			m.under = append(m.under, p.Flow)
		}
	}
	m.share = float64(done) / float64(max(in, 1))

	return m
}

// ending reads what a run that came to its end has left.
func (k *killer) ending(state string) ending {
	k.t.Helper()
	r := readReport(k.t, reportPath(state))
	checkLedgers(k.t, r)
	ctx := k.t.Context()
	d, err := openDatabase(ctx, state+"/hub.sqlite")
	if err != nil {
		k.t.Fatal(err)
	}
	defer d.Close()
	e := ending{Partners: r.Partners, Differences: r.Differences, Invoices: writtenInvoices(k.t, state)}
	e.Totals, err = query[totalRow](ctx, d, "totals", "SELECT partner, country, orders, amount FROM totals ORDER BY partner, country")
	if err == nil {
		e.Rejections, err = query[rejectionCount](ctx, d, "rejections",
			"SELECT partner, stage, count(*) AS count, group_concat(cause, '\n' ORDER BY id) AS example FROM rejections GROUP BY 1, 2 ORDER BY 1, 2")
	}
	if err == nil {
		e.Orders, err = query[orderSum](ctx, d, "orders",
			"SELECT partner, count(*) AS orders, sum(lines) AS lines, sum(amount) AS amount FROM orders GROUP BY 1 ORDER BY 1")
	}
	if err != nil {
		k.t.Fatal(err)
	}

	return e
}

// printMoments shows how the kills were spread over the run.
func (k *killer) printMoments() {
	var byTime, byShare [10]int
	under := make(map[string]int)
	for _, m := range k.moments {
		byTime[min(10*(m.line-1)/k.length, 9)]++
		byShare[min(int(10*m.share), 9)]++
		under[strings.Join(m.under, " + ")]++
	}
	k.t.Logf("%d kills with messages in flight, seed %d, over the %d ms that an undisturbed run has messages in flight",
		len(k.moments), killSeed, k.length)
	k.t.Logf("kills by tenth of the time:          %v", byTime)
	k.t.Logf("kills by tenth of what was read, done: %v", byShare)
	for names, n := range under {
		k.t.Logf("%4d with messages in flight in %s", n, names)
	}
	least, most := k.moments[0].inFlight, k.moments[0].inFlight
	for _, m := range k.moments {
		least, most = min(least, m.inFlight), max(most, m.inFlight)
	}
	k.t.Logf("messages in flight at a kill: %d to %d", least, most)
}
