// Package servicestest runs drivers against services that listen on this machine. It is a
// module of its own because their clients are.
package servicestest
