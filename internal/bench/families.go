package main

import (
	"maps"
	"slices"
)

const (
	bigSize = 10_000_000_000
	// smallSize is for the runs in which the large file would take too long.
	smallSize = 1_000_000_000
)

// families are all that is measured, in the order of the report.
func families(big bool) []family {
	size := int64(smallSize)
	if big {
		size = bigSize
	}

	return []family{
		chains(), peers(), hops(), parallels(), keyeds(), splits(), policies(), builds(), durables(), files(), bigs(size), webs(),
		weights(), scales(),
	}
}

func keys(m map[string]float64) []string { return slices.Sorted(maps.Keys(m)) }
