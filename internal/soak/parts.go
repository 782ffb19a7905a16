package main

import (
	"bufio"
	"fmt"
	"os"
	"path/filepath"
	"strconv"
	"strings"
)

// takeParts counts the orders in the finished part files, and removes these.
func (r *round) takeParts() error {
	paths, err := filepath.Glob(r.path("out.part-*.csv"))
	if err != nil {
		return err
	}
	for _, path := range paths {
		if err := r.takePart(path); err != nil {
			return err
		}
	}

	return nil
}

func (r *round) takePart(path string) error {
	file, err := os.Open(path)
	if err != nil {
		return err
	}
	defer func() { _ = file.Close() }() // it was only read
	lines := bufio.NewScanner(file)
	for header := true; lines.Scan(); header = false {
		if header {
			continue
		}
		fields := strings.Split(lines.Text(), ",")
		id, err := strconv.Atoi(fields[0])
		if err != nil || len(fields) != 4 || fields[3] != strconv.Itoa(price(id)) {
			return fmt.Errorf("%s: the row %q is not that of an order with its price", path, lines.Text())
		}
		r.orders.effect(id)
	}
	if err := lines.Err(); err != nil {
		return err
	}

	return os.Remove(path)
}
