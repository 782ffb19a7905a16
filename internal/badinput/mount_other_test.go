//go:build !linux

package badinput_test

import "errors"

func mountSmall(string) error { return errors.ErrUnsupported }

func unmount(string) {}
