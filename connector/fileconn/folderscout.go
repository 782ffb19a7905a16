package fileconn

import (
	"cmp"
	"context"
	"errors"
	"fmt"
	"io"
	"slices"
	"time"

	"github.com/millrace-go/millrace/connector"
)

// scout finds files that are complete.
type scout struct {
	files  FileSystem
	config FolderConfig

	seen   map[string]sighting // by name, of the last look
	kept   map[string]string   // the stamps of files that are done and stay
	queue  []FileInfo          // what the last look found, as far as it was not asked for
	looked time.Time           // when the last look was
	ripe   time.Time           // when a file that was seen may be complete at the earliest
	took   bool                // a file of the last look was taken
}

// sighting is a file as it has been since a time.
type sighting struct {
	info  FileInfo
	since time.Time
}

func newScout(files FileSystem, config FolderConfig) *scout {
	return &scout{files: files, config: config, kept: make(map[string]string)}
}

// recall reads from the store which files are done and stay, and has it forget those that
// are gone.
func (s *scout) recall(ctx context.Context) error {
	if s.config.Archive != "" || s.config.Delete {
		_, err := s.list(ctx)

		return err
	}
	prefix := s.config.key("")
	for entry, err := range s.config.Store.Scan(ctx, prefix, prefix+"\xff") {
		if err != nil {
			return fmt.Errorf("read what is done: %w", err)
		}
		if record, err := readRecord(entry); err == nil && record.Done {
			s.kept[entry.Key[len(prefix):]] = record.Stamp
		}
	}
	infos, err := s.list(ctx)
	if err != nil {
		return err
	}

	return s.forget(ctx, infos)
}

// forget drops what is known of files that are not there any more.
func (s *scout) forget(ctx context.Context, infos []FileInfo) error {
	gone := make(map[string]bool, len(s.kept))
	for name := range s.kept {
		gone[name] = true
	}
	for _, info := range infos {
		delete(gone, info.Name)
	}
	for name := range gone {
		if err := s.config.Store.Delete(ctx, s.config.key(name), connector.Any); err != nil {
			return fmt.Errorf("forget %s: %w", name, err)
		}
		delete(s.kept, name)
	}

	return nil
}

func (s *scout) list(ctx context.Context) ([]FileInfo, error) {
	infos, err := s.files.List(ctx, s.config.MaxFiles+1)
	if err == nil && len(infos) > s.config.MaxFiles {
		err = connector.Permanent(fmt.Errorf("the folder holds more than %d files; archive what is done, or raise FolderConfig.MaxFiles", s.config.MaxFiles))
	}

	return infos, err
}

// candidate returns a file that may be taken. Without one it waits or, where it must not,
// returns false; io.EOF says that there will be none.
func (s *scout) candidate(ctx context.Context, wait bool) (FileInfo, bool, error) {
	for {
		if len(s.queue) > 0 {
			info := s.queue[0]
			s.queue = s.queue[1:]

			return info, true, nil
		}
		if !s.looked.IsZero() && !s.took {
			if s.config.UntilEmpty && s.ripe.IsZero() {
				return FileInfo{}, false, io.EOF
			}
			if !wait {
				return FileInfo{}, false, nil
			}
			if err := s.sleep(ctx); err != nil {
				return FileInfo{}, false, err
			}
		}
		if err := s.look(ctx); err != nil {
			return FileInfo{}, false, err
		}
	}
}

// sleep waits until another look may show something new.
func (s *scout) sleep(ctx context.Context) error {
	until := s.looked.Add(s.config.Poll)
	if !s.ripe.IsZero() && s.ripe.Before(until) {
		until = s.ripe
	}
	timer := time.NewTimer(time.Until(until))
	defer timer.Stop()
	select {
	case <-timer.C:
		return nil
	case <-ctx.Done():
		return ctx.Err()
	}
}

// look lists the folder and queues what is complete.
func (s *scout) look(ctx context.Context) error {
	infos, err := s.list(ctx)
	if err != nil {
		return err
	}
	if err := s.forget(ctx, infos); err != nil {
		return err
	}
	names := make(map[string]bool, len(infos))
	for _, info := range infos {
		names[info.Name] = true
	}
	s.looked, s.ripe, s.took = time.Now(), time.Time{}, false
	seen := make(map[string]sighting)
	for _, info := range infos {
		if s.config.wants(info.Name) && s.kept[info.Name] != info.stamp() {
			s.sight(info, names, seen)
		}
	}
	s.seen = seen
	slices.SortFunc(s.queue, s.compare)

	return nil
}

// sight queues one file if it is complete.
func (s *scout) sight(info FileInfo, names map[string]bool, seen map[string]sighting) {
	switch {
	case s.config.Atomic, s.config.Done != "" && names[info.Name+s.config.Done]:
		s.queue = append(s.queue, info)

		return
	case s.config.Done != "":
		return
	}
	now, ok := s.seen[info.Name]
	if !ok || !now.info.unchanged(info) {
		now = sighting{info: info, since: s.looked}
	}
	seen[info.Name] = now
	ripe := now.since.Add(s.config.Stable)
	switch {
	case !s.looked.Before(ripe):
		s.queue = append(s.queue, info)
	case s.ripe.IsZero() || ripe.Before(s.ripe):
		s.ripe = ripe
	}
}

func (s *scout) compare(a, b FileInfo) int {
	byName := cmp.Compare(a.Name, b.Name)
	if s.config.Order == ByTime {
		return cmp.Or(a.ModTime.Compare(b.ModTime), byName)
	}

	return byName
}

// ends reports whether an error is the end of the input or of the caller's patience,
// neither of which is a failure of the folder.
func ends(ctx context.Context, err error) bool {
	return errors.Is(err, io.EOF) || ctx.Err() != nil && errors.Is(err, ctx.Err())
}
