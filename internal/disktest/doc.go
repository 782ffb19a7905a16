// Package disktest shows tests what a program asks of the disk, and takes the disk's
// answer away.
package disktest
