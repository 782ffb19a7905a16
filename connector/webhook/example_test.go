package webhook_test

import (
	"context"
	"fmt"
	"net/http"
	"net/http/httptest"
	"strings"
	"time"

	"github.com/millrace-go/millrace/connector/httpconn"
	"github.com/millrace-go/millrace/connector/memory"
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
