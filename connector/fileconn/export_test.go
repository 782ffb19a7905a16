package fileconn

import "path/filepath"

// Faults are errors of the disk, asked for at each call; nil means that it works.
type Faults struct {
	Open, Write, Truncate, Sync, Rename, SyncDir func() error
}

// Inject puts faults under a sink that was not used yet.
func (s *Sink[T]) Inject(faults *Faults) { s.disk = faultyDisk{faults: faults} }

type faultyDisk struct {
	osDisk

	faults *Faults
}

func (d faultyDisk) open(path string, flag int) (file, error) {
	if err := due(d.faults.Open); err != nil {
		return nil, err
	}
	f, err := d.osDisk.open(path, flag)

	return faultyFile{f, d.faults}, err
}

func (d faultyDisk) rename(from, to string) error {
	if err := due(d.faults.Rename); err != nil {
		return err
	}

	return d.osDisk.rename(from, to)
}

func (d faultyDisk) syncDir(dir string) error {
	if err := due(d.faults.SyncDir); err != nil {
		return err
	}

	return d.osDisk.syncDir(filepath.Clean(dir))
}

type faultyFile struct {
	file

	faults *Faults
}

// WriteAt writes half of p before it fails, as a disk does that becomes full.
func (f faultyFile) WriteAt(p []byte, at int64) (int, error) {
	if err := due(f.faults.Write); err != nil {
		n, _ := f.file.WriteAt(p[:len(p)/2], at)

		return n, err
	}

	return f.file.WriteAt(p, at)
}

func (f faultyFile) Truncate(size int64) error {
	if err := due(f.faults.Truncate); err != nil {
		return err
	}

	return f.file.Truncate(size)
}

func (f faultyFile) Sync() error {
	if err := due(f.faults.Sync); err != nil {
		return err
	}

	return f.file.Sync()
}

func due(fault func() error) error {
	if fault == nil {
		return nil
	}

	return fault()
}
