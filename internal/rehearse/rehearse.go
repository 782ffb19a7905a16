// Package rehearse lets a test repeat the failures that a recording has, at the stages
// where they were.
package rehearse

import (
	"context"
	"time"
)

// Failure is what a stage is to fail with, and after how long.
type Failure struct {
	After time.Duration
	Err   error
}

// Script returns what a branch of the message is to fail with as it enters a stage, or the
// zero Failure. It is called once for each entry, concurrently where branches are.
type Script func(branch, stage string) Failure

type key struct{}

// With returns a context whose runs follow the script.
func With(ctx context.Context, s Script) context.Context { return context.WithValue(ctx, key{}, s) }

// Of returns the script of a run, else nil.
func Of(ctx context.Context) Script {
	s, _ := ctx.Value(key{}).(Script)

	return s
}
