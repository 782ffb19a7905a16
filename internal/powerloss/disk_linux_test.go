package powerloss_test

import (
	"bytes"
	"errors"
	"os"
	"os/exec"
	"path/filepath"
	"syscall"
	"testing"
	"time"
	"unsafe"
)

const (
	// goingDown is FS_IOC_GOINGDOWN, which ext4 calls EXT4_IOC_SHUTDOWN.
	goingDown  = 0x8004587d
	noLogFlush = 2 // what the journal has not on disk is lost
	diskSize   = 64 << 20
)

// disk is an ext4 on a loop device.
type disk struct {
	device string
	dir    string // where it is mounted
}

// newDisk makes an empty disk and mounts it, or skips the test and says why.
func newDisk(t *testing.T) *disk {
	t.Helper()
	if os.Geteuid() != 0 {
		t.Skip("power loss needs root, for a loop device")
	}
	for _, tool := range []string{"losetup", "mkfs.ext4"} {
		if _, err := exec.LookPath(tool); err != nil {
			t.Skip("power loss needs losetup and mkfs.ext4: ", err)
		}
	}
	image := filepath.Join(t.TempDir(), "image")
	if err := os.WriteFile(image, nil, 0o600); err != nil {
		t.Fatal(err)
	}
	if err := os.Truncate(image, diskSize); err != nil {
		t.Fatal(err)
	}
	out, err := exec.CommandContext(t.Context(), "losetup", "--find", "--show", image).CombinedOutput()
	if err != nil {
		t.Skipf("power loss needs a loop device: losetup: %v: %s", err, out)
	}
	d := &disk{device: string(bytes.TrimSpace(out)), dir: t.TempDir()}
	t.Cleanup(func() {
		if out, err := exec.Command("losetup", "--detach", d.device).CombinedOutput(); err != nil {
			t.Errorf("losetup --detach %s: %v: %s", d.device, err, out)
		}
	})
	if out, err := exec.CommandContext(t.Context(), "mkfs.ext4", "-q", "-F", d.device).CombinedOutput(); err != nil {
		t.Fatalf("mkfs.ext4: %v: %s", err, out)
	}
	if err := syscall.Mount(d.device, d.dir, "ext4", 0, ""); err != nil {
		t.Skip("power loss needs the right to mount ext4: ", err)
	}
	t.Cleanup(func() { d.unmount(t) })

	return d
}

// cut ends everything at once: what is not on disk by now never will be.
func (d *disk) cut(t testing.TB) {
	t.Helper()
	root, err := os.Open(d.dir)
	if err != nil {
		t.Error(err)

		return
	}
	defer root.Close()
	how := uint32(noLogFlush)
	if _, _, errno := syscall.Syscall(syscall.SYS_IOCTL, root.Fd(), goingDown, uintptr(unsafe.Pointer(&how))); errno != 0 {
		t.Errorf("ioctl FS_IOC_GOINGDOWN: %v", errno)
	}
}

// restart is what the next boot does.
func (d *disk) restart(t testing.TB) {
	t.Helper()
	d.unmount(t)
	if err := syscall.Mount(d.device, d.dir, "ext4", 0, ""); err != nil {
		t.Fatal("mount again: ", err)
	}
}

// unmount waits for the kernel to let go of what was just closed.
func (d *disk) unmount(t testing.TB) {
	t.Helper()
	for deadline := time.Now().Add(10 * time.Second); ; {
		err := syscall.Unmount(d.dir, 0)
		if err == nil || errors.Is(err, syscall.EINVAL) { // not mounted
			return
		}
		if !errors.Is(err, syscall.EBUSY) || time.Now().After(deadline) {
			t.Fatal("unmount: ", err)
		}
		time.Sleep(time.Millisecond)
	}
}
