package main

import (
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"regexp"
	"runtime/pprof"
	"strings"
	"time"
)

// profileLength is how long the job of a row is repeated under the profiler.
const profileLength = 2 * time.Second

var notInNames = regexp.MustCompile(`[^a-z0-9]+`)

// profile runs ours alone under the profiler and writes what it finds to family-row.pprof.
func (p plan) profile(dir, family string, r row) (err error) {
	n, err := p.calibrate(r, r.ours)
	if err != nil {
		return err
	}
	if err := os.MkdirAll(dir, 0o750); err != nil {
		return err
	}
	file, err := os.Create(filepath.Join(dir, family+"-"+notInNames.ReplaceAllString(strings.ToLower(r.name), "-")+".pprof"))
	if err != nil {
		return err
	}
	defer func() { err = errors.Join(err, file.Close()) }()
	if err := pprof.StartCPUProfile(file); err != nil {
		return err
	}
	defer pprof.StopCPUProfile()
	for begin := time.Now(); time.Since(begin) < profileLength; {
		if _, err := take(r.ours, p.dir, n, r.wanted(n)); err != nil {
			return fmt.Errorf("%s: %w", r.name, err)
		}
	}

	return nil
}
