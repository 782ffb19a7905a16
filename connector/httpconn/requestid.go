package httpconn

import (
	"net/http"
	"strings"
	"uuid"
)

const maxRequestID = 128

// requestID takes over the X-Request-ID of the client if it is short and plain, or makes
// one, and sets it in the answer.
func requestID(w http.ResponseWriter, r *http.Request) string {
	id := r.Header.Get("X-Request-ID")
	if id == "" || len(id) > maxRequestID || strings.ContainsFunc(id, notPlain) {
		id = uuid.NewV7().String()
	}
	w.Header().Set("X-Request-ID", id)

	return id
}

func notPlain(r rune) bool {
	letter := r|0x20 >= 'a' && r|0x20 <= 'z'
	digit := r >= '0' && r <= '9'

	return !letter && !digit && !strings.ContainsRune("-_.:/+=", r)
}
