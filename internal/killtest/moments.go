package killtest

import (
	"strings"
	"testing"
	"time"
)

// moments are the kills that met messages in hand.
type moments struct {
	whole life // an undisturbed run
	list  []moment
}

type moment struct {
	at     time.Duration // since the program took its first message
	share  float64       // of the work that was done, over all runs on the directory
	inHand int
	places string
}

func (m *moments) add(l life, done int) {
	m.list = append(m.list, moment{
		at: l.lasted, share: float64(done) / float64(m.whole.settled), inHand: len(l.inHand), places: strings.Join(l.places, " + "),
	})
}

// show tells how the kills were spread.
func (m *moments) show(t testing.TB) {
	t.Helper()
	var byTime, byShare [10]int
	places := make(map[string]int)
	least, most := m.list[0].inHand, m.list[0].inHand
	for _, one := range m.list {
		byTime[min(int(10*one.at/m.whole.lasted), 9)]++
		byShare[min(int(10*one.share), 9)]++
		places[one.places]++
		least, most = min(least, one.inHand), max(most, one.inHand)
	}
	t.Logf("%d kills with messages in hand, seed %d; an undisturbed run takes %s",
		len(m.list), seed, m.whole.lasted.Round(time.Millisecond))
	t.Logf("kills by tenth of that time:       %v", byTime)
	t.Logf("kills by tenth of the work, done:  %v", byShare)
	for names, n := range places {
		t.Logf("%4d with messages in hand at %s", n, names)
	}
	t.Logf("messages in hand at a kill: %d to %d", least, most)
}
