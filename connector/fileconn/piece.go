package fileconn

import (
	"slices"
	"sort"
	"sync"

	"github.com/millrace-go/millrace/connector"
)

// piece is what one Read returned, all of one file. Its memory is used again when every
// message of it has been settled.
type piece[T any] struct {
	messages []connector.Message[T]
	metas    []connector.Meta
	settled  []bool
	left     int // how many have not been settled
}

func newPiece[T any](size int) *piece[T] {
	return &piece[T]{
		messages: make([]connector.Message[T], size),
		metas:    make([]connector.Meta, size),
		settled:  make([]bool, size),
	}
}

// resize makes room for so many messages, where the memory allows it.
func (p *piece[T]) resize(size int) bool {
	if size > cap(p.messages) {
		return false
	}
	p.messages, p.metas, p.settled = p.messages[:size], p.metas[:size], p.settled[:size]

	return true
}

// find returns the index of a message that has not been settled, or -1. Most often it is
// the one at guess.
func (p *piece[T]) find(position connector.Position, guess int) int {
	if guess >= len(p.metas) || p.metas[guess].Position() != position {
		guess = p.search(position)
	}
	if guess < 0 || p.settled[guess] {
		return -1
	}

	return guess
}

// search goes by the lines, which ascend.
func (p *piece[T]) search(position connector.Position) int {
	at := sort.Search(len(p.metas), func(i int) bool { return p.metas[i].Position().Offset >= position.Offset })
	if at == len(p.metas) || p.metas[at].Position() != position {
		return -1
	}

	return at
}

// pieces are the chunks that a reader has handed out, and those that it may fill again.
type pieces[T any] struct {
	mu    sync.Mutex
	out   []*piece[T] // in the order of Read
	free  []*piece[T]
	piece int // where the last settlement was
	guess int // what is settled next, most likely
}

// take returns a piece for so many messages.
func (s *pieces[T]) take(size int) *piece[T] {
	s.mu.Lock()
	defer s.mu.Unlock()
	if last := len(s.free) - 1; last >= 0 {
		p := s.free[last]
		s.free[last] = nil
		s.free = s.free[:last]
		if p.resize(size) {
			return p
		}
	}

	return newPiece[T](size)
}

// handOut notes that the first n messages of a piece go out.
func (s *pieces[T]) handOut(p *piece[T], n int) []connector.Message[T] {
	p.resize(n)
	p.left = n
	s.mu.Lock()
	defer s.mu.Unlock()
	if n == 0 {
		s.free = append(s.free, p)
	} else {
		s.out = append(s.out, p)
	}

	return p.messages
}

// settle notes the end of messages. What is not known, or was settled before, is left alone.
func (s *pieces[T]) settle(settlements []connector.Settlement) {
	s.mu.Lock()
	defer s.mu.Unlock()
	for i := range settlements {
		s.settleOne(settlements[i].Position)
	}
}

func (s *pieces[T]) settleOne(position connector.Position) {
	at := -1
	if s.piece < len(s.out) {
		at = s.out[s.piece].find(position, s.guess)
	}
	for i := 0; at < 0 && i < len(s.out); i++ {
		s.piece = i
		at = s.out[i].find(position, 0)
	}
	if at < 0 {
		return
	}
	s.guess = at + 1
	p := s.out[s.piece]
	p.settled[at] = true
	if p.left--; p.left == 0 {
		s.release(p)
	}
}

// release keeps a piece to be filled again, but nothing of what was in it.
func (s *pieces[T]) release(p *piece[T]) {
	clear(p.messages)
	clear(p.metas)
	clear(p.settled)
	s.out = slices.Delete(s.out, s.piece, s.piece+1)
	s.free = append(s.free, p)
	s.guess = 0 // of the piece that follows
}
