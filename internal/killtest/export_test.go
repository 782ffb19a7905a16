package killtest

import (
	"math/rand/v2"
	"runtime"
	"testing"
)

// Verdict kills a target some times and returns what the checks say of it.
func Verdict(t testing.TB, target Target) (complaints []string) {
	t.Helper()
	j := &judge{TB: t}
	ended := make(chan struct{})
	go func() {
		defer close(ended)
		k := &killer{target: target, kills: killsByItself, random: rand.New(rand.NewPCG(seed, 0))}
		k.run(j)
	}()
	<-ended

	return j.complaints
}

// judge notes failures instead of failing its test.
type judge struct {
	testing.TB

	complaints []string
}

func (j *judge) Errorf(format string, _ ...any) { j.complaints = append(j.complaints, format) }

func (j *judge) Fatalf(format string, _ ...any) {
	j.complaints = append(j.complaints, format)
	runtime.Goexit()
}

func (j *judge) Failed() bool { return len(j.complaints) > 0 }
