package flow

import (
	"context"
	"errors"
	"fmt"

	"github.com/millrace-go/millrace/connector"
)

// A run keeps in memory which groups are open and when they end, so only one run at a time
// may change what is stored. It takes the groups over when it begins, by a new version of
// one entry, and each of its transactions makes sure that no later run has done so
// (invariant 18). So a process that was taken for dead, and was only slow, changes nothing
// any more: its messages go back to their source, and it stops.

// takeOver makes this run the one that may change the groups, and reads them.
func (a *storedAggregate[Key, T, Acc]) takeOver(ctx context.Context) error {
	version, err := a.state.store.Put(ctx, a.state.prefix+ownerEntry, nil, connector.Any, 0)
	if err != nil {
		return fmt.Errorf("take over the stored groups of stage %s: %w", a.c.station.name, err)
	}
	a.owner = version

	return a.restore(ctx)
}

// owns returns connector.ErrFenced if a later run has taken the groups over.
func (a *storedAggregate[Key, T, Acc]) owns(ctx context.Context, kv connector.KV) error {
	entry, err := kv.Get(ctx, a.state.prefix+ownerEntry)
	switch {
	case err == nil && entry.Version == a.owner:
		return nil
	case err == nil || errors.Is(err, connector.ErrNotFound):
		return permanent(fmt.Errorf("another run of the pipeline has taken over the stored groups of stage %s, "+
			"stop this one, or give them different names: %w", a.c.station.name, connector.ErrFenced))
	default:
		return fmt.Errorf("look up who has the stored groups: %w", err)
	}
}

// fenced stops the run, whose groups another one has.
func (a *storedAggregate[Key, T, Acc]) fenced(err error) {
	a.run.fail(fmt.Errorf("flow %s: %w", a.run.pipeline.name, err))
}
