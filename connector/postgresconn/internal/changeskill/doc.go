// Package changeskill kills a program that captures the changes of a table, again and
// again, while a writer goes on.
package changeskill
