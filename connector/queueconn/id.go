package queueconn

import "uuid"

// newID returns a UUID whose order is that of its making.
func newID() string { return uuid.NewV7().String() }
