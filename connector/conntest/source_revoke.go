package conntest

import (
	"context"
	"errors"
	"testing"

	"github.com/millrace-go/millrace/connector"
)

// revoke holds the cases of partitions that come and go.
func (c sourceCases[T]) revoke() {
	missing := unless(c.caps.Partitioned, "Partitioned")
	c.run("revoke/waits for what was handed out", missing, c.revokeWaits)
	c.run("revoke/hands out nothing more", missing, c.revokeStops)
	c.run("revoke/what was not settled comes again", missing, c.revokeLoses)
}

// partitioned is how many values the cases need for two partitions with several each.
const partitioned = 8

// onRevoke sets the function of the Reader.
func (o *session[T]) onRevoke(wait func(ctx context.Context, partitions []string) error) {
	o.t.Helper()
	revoker, ok := o.reader.(connector.Revoker)
	if !ok {
		o.t.Fatal("the source declares Partitioned, but the Reader is no connector.Revoker")
	}
	revoker.OnRevoke(wait)
}

// split parts messages into those of the first one's partition and the others.
func split[T any](t *testing.T, messages []connector.Message[T]) (partition string, of, others []connector.Message[T]) {
	t.Helper()
	partition = messages[0].Position().Partition
	for _, m := range messages {
		if m.Position().Partition == partition {
			of = append(of, m)
		} else {
			others = append(others, m)
		}
	}
	if len(of) < 2 || len(others) == 0 {
		t.Fatalf("%d values of partition %s and %d of others: New must spread them", len(of), partition, len(others))
	}

	return partition, of, others
}

func (c sourceCases[T]) revokeWaits(t *testing.T) {
	o := c.open(t, partitioned)
	called, settled := make(chan []string, 1), make(chan struct{})
	o.onRevoke(func(_ context.Context, partitions []string) error {
		called <- append([]string{}, partitions...)
		<-settled

		return nil
	})
	messages := snapshot(o.take(partitioned))
	partition, _, _ := split(t, messages)
	revoked := make(chan func(), 1)
	go func() { revoked <- c.h.Revoke(t, o.source, partition) }()
	select {
	case got := <-called:
		if len(got) != 1 || got[0] != partition {
			t.Errorf("OnRevoke's function was called for %q, want %q", got, partition)
		}
	case <-c.context(t).Done():
		t.Error("OnRevoke's function was not called")
	}
	pause(t, c.unit())
	if len(revoked) > 0 {
		t.Error("the partition was given up before OnRevoke's function returned")
	}
	o.settle(connector.Delivered, messages...) // of all partitions, in the order of Read
	close(settled)
	select {
	case giveBack := <-revoked:
		giveBack()
	case <-c.context(t).Done():
		t.Fatal("the partition was not given up when OnRevoke's function had returned")
	}
	c.over(t, o) // what was settled while the partition was being revoked is done
}

// revokeStops revokes the partition of the first message when others are not read yet.
func (c sourceCases[T]) revokeStops(t *testing.T) {
	o := c.open(t, partitioned)
	first := snapshot(o.take(1))
	partition := first[0].Position().Partition
	o.onRevoke(func(context.Context, []string) error {
		o.settle(connector.Delivered, first...)

		return nil
	})
	giveBack := c.h.Revoke(t, o.source, partition)
	all := append(first, c.rest(o)...)
	for _, m := range all[1:] {
		if m.Position().Partition == partition {
			t.Errorf("message %s was handed out although its partition is revoked", m.ID())
		}
	}
	o.settle(connector.Delivered, all[1:]...)
	giveBack()
	back := snapshot(c.again(o, partitioned-len(all)))
	all = append(all, back...)
	sameSet(t, c.h.Equal, valuesOf(all), values(c.h.Value, partitioned))
	split(t, all)
	o.settle(connector.Delivered, back...)
	c.over(t, o)
}

// rest reads until nothing more comes.
func (c sourceCases[T]) rest(o *session[T]) []connector.Message[T] {
	o.t.Helper()
	var all []connector.Message[T]
	for !o.eof {
		messages, err := o.readFor(c.unit(), partitioned)
		all = append(all, snapshot(messages)...)
		if errors.Is(err, context.DeadlineExceeded) {
			break
		}
		if err != nil && !o.eof {
			o.t.Fatalf("Read: %v", err)
		}
	}

	return all
}

// revokeLoses revokes a partition whose messages cannot be settled in time.
func (c sourceCases[T]) revokeLoses(t *testing.T) {
	o := c.open(t, partitioned)
	o.onRevoke(func(context.Context, []string) error { return errRefused })
	partition, of, others := split(t, snapshot(o.take(partitioned)))
	o.settle(connector.Delivered, of[0])
	giveBack := c.h.Revoke(t, o.source, partition)
	o.settle(connector.Delivered, others...) // of the partitions that stayed
	giveBack()
	again := snapshot(c.again(o, len(of)-1))
	checkSame(t, of[1:], again)
	sameSet(t, c.h.Equal, valuesOf(again), valuesOf(of[1:]))
	o.settle(connector.Delivered, again...)
	c.over(t, o)
}
