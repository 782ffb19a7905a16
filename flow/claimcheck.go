package flow

import (
	"context"
	"crypto/sha256"
	"encoding/hex"
	"encoding/json/v2"
	"errors"
	"fmt"
	"reflect"
	"time"

	"github.com/millrace-go/millrace/connector"
)

// Claim stands for a value that a ClaimCheck has put into a store. It encodes to JSON.
type Claim[T any] struct {
	// Key is where the store has the value.
	Key string `json:"key"`
	// Size is how many bytes the value takes there; Sum is their SHA-256 in hexadecimal.
	Size int    `json:"size"`
	Sum  string `json:"sum"`
}

// ClaimConfig bounds what a ClaimCheck stores. The zero value is good for most.
type ClaimConfig struct {
	// MaxBytes is how large a value may be as JSON; zero means 16 MiB.
	MaxBytes int
	// TTL is how long the store keeps a value that nobody redeems; zero means for ever. It
	// must be longer than a claim can be on its way: a claim whose value has gone fails.
	TTL time.Duration
}

const defaultClaimBytes = 16 << 20

// ClaimCheck puts the value of each message into the store, as JSON, and lets a small
// [Claim] go on in its place; [Redeem] brings the value back. So a queue, a table or a
// broker that has a bound on the size of messages carries the claims. It is the claim check
// of Hohpe and Woolf's Enterprise Integration Patterns.
//
// A value is stored, as durably as the store declares, before its claim goes on. It is
// stored under the pipeline, the stage, the message's ID and a hash of the value, so a
// message that comes again overwrites what it left. A message without an ID fails, and so
// does one over ClaimConfig.MaxBytes. A value whose claim is never redeemed, because the
// message was filtered or dead-lettered on its way, stays for ClaimConfig.TTL.
func (f Flow[T]) ClaimCheck[C Claim[T]](store connector.Store, config ClaimConfig) Flow[C] {
	n := stageNode[C]("claim-check", f.n)
	n.traits |= fails
	n.endpoint = store
	defineClaims[T](n, store)
	n.require(config.MaxBytes >= 0, "ClaimConfig.MaxBytes is negative")
	n.require(config.TTL >= 0, "ClaimConfig.TTL is negative")
	if config.MaxBytes == 0 {
		config.MaxBytes = defaultClaimBytes
	}
	n.options = append(n.options, option("max bytes", config.MaxBytes), option("ttl", config.TTL))
	n.wire = func(w *wiring, n *node) any {
		next, c := w.feed(n).(push[C]), w.counter(n)
		desk := claimDesk{store: store, config: config, prefix: storeName(w.run.pipeline.name, w.plan.names[n])}

		return push[T](func(ctx context.Context, it *item, value *T) error {
			start := started(c.begin())
			key, size, sum, err := desk.check(ctx, it.meta.ID(), *value)
			c.end(start)
			if err != nil {
				return c.fail(it, err)
			}

			claim := C(Claim[T]{Key: key, Size: size, Sum: sum})

			return next(ctx, it, &claim)
		})
	}

	return Flow[C]{n: n}
}

// defineClaims notes what is wrong with the store or the type.
func defineClaims[T any](n *node, store connector.Store) {
	n.require(store != nil, "the store is nil: pass a connector.Store")
	t := reflect.TypeFor[T]()
	_, err := json.Marshal(reflect.Zero(t).Interface())
	n.require(err == nil, "values of type %v cannot be stored as JSON: %v", t, err)
}

// claimDesk stores the values of one ClaimCheck.
type claimDesk struct {
	store  connector.Store
	config ClaimConfig
	prefix string
}

// check stores a value.
func (d *claimDesk) check(ctx context.Context, id string, value any) (key string, size int, sum string, err error) {
	if id == "" {
		return "", 0, "", connector.Permanent(errNoID)
	}
	text, err := json.Marshal(value, json.Deterministic(true))
	if err != nil {
		return "", 0, "", connector.Permanent(fmt.Errorf("encode the value: %w", err))
	}
	if size = len(text); size > d.config.MaxBytes {
		return "", 0, "", connector.Permanent(&connector.LimitError{
			What: "value", Size: int64(size), Limit: int64(d.config.MaxBytes),
		})
	}
	sum = hashOf(text)
	key = d.prefix + id + "/" + sum[:16]
	err = guard(func() error {
		return d.store.Update(ctx, func(tx connector.KV) error {
			for i := range slips(size) {
				end := min(size, (i+1)*connector.MaxValue)
				if _, err := tx.Put(ctx, slip(key, i), text[i*connector.MaxValue:end], connector.Any, d.config.TTL); err != nil {
					return err //nolint:wrapcheck // wrapped below
				}
			}

			return nil
		})
	})
	if err != nil {
		return "", 0, "", fmt.Errorf("store the value: %w", err)
	}

	return key, size, sum, nil
}

func hashOf(text []byte) string {
	sum := sha256.Sum256(text)

	return hex.EncodeToString(sum[:])
}

// slips is how many entries of the store a value of the size takes.
func slips(size int) int { return (size + connector.MaxValue - 1) / connector.MaxValue }

// slip is the name of one of them.
func slip(key string, i int) string { return fmt.Sprintf("%s/%d", key, i) }

// The causes of a message that Redeem fails. They are permanent.
var (
	// ErrClaimLost says that the store has not got the value, or not all of it.
	ErrClaimLost = errors.New("flow: the store has no value for the claim: it was removed, or ClaimConfig.TTL is too short")
	// ErrClaimTaken says that another Redeem has redeemed the claim.
	ErrClaimTaken = errors.New("flow: the claim was redeemed elsewhere: put one Redeem above the branches that need the value")
	// ErrClaimDamaged says that what is stored is not what was checked in.
	ErrClaimDamaged = errors.New("flow: the stored value does not match the claim")
)
