package metrics_test

import (
	"bufio"
	"context"
	"errors"
	"fmt"
	"net/http"
	"net/http/httptest"
	"strings"

	"github.com/prometheus/client_golang/prometheus"
	"github.com/prometheus/client_golang/prometheus/promhttp"

	"github.com/millrace-go/millrace/connector/memory"
	"github.com/millrace-go/millrace/flow"
	"github.com/millrace-go/millrace/metrics"
)

// show asks for the page that Prometheus reads and prints the series that begin with one
// of the names.
func show(registry prometheus.Gatherer, names ...string) {
	page := httptest.NewRecorder()
	handler := promhttp.HandlerFor(registry, promhttp.HandlerOpts{})
	handler.ServeHTTP(page, httptest.NewRequest(http.MethodGet, "/metrics", nil))
	for lines := bufio.NewScanner(page.Body); lines.Scan(); {
		for _, name := range names {
			if strings.HasPrefix(lines.Text(), name) {
				fmt.Println(lines.Text())
			}
		}
	}
}

func ExampleRegister() {
	orders := flow.New("orders", flow.From(memory.NewSource(3, 0, 5)).
		Filter(func(n int) bool { return n > 0 }).As("not empty").
		To(memory.NewSink[int]()))

	registry := prometheus.NewRegistry()
	if err := metrics.Register(registry, orders); err != nil {
		fmt.Println(err)
	}
	if err := orders.Run(context.Background()); err != nil {
		fmt.Println(err)
	}
	show(registry, "millrace_messages_", "millrace_stage_messages")
	// Output:
	// millrace_messages_in_flight{flow="orders"} 0
	// millrace_messages_received_total{flow="orders"} 3
	// millrace_messages_total{flow="orders",outcome="dead_lettered"} 0
	// millrace_messages_total{flow="orders",outcome="delivered"} 2
	// millrace_messages_total{flow="orders",outcome="dropped"} 0
	// millrace_messages_total{flow="orders",outcome="duplicate"} 0
	// millrace_messages_total{flow="orders",outcome="filtered"} 1
	// millrace_messages_total{flow="orders",outcome="returned"} 0
	// millrace_messages_unconfirmed_total{flow="orders"} 0
	// millrace_stage_messages_total{flow="orders",kind="filter",stage="not empty"} 3
	// millrace_stage_messages_total{flow="orders",kind="from",stage="from"} 3
	// millrace_stage_messages_total{flow="orders",kind="to",stage="to"} 2
}

func ExampleRegisterSteps() {
	price := flow.Func("price", func(_ context.Context, article string) (int, error) {
		if article == "" {
			return 0, errors.New("which article?")
		}

		return 42, nil
	})

	registry := prometheus.NewRegistry()
	if err := metrics.RegisterSteps(registry, price); err != nil {
		fmt.Println(err)
	}
	for _, article := range []string{"pear", "", "apple"} {
		_, _ = price.Call(context.Background(), article)
	}
	show(registry, "millrace_step_")
	// Output:
	// millrace_step_calls_in_flight{step="price"} 0
	// millrace_step_calls_started_total{step="price"} 3
	// millrace_step_calls_total{result="cancelled",step="price"} 0
	// millrace_step_calls_total{result="failed",step="price"} 1
	// millrace_step_calls_total{result="rejected",step="price"} 0
	// millrace_step_calls_total{result="replied",step="price"} 2
}

func ExampleRegisterSupervisor() {
	orders := flow.New("orders", flow.From(memory.NewSource(1)).To(memory.NewSink[int]()))
	supervisor := flow.Supervise(flow.SupervisorConfig{}, orders)

	registry := prometheus.NewRegistry()
	err := errors.Join(metrics.Register(registry, orders), metrics.RegisterSupervisor(registry, supervisor))
	if err != nil {
		fmt.Println(err)
	}
	if err := supervisor.Run(context.Background()); err != nil {
		fmt.Println(err)
	}
	show(registry, "millrace_supervisor_", "millrace_pipeline_up")
	// Output:
	// millrace_pipeline_up{flow="orders"} 0
	// millrace_supervisor_restarts_total{flow="orders"} 0
	// millrace_supervisor_waiting{flow="orders"} 0
}
