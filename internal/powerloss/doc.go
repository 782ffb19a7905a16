// Package powerloss cuts the power of a file system while drivers write to it: an ext4 on a
// loop device, shut down without flushing its journal, then mounted again. Nothing that a
// driver acknowledged may be lost. It needs root on Linux, and is skipped elsewhere.
package powerloss
