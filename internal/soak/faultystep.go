package main

import "context"

// faultyStep panics at times, fails at others, and hangs.
func faultyStep[In, Out any](dice *dice, name string, fn func(In) (Out, error)) func(context.Context, In) (Out, error) {
	return func(ctx context.Context, in In) (Out, error) {
		var none Out
		switch {
		case dice.fault(name+": panics", 1500):
			panic("a panic of the soak")
		case dice.fault(name+": fails", 200):
			return none, transient()
		case dice.fault(name+": hangs", 8000):
			return none, hang(ctx)
		}

		return fn(in)
	}
}
