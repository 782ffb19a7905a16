package main

import "strings"

const thousandsMark = ","

// grouped puts marks between the thousands of a number: 180,659.25.
func grouped(number string) string {
	sign := ""
	if strings.HasPrefix(number, "-") {
		sign, number = "-", number[1:]
	}
	whole, decimals, found := strings.Cut(number, ".")
	for i := len(whole) - 3; i > 0; i -= 3 {
		whole = whole[:i] + thousandsMark + whole[i:]
	}
	if found {
		whole += "." + decimals
	}

	return sign + whole
}
