package boltfile_test

import (
	"slices"
	"testing"

	"github.com/millrace-go/millrace/internal/boltfile"
)

func TestLine(t *testing.T) {
	line := boltfile.NewLine[int]()
	for i := range 4 {
		line.Join(i)
	}
	if !line.Withdraw(1) || line.Withdraw(1) {
		t.Error("1 was there once")
	}
	taken := line.TakeAll()
	if line.Withdraw(0) {
		t.Error("0 could be withdrawn from the leader")
	}
	line.Join(4)
	line.PutBack(taken[1:])
	if again := line.TakeAll(); !slices.Equal(taken, []int{0, 2, 3}) || !slices.Equal(again, []int{2, 3, 4}) {
		t.Errorf("taken %v, then %v", taken, again)
	}
}
