package fileconn

import (
	"context"
	"encoding/json/v2"
	"errors"
	"fmt"
	"io/fs"

	"github.com/millrace-go/millrace/connector"
)

// dispose puts a file where it belongs that the store knows to be done. It may be called
// again after an error or a crash. The marker goes first: without its file it would stand
// for the next one of that name.
func (d *desk) dispose(ctx context.Context, t *taken) error {
	name := t.info.Name
	if d.config.Done != "" {
		if err := d.files.Remove(ctx, name+d.config.Done); err != nil && !errors.Is(err, fs.ErrNotExist) {
			return fmt.Errorf("remove the marker of %s: %w", name, err)
		}
	}
	if d.config.keeps(t.failed) {
		return nil
	}
	now, err := d.files.Stat(ctx, name)
	gone := errors.Is(err, fs.ErrNotExist)
	switch {
	case err != nil && !gone:
		return err
	case gone || !now.same(t.info) || now.stamp() != t.info.stamp():
		// Someone took it away, or put another one in its place, which is not done.
	case t.failed:
		err = d.move(ctx, t, d.config.Quarantine)
	case d.config.Delete:
		err = d.files.Remove(ctx, name)
	default:
		err = d.move(ctx, t, d.config.Archive)
	}
	if err != nil && !errors.Is(err, fs.ErrNotExist) {
		return fmt.Errorf("%s is done, and stays until it can be put away: %w", name, err)
	}
	if err := d.config.Store.Delete(ctx, d.config.key(name), connector.Any); err != nil {
		return fmt.Errorf("forget %s: %w", name, err)
	}

	return nil
}

// move puts a file into a folder. One whose name is taken there gets its stamp.
func (d *desk) move(ctx context.Context, t *taken, folder string) error {
	to := folder + "/" + t.info.Name
	err := d.files.Move(ctx, t.info.Name, to)
	if errors.Is(err, fs.ErrExist) {
		err = d.files.Move(ctx, t.info.Name, to+"."+t.info.stamp())
	}

	return err
}

func marshalRecord(r record) ([]byte, error) {
	value, err := json.Marshal(r)
	if err != nil {
		return nil, fmt.Errorf("encode a record: %w", err)
	}

	return value, nil
}
