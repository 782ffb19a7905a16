package main

import (
	"errors"
	"flag"
	"fmt"
	"os"
	"regexp"
	"time"
)

func main() {
	o := options{}
	flag.StringVar(&o.only, "only", "", "measure the rows whose \"family/name\" matches this regular expression")
	flag.IntVar(&o.rounds, "rounds", 9, "rounds of each row")
	flag.DurationVar(&o.length, "length", 80*time.Millisecond, "how long one round of one contestant takes, about")
	flag.StringVar(&o.out, "out", "", "directory for REPORT.md and the charts")
	flag.StringVar(&o.dir, "dir", "", "directory for the files that are measured; default: that for temporary files")
	flag.BoolVar(&o.quick, "quick", false, "three short rounds: a look, not a result")
	flag.BoolVar(&o.strict, "strict", false, "fail when a floor is missed")
	flag.BoolVar(&o.allocs, "allocs", false, "judge allocations alone, in one short round, and fail when there are too many")
	flag.BoolVar(&o.big, "big", false, "the file of 10 GB as well")
	flag.StringVar(&o.profiles, "profiles", "", "directory for CPU profiles of millrace, one for each row; nothing else is measured")
	flag.Parse()
	if err := o.run(); err != nil {
		fmt.Fprintln(os.Stderr, err)
		os.Exit(1)
	}
}

type options struct {
	only, out, dir, profiles   string
	rounds                     int
	length                     time.Duration
	quick, strict, allocs, big bool
}

func (o options) plan() plan {
	p := plan{rounds: o.rounds, length: o.length, dir: o.dir}
	switch {
	case o.allocs:
		p.rounds, p.few = 1, 1<<16
	case o.quick:
		p.rounds, p.length = 3, 20*time.Millisecond
	}

	return p
}

func (o options) run() error {
	only, err := regexp.Compile(o.only)
	if err != nil {
		return err
	}
	w := work{plan: o.plan(), only: only, allocs: o.allocs, profiles: o.profiles, log: os.Stdout}
	begin := time.Now()
	report, err := w.measure(families(o.big))
	if err != nil {
		return err
	}
	w.say("took %v\n", time.Since(begin).Round(time.Second))
	problems := []error{}
	if o.out != "" {
		problems = append(problems, report.write(o.out))
	}
	if o.strict || o.allocs {
		problems = append(problems, report.missed())
	}

	return errors.Join(problems...)
}
