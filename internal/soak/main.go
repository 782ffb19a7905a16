// Command soak runs flows at full load, with faults, for as long as it is told, and looks
// whether anything is lost, comes too often, or grows.
package main

import (
	"context"
	"encoding/json/v2"
	"flag"
	"fmt"
	"os"
	"os/signal"
	"time"
)

func main() {
	if err := command(); err != nil {
		fmt.Fprintln(os.Stderr, "soak:", err)
		os.Exit(1)
	}
}

func command() error {
	c := config{stopWithin: 2 * time.Second, stopService: 20 * time.Second}
	flag.DurationVar(&c.length, "for", time.Hour, "how `long`")
	flag.IntVar(&c.size, "orders", 20_000, "orders in a round")
	flag.IntVar(&c.side, "side", 6, "rounds side by side")
	flag.Uint64Var(&c.seed, "seed", 1, "`seed` of the faults")
	flag.StringVar(&c.dir, "dir", "", "`directory` for the state; default a temporary one")
	report := flag.String("report", "", "write REPORT.md and soak.svg to this `directory`")
	flag.Parse()
	c.every = max(c.length/720, 50*time.Millisecond)
	dir, err := os.MkdirTemp(c.dir, "soak-")
	if err != nil {
		return err
	}
	c.dir = dir
	c.progress = func(m sample) {
		if err := json.MarshalWrite(os.Stdout, m); err != nil {
			fmt.Fprintln(os.Stderr, err)
		}
		fmt.Fprintln(os.Stdout)
	}
	ctx, stop := signal.NotifyContext(context.Background(), os.Interrupt)
	defer stop()
	s, err := run(ctx, c)
	if err != nil {
		return fmt.Errorf("%w\nthe state is in %s", err, dir)
	}
	if err := os.RemoveAll(dir); err != nil {
		return err
	}

	return s.conclude(os.Stderr, *report)
}
