package main

import (
	"encoding/json/v2"
	"hash/fnv"
	"net/http"
	"sync"
	"time"
)

// service stands for another team's customer service. What it does is decided by the
// customer's number, so that every run meets the same weather: most requests are answered
// at once, some only on the second attempt, some too late, some never.
type service struct {
	mu    sync.Mutex
	asked map[string]int
}

func newService() http.Handler {
	s := &service{asked: make(map[string]int)}
	mux := http.NewServeMux()
	mux.HandleFunc("GET /customers/{id}", s.customer)

	return mux
}

// tooLong is longer than the time-out of those who ask.
const tooLong = 300 * time.Millisecond

func (s *service) customer(w http.ResponseWriter, r *http.Request) {
	id := r.PathValue("id")
	first := s.count(id) == 1
	switch fate := hash(id) % 40; {
	case fate == 0:
		http.Error(w, "no such customer", http.StatusNotFound)
	case fate == 1:
		http.Error(w, "the index is being rebuilt", http.StatusInternalServerError)
	case fate == 2 && first:
		select {
		case <-time.After(tooLong):
		case <-r.Context().Done():
		}
	case fate < 8 && first:
		http.Error(w, "try again", http.StatusServiceUnavailable)
	default:
		w.Header().Set("Content-Type", "application/json")
		_ = json.MarshalWrite(w, invent(id)) // the client went away: nothing to do
	}
}

func (s *service) count(id string) int {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.asked[id]++

	return s.asked[id]
}

// invent makes up a customer.
func invent(id string) Customer {
	first := [...]string{"Amber", "Brook", "Cedar", "Dawn", "Ember", "Fern", "Grove", "Hazel"}
	second := [...]string{"Trading", "Gifts", "& Sons", "Wholesale", "Stores", "Imports"}
	segments := [...]string{"retail", "wholesale", "key account"}
	h := hash(id)

	return Customer{
		ID: id, Name: first[h/64%8] + " " + second[h/512%6], Segment: segments[h/4096%3],
	}
}

func hash(text string) uint32 {
	h := fnv.New32a()
	_, _ = h.Write([]byte(text)) // never fails

	return h.Sum32() >> 3
}
