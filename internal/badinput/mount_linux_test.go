package badinput_test

import "syscall"

// mountSmall puts a file system of 256 KiB on the directory.
func mountSmall(dir string) error {
	return syscall.Mount("tmpfs", dir, "tmpfs", 0, "size=256k")
}

func unmount(dir string) { _ = syscall.Unmount(dir, syscall.MNT_DETACH) }
