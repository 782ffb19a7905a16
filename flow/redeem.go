package flow

import (
	"context"
	"encoding/json/v2"
	"errors"
	"fmt"

	"github.com/millrace-go/millrace/connector"
)

// Redeem lets the values go on for which the claims of a [Flow.ClaimCheck] stand. Put it
// into a flow with [Flow.Apply]:
//
//	claims.Apply(flow.Redeem[Scan](store))
//
// The value is removed from the store when the message has ended below with any outcome
// but returned; a failure that goes on to a DeadLetter above Redeem leaves it there for
// whoever deals with the letter. What remains for [SeenTTL] is a note, so that a claim which
// comes again after that is a duplicate. A value belongs to one Redeem: where several
// branches need it, put Redeem above them. A claim whose value is not there fails with
// ErrClaimLost, ErrClaimTaken or ErrClaimDamaged.
//
// Name the stage with As, and keep the name: the note tells this stage from others by it.
func Redeem[T any](store connector.Store) func(Flow[Claim[T]]) Flow[T] {
	return func(f Flow[Claim[T]]) Flow[T] {
		n := stageNode[T]("redeem", f.n)
		n.traits |= frames | fails
		n.endpoint = store
		defineClaims[T](n, store)
		n.wire = func(w *wiring, n *node) any {
			next, c := w.feed(n).(push[T]), w.counter(n)
			r := &redeemer{run: w.run, station: c.station, store: store, name: storeName(w.run.pipeline.name, w.plan.names[n])}

			return push[Claim[T]](func(ctx context.Context, it *item, claim *Claim[T]) error {
				start := started(c.begin())
				var value T
				mine, err := r.fetch(ctx, claim.Key, claim.Size, claim.Sum, &value)
				c.end(start)
				if err != nil {
					return c.fail(it, err)
				}
				if mine {
					c.ended(it, connector.Duplicate)

					return nil
				}
				it.frame = &redemption{by: r, key: claim.Key, size: claim.Size, outer: it.frame}

				return next(ctx, it, &value)
			})
		}

		return Flow[T]{n: n}
	}
}

// redeemer is a running Redeem.
type redeemer struct {
	run     *run
	station *station
	store   connector.Store
	// name is what this stage leaves in the place of values.
	name string
}

// redeemed begins the note in the place of a value. No JSON begins with it.
const redeemed = 0

// fetch reads the value of a claim; mine says that this stage has redeemed it before.
func (r *redeemer) fetch(ctx context.Context, key string, size int, sum string, value any) (mine bool, err error) {
	if key == "" || size < 1 {
		return false, connector.Permanent(fmt.Errorf("%w: it is empty", ErrClaimLost))
	}
	var text []byte
	for i := range slips(size) {
		part, err := r.read(ctx, slip(key, i))
		if i > 0 && errors.Is(err, ErrClaimLost) {
			// Another message with the claim may just have ended.
			if first, again := r.read(ctx, slip(key, 0)); again == nil && first[0] == redeemed {
				return r.taken(first)
			}
		}
		if err != nil {
			return false, err
		}
		if i == 0 && part[0] == redeemed {
			return r.taken(part)
		}
		text = append(text, part...)
	}
	if len(text) != size || hashOf(text) != sum {
		return false, connector.Permanent(fmt.Errorf("%w: %s", ErrClaimDamaged, key))
	}
	if err := json.Unmarshal(text, value); err != nil {
		return false, connector.Permanent(fmt.Errorf("the stored value does not fit %T: %w", value, err))
	}

	return false, nil
}

// read returns one part of a value, which is not empty.
func (r *redeemer) read(ctx context.Context, name string) ([]byte, error) {
	var entry connector.Entry
	err := guard(func() (err error) {
		entry, err = r.store.Get(ctx, name)

		return err //nolint:wrapcheck // wrapped below
	})
	switch {
	case errors.Is(err, connector.ErrNotFound):
		return nil, connector.Permanent(fmt.Errorf("%w: %s", ErrClaimLost, name))
	case err != nil:
		return nil, fmt.Errorf("read the value: %w", err)
	case len(entry.Value) == 0:
		return nil, connector.Permanent(fmt.Errorf("%w: %s is empty", ErrClaimDamaged, name))
	default:
		return entry.Value, nil
	}
}

// taken says of a note whether it is ours.
func (r *redeemer) taken(note []byte) (mine bool, err error) {
	if by := string(note[1:]); by != r.name {
		return false, connector.Permanent(fmt.Errorf("%w: by %s", ErrClaimTaken, by))
	}

	return true, nil
}

// redemption removes the value of a message that has ended below.
type redemption struct {
	by    *redeemer
	key   string
	size  int
	outer frame
}

func (p *redemption) unwind(it *item, err error) (error, bool) {
	it.frame = p.outer
	if err == nil {
		p.by.remove(p.key, p.size)
	}

	return err, false
}

// remove leaves a note in the place of a value. The message is done: where this fails, the
// value stays, and the message would be processed again if it came again.
func (r *redeemer) remove(key string, size int) {
	ctx := r.run.settleCtx
	err := guard(func() error {
		return r.store.Update(ctx, func(tx connector.KV) error {
			for i := 1; i < slips(size); i++ {
				if err := tx.Delete(ctx, slip(key, i), connector.Any); err != nil {
					return err //nolint:wrapcheck // logged with its context
				}
			}
			_, err := tx.Put(ctx, slip(key, 0), append([]byte{redeemed}, r.name...), connector.Any, SeenTTL)

			return err //nolint:wrapcheck // logged with its context
		})
	})
	if err != nil {
		r.run.event("removing the value of a redeemed claim failed; it stays in the store", r.station, err, 0)
	}
}
