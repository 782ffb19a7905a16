package flowtest

import (
	"strings"
	"testing"
	"time"
)

func TestWatchdogBitesWhatStandsStill(t *testing.T) {
	bitten := make(chan string)
	dog := newWatchdog()
	dog.limit, dog.bite = time.Millisecond, func(text string) { bitten <- text }
	stop := dog.watch(42)
	defer stop()
	if text := <-bitten; !strings.Contains(text, "seed 42 hangs") {
		t.Errorf("it says %q", text)
	}
}

func TestWatchdogLeavesAloneWhatGoesOn(t *testing.T) {
	Test(t, func(t *testing.T) {
		dog := newWatchdog()
		dog.bite = func(text string) { t.Error(text) }
		stop := dog.watch(1)
		for range 10 {
			time.Sleep(hangs - 1)
			dog.pulse.Add(1)
		}
		stop()
	})
}
