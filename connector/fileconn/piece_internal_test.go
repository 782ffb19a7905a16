package fileconn

import (
	"fmt"
	"math/rand/v2"
	"testing"

	"github.com/millrace-go/millrace/connector"
)

// handOutLines hands out messages of a file for so many lines from one on, each second one.
func handOutLines(s *pieces[int], file string, from, n int) []connector.Message[int] {
	p := s.take(n)
	for i := range p.messages {
		p.metas[i] = connector.MakeMeta(connector.Fields{Position: connector.Position{Partition: file, Offset: int64(from + 2*i)}})
		p.messages[i] = connector.Message[int]{Meta: &p.metas[i], Value: from + 2*i}
	}

	return s.handOut(p, n)
}

// A piece is filled again when all of its messages have been settled, in whatever order, and
// never before: settling one twice, or one that was not handed out, does not count.
func TestPiecesAreUsedAgainWhenSettled(t *testing.T) {
	for seed := range uint64(50) {
		var s pieces[int]
		random := rand.New(rand.NewPCG(seed, 4))
		var open []connector.Message[int]
		for round := range 30 {
			file := fmt.Sprintf("file-%d", round/10)
			open = append(open, handOutLines(&s, file, 1+round%10*100, 1+random.IntN(8))...)
			random.Shuffle(len(open), func(i, j int) { open[i], open[j] = open[j], open[i] })
			done := random.IntN(len(open) + 1)
			for _, m := range open[:done] {
				position := m.Position()
				s.settle([]connector.Settlement{
					{Position: position}, {Position: position},
					{Position: connector.Position{Partition: position.Partition, Offset: position.Offset + 1}},
					{Position: connector.Position{Partition: "other", Offset: position.Offset}},
				})
			}
			open = open[done:]
			for _, m := range open {
				if int64(m.Value) != m.Position().Offset {
					t.Fatalf("seed %d: a message that is not settled has the value %d and the position %v", seed, m.Value, m.Position())
				}
			}
		}
		for _, m := range open {
			s.settle([]connector.Settlement{{Position: m.Position()}})
		}
		if len(s.out) != 0 || len(s.free) == 0 {
			t.Fatalf("seed %d: all is settled; %d pieces are out, %d free", seed, len(s.out), len(s.free))
		}
	}
}

// What was settled is not kept alive by the piece.
func TestPieceForgets(t *testing.T) {
	var s pieces[*int]
	p := s.take(2)
	for i := range p.messages {
		p.metas[i] = connector.MakeMeta(connector.Fields{Position: connector.Position{Partition: "a", Offset: int64(i + 1)}})
		p.messages[i] = connector.Message[*int]{Meta: &p.metas[i], Value: new(int)}
	}
	for _, m := range s.handOut(p, 2) {
		s.settle([]connector.Settlement{{Position: m.Position()}})
	}
	again := s.take(2)
	if again != p || again.messages[0].Value != nil || again.messages[1].Meta != nil || !again.metas[1].Position().IsZero() || again.settled[0] {
		t.Errorf("same %t, %+v", again == p, again)
	}
	if s.handOut(again, 0); len(s.out) != 0 {
		t.Error("an empty piece is out")
	}
	if larger := s.take(3); larger == p || len(larger.messages) != 3 {
		t.Error("a piece of 2 was taken for 3")
	}
}
