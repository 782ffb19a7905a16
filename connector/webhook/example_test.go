package webhook_test

import (
	"context"
	"errors"
	"fmt"
	"net/http"
	"net/http/httptest"
	"strings"
	"time"

	"github.com/millrace-go/millrace/connector"
	"github.com/millrace-go/millrace/connector/httpconn"
	"github.com/millrace-go/millrace/connector/memory"
	"github.com/millrace-go/millrace/connector/netguard"
	"github.com/millrace-go/millrace/connector/queueconn"
	"github.com/millrace-go/millrace/connector/webhook"
	"github.com/millrace-go/millrace/flow"
)

type paid struct {
	Order string `json:"order"`
}

// A payment service sends webhooks; each is processed once, by a flow, and the sender
// hears what came of it.
func Example() {
	key, err := webhook.ParseKey("whsec_MfKQ9r8GKYqrTwjUPD8ILPZIo2LaLaSw")
	if err != nil {
		panic(err)
	}
	intake, err := httpconn.NewIntake[paid](httpconn.IntakeConfig{Name: "payments"})
	if err != nil {
		panic(err)
	}
	receiver, err := webhook.NewReceiver(intake, webhook.ReceiverConfig{
		Name: "payments", Keys: []webhook.Key{key}, Store: memory.NewStore(), // boltstore to survive a restart
	})
	if err != nil {
		panic(err)
	}
	orders := memory.NewSink[paid]()
	pipeline := flow.New("payments", flow.From(intake).To(orders))
	ctx, stop := context.WithCancel(context.Background())
	ended := make(chan error, 1)
	go func() { ended <- pipeline.Run(ctx) }()

	for range 2 { // the sender missed the first answer
		answer := deliver(receiver, key)
		fmt.Printf("%d %q\n", answer.Code, answer.Body)
	}
	stop()
	fmt.Println(<-ended, orders.Values())
	// Output:
	// 200 "{\"id\":\"msg_1\",\"outcome\":\"delivered\"}"
	// 200 ""
	// <nil> [{A-7}]
}

// deliver sends until the flow takes it, which at first may not run yet.
func deliver(receiver http.Handler, key webhook.Key) *httptest.ResponseRecorder {
	for body := `{"order":"A-7"}`; ; {
		request := httptest.NewRequest(http.MethodPost, "/", strings.NewReader(body))
		request.Header.Set("Content-Type", "application/json")
		if err := webhook.Sign(request.Header, "msg_1", time.Now(), []byte(body), key); err != nil {
			panic(err)
		}
		answer := httptest.NewRecorder()
		receiver.ServeHTTP(answer, request)
		if answer.Code != http.StatusServiceUnavailable {
			return answer
		}
	}
}

// Webhooks go from an outbox to the addresses that customers gave. What fails is tried
// again by the schedule of the specification; what is given up is kept with its cause.
func ExampleNewRetry() {
	customers := map[string]string{"A-7": webhook.NewSecret()}
	keys := func(m connector.Message[paid]) []webhook.Key {
		key, err := webhook.ParseKey(customers[m.Value.Order])
		if err != nil {
			return nil // the message fails: it has no key
		}

		return []webhook.Key{key}
	}
	sink, err := httpconn.NewSink(httpconn.SinkConfig[paid]{
		Target:     func(m connector.Message[paid]) string { return "http://169.254.169.254/hook?order=" + m.Value.Order },
		Prepare:    webhook.Signing(keys),
		Idempotent: true,
	})
	if err != nil {
		panic(err)
	}
	outbox, err := queueconn.NewMemory[paid](queueconn.Config{}) // queueconn.Open to survive a restart
	if err != nil {
		panic(err)
	}
	failed := memory.NewSink[connector.DeadLetter[paid]]()
	retry, err := webhook.NewRetry(webhook.RetryConfig[paid]{Queue: outbox, Failed: failed})
	if err != nil {
		panic(err)
	}
	ctx, stop := context.WithTimeout(context.Background(), 10*time.Second)
	defer stop()
	var again connector.Sink[connector.DeadLetter[paid]] = connector.SinkFunc[connector.DeadLetter[paid]](
		func(ctx context.Context, letters []connector.Message[connector.DeadLetter[paid]]) error {
			defer stop() // the example ends with the first failure

			return retry.Write(ctx, letters)
		})
	pipeline := flow.New("hooks", flow.From(outbox).DeadLetter(again).To(sink))
	message := connector.NewMessage(paid{Order: "A-7"}, connector.Fields{ID: "paid-A-7"})
	if err := outbox.Write(ctx, []connector.Message[paid]{message}); err != nil {
		panic(err)
	}
	fmt.Println(pipeline.Run(ctx), failed.Values()[0].Class)
	_, blocked := errors.AsType[*netguard.BlockedError](failed.Values()[0].Err)
	fmt.Println(blocked)
	// Output:
	// <nil> permanent
	// true
}

// The receiver has the public key alone, and so cannot sign.
func ExampleSign() {
	private, err := webhook.ParseKey("whsk_6Xb/dCcHpPea21PS1N9VY/NZW723CEc77N4rJCubMbfVKIDij2HKpMKkioLlX0dRqSKJp4AJ6p9lMicMFs6Kvg==")
	if err != nil {
		panic(err)
	}
	public, err := webhook.ParseKey("whpk_1SiA4o9hyqTCpIqC5V9HUakiiaeACeqfZTInDBbOir4=")
	if err != nil {
		panic(err)
	}
	header, body := http.Header{}, []byte(`{"order":"A-7"}`)
	if err := webhook.Sign(header, "msg_1", time.Now(), body, private); err != nil {
		panic(err)
	}
	fmt.Println(webhook.Verify(header, body, time.Now(), 0, public))
	fmt.Println(webhook.Verify(header, []byte("another body"), time.Now(), 0, public))
	fmt.Println(private, public)
	// Output:
	// msg_1 <nil>
	//  webhook: no signature fits
	// whsk_… whpk_…
}
