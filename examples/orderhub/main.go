package main

import (
	"context"
	"errors"
	"flag"
	"fmt"
	"io"
	"os"
	"os/signal"
	"path/filepath"
	"syscall"
	"time"

	"go.uber.org/zap"
	"go.uber.org/zap/zapcore"
)

func main() {
	ctx, stop := signal.NotifyContext(context.Background(), os.Interrupt, syscall.SIGTERM)
	err := command(ctx, os.Args[1:], os.Stdout, os.Stderr)
	stop()
	if err != nil && !errors.Is(err, flag.ErrHelp) {
		fmt.Fprintln(os.Stderr, "orderhub:", err)
		os.Exit(1)
	}
}

// command runs the program. It returns nil only when the job is done and every ledger
// balances.
func command(ctx context.Context, args []string, stdout, stderr *os.File) (err error) {
	flags := flag.NewFlagSet("orderhub", flag.ContinueOnError)
	flags.SetOutput(stderr)
	data := flags.String("data", "", "read partner_a.csv and partner_b.csv in this `directory`; without it, small generated files")
	report := flags.String("json", "", "write the report as JSON to this `file`")
	state := flags.String("state", "", "keep everything in this `directory`, to go on after a crash; without it, in one that is removed")
	if err := flags.Parse(args); err != nil {
		return err
	}
	if flags.NArg() > 0 {
		return fmt.Errorf("unexpected argument %q: see -help", flags.Arg(0))
	}
	o, remove, err := prepare(*data, *state)
	defer func() { err = errors.Join(err, remove()) }()
	if err != nil {
		return err
	}
	o.logger = newLogger(stderr)
	done := func() {}
	if isTerminal(stderr) && isTerminal(stdout) {
		o.watch, o.every = progress(stderr), 100*time.Millisecond
		done = clearLine(stderr)
	}
	r, err := run(ctx, o)
	done()

	from := *data
	if from == "" {
		from = "generated data"
	}

	return finish(r, err, from, *report, stdout)
}

// finish shows the result and saves it.
func finish(r result, err error, from, report string, stdout io.Writer) error {
	if err != nil {
		p := &page{}
		r.status.print(p)
		_, printErr := io.WriteString(stdout, p.text.String())

		return errors.Join(err, printErr)
	}
	if err := r.print(stdout, from); err != nil {
		return err
	}
	if report != "" {
		if err := r.save(report); err != nil {
			return err
		}
	}
	if !r.Balanced {
		return errors.New("a ledger does not balance")
	}

	return nil
}

// prepare makes the directories that were not given. remove takes away what is not to be
// kept.
func prepare(data, state string) (o options, remove func() error, err error) {
	remove = func() error { return nil }
	if state == "" {
		if state, err = os.MkdirTemp("", "orderhub"); err != nil {
			return o, remove, fmt.Errorf("make the state directory: %w", err)
		}
		made := state
		remove = func() error { return os.RemoveAll(made) }
	}
	if state, err = filepath.Abs(state); err != nil {
		return o, remove, fmt.Errorf("state directory: %w", err)
	}
	if err = os.MkdirAll(state, 0o755); err != nil {
		return o, remove, fmt.Errorf("make the state directory: %w", err)
	}
	if data == "" {
		data = filepath.Join(state, "generated")
		err = generate(data)
	}

	return options{data: data, state: state}, remove, err
}

// newLogger logs events, not messages, as lines for a person.
func newLogger(w zapcore.WriteSyncer) *zap.Logger {
	config := zap.NewDevelopmentEncoderConfig()
	config.EncodeTime = zapcore.TimeEncoderOfLayout(time.TimeOnly)

	return zap.New(zapcore.NewCore(zapcore.NewConsoleEncoder(config), zapcore.Lock(w), zapcore.InfoLevel))
}
