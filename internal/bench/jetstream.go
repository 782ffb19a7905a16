package main

import (
	"context"
	"errors"
	"time"

	"github.com/nats-io/nats-server/v2/server"
	"github.com/nats-io/nats.go"
	"github.com/nats-io/nats.go/jetstream"
)

// jetStream is an embedded NATS server with a file store that syncs each write. Its 32
// callers publish and wait for the acknowledgement; with through, a consumer takes the
// messages and acknowledges them.
func jetStream(through bool) contestant {
	return contestant{"JetStream, sync always, 32 callers", func(d *desk, n int) (job, error) {
		js, err := openJetStream(d)
		if err != nil {
			return nil, err
		}
		ctx := context.Background()
		stream, err := js.CreateStream(ctx, jetstream.StreamConfig{
			Name: "queue", Subjects: []string{"queue"}, Storage: jetstream.FileStorage, Retention: jetstream.WorkQueuePolicy,
		})
		if err != nil {
			return nil, err
		}
		publish := func(int) error {
			_, err := js.Publish(ctx, "queue", body)

			return err
		}
		if through {
			return throughJetStream(ctx, js, stream, n, publish)
		}

		return func() (int, error) {
			if err := spreadOut(n, publish); err != nil {
				return 0, err
			}

			return inStream(ctx, stream)
		}, nil
	}}
}

func openJetStream(d *desk) (jetstream.JetStream, error) {
	dir, err := d.dir()
	if err != nil {
		return nil, err
	}
	s, err := server.NewServer(&server.Options{
		ServerName: "bench", DontListen: true, JetStream: true, StoreDir: dir, SyncAlways: true, NoLog: true, NoSigs: true,
	})
	if err != nil {
		return nil, err
	}
	s.Start()
	d.after(func() error { s.Shutdown(); s.WaitForShutdown(); return nil })
	if !s.ReadyForConnections(10 * time.Second) {
		return nil, errors.New("the NATS server did not start")
	}
	conn, err := nats.Connect("", nats.InProcessServer(s))
	if err != nil {
		return nil, err
	}
	d.after(func() error { conn.Close(); return nil })

	return jetstream.New(conn)
}

func inStream(ctx context.Context, stream jetstream.Stream) (int, error) {
	info, err := stream.Info(ctx)
	if err != nil {
		return 0, err
	}

	return int(info.State.Msgs), nil
}

func throughJetStream(ctx context.Context, js jetstream.JetStream, stream jetstream.Stream, n int, publish func(int) error) (job, error) {
	consumer, err := stream.CreateConsumer(ctx, jetstream.ConsumerConfig{Durable: "bench", AckPolicy: jetstream.AckExplicitPolicy})
	if err != nil {
		return nil, err
	}

	return func() (int, error) {
		messages, err := consumer.Messages(jetstream.PullMaxMessages(4 * batch))
		if err != nil {
			return 0, err
		}
		defer messages.Stop()
		written := make(chan error, 1)
		go func() { written <- spreadOut(n, publish) }()
		passed := 0
		for ; passed < n; passed++ {
			m, err := messages.Next()
			if err != nil {
				return passed, err
			}
			if len(m.Data()) != bodySize {
				return passed, errors.New("a body is not whole")
			}
			if err := m.Ack(); err != nil {
				return passed, err
			}
		}

		return passed, errors.Join(<-written, js.Conn().Flush())
	}, nil
}
