package clockjump_test

import (
	"context"
	"math/rand/v2"
	"os"
	"slices"
	"testing"
	"time"

	"github.com/millrace-go/millrace/connector"
	"github.com/millrace-go/millrace/internal/killtest"
	"github.com/millrace-go/millrace/internal/wallclock"
)

// targets are killed as those of killtest are, and have their clock set all the time: each
// process begins hours before or after the one before it.
var targets = jumping(slices.Concat(
	killtest.Queue("queue", func(dir string) (connector.Queue[int], error) { return openQueue(dir) }),
	killtest.Store("store", func(dir string) (connector.Store, error) { return openStore(dir) }),
))

func TestKill(t *testing.T) { killtest.Test(t, targets...) }

func jumping(targets []killtest.Target) []killtest.Target {
	for i, target := range targets {
		targets[i].Run = func(ctx context.Context, dir string, report *killtest.Report) error {
			random := rand.New(rand.NewPCG(uint64(os.Getpid()), 1))
			at := time.Duration(0)
			set := func() { // twelve hours from the real time at most
				next := time.Duration(random.Int64N(int64(24*time.Hour))) - 12*time.Hour
				wallclock.Jump(next - at)
				at = next
			}
			set()
			ended := make(chan struct{})
			defer close(ended)
			go func() {
				for {
					select {
					case <-time.After(time.Millisecond):
						set()
					case <-ended:
						return
					}
				}
			}()

			return target.Run(ctx, dir, report)
		}
	}

	return targets
}
