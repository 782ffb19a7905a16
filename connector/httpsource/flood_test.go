//go:build !race

package httpsource_test

// mostFlood bounds what may be allocated while a flood of 32 MiB is refused.
const mostFlood = 160 << 20
