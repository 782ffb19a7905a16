package main

import (
	"maps"
	"slices"
)

// families are all that is measured, in the order of the report.
func families(big bool) []family {
	list := []family{chains(), peers(), hops(), parallels(), keyeds(), splits(), policies(), builds(), durables(), files(), webs()}

	return list
}

func keys(m map[string]float64) []string { return slices.Sorted(maps.Keys(m)) }
