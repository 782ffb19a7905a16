//go:build race

package httpsource_test

// mostFlood is larger here: under the race detector a sync.Pool forgets at random what it is
// given, so buffers of HTTP and JSON are made anew.
const mostFlood = 320 << 20
