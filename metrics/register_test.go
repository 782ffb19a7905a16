package metrics_test

import (
	"context"
	"errors"
	"os"
	"slices"
	"strconv"
	"strings"
	"testing"
	"time"

	"github.com/prometheus/client_golang/prometheus"
	"github.com/prometheus/client_golang/prometheus/testutil"

	"github.com/millrace-go/millrace/connector"
	"github.com/millrace-go/millrace/connector/memory"
	"github.com/millrace-go/millrace/flow"
	"github.com/millrace-go/millrace/flow/flowtest"
	"github.com/millrace-go/millrace/metrics"
	"github.com/millrace-go/millrace/retry"
)

var errDown = errors.New("down")

// orders is a pipeline with a stage of each sort, over four messages.
func orders() *flow.Pipeline {
	sink, rejected := memory.NewSink[int](), memory.NewSink[connector.DeadLetter[string]]()
	sink.Declare(connector.Capabilities{Name: "table orders"})
	sink.Script(memory.Fail(connector.Transient(errDown)).Delay(time.Minute))

	return flow.New("orders", flow.From(memory.NewSource("5", "x", "0", "7")).
		DeadLetter(rejected).
		Map(func(_ context.Context, s string) (int, error) {
			time.Sleep(3 * time.Millisecond)
			return strconv.Atoi(s)
		}).As("parse").
		Filter(func(n int) bool { return n > 0 }).
		Retry(retry.Policy{Attempts: 2, Initial: time.Second, NoJitter: true}).
		To(sink))
}

// counted is a pipeline of n messages that end at once.
func counted(name string, n int) *flow.Pipeline {
	return flow.New(name, flow.From(memory.NewSource(make([]int, n)...)).To(memory.NewSink[int]()))
}

func register(t *testing.T, pipelines ...*flow.Pipeline) *prometheus.Registry {
	t.Helper()
	registry := prometheus.NewPedanticRegistry()
	if err := metrics.Register(registry, pipelines...); err != nil {
		t.Fatal(err)
	}

	return registry
}

func TestExposition(t *testing.T) {
	flowtest.Test(t, func(t *testing.T) {
		p := orders()
		registry := register(t, p)
		flowtest.Run(t, p)
		want, err := os.Open("testdata/orders.txt")
		if err != nil {
			t.Fatal(err)
		}
		defer want.Close()
		if err := testutil.GatherAndCompare(registry, want); err != nil {
			t.Error(err)
		}
	})
}

func TestEveryRegistryHasTheSame(t *testing.T) {
	flowtest.Test(t, func(t *testing.T) {
		p := counted("p", 3)
		first, second := register(t, p), register(t, p)
		flowtest.Run(t, p)
		for _, registry := range []*prometheus.Registry{first, second} {
			compare(t, registry, "millrace_messages_received_total", `
				# HELP millrace_messages_received_total Messages that the sources handed out.
				# TYPE millrace_messages_received_total counter
				millrace_messages_received_total{flow="p"} 3`)
		}
	})
}

func compare(t *testing.T, registry prometheus.Gatherer, name, want string) {
	t.Helper()
	if err := testutil.GatherAndCompare(registry, strings.NewReader(want+"\n"), name); err != nil {
		t.Error(err)
	}
}

func TestPipelinesShareARegistry(t *testing.T) {
	flowtest.Test(t, func(t *testing.T) {
		a, b := counted("a", 1), counted("b", 2)
		registry := register(t, a)
		if err := metrics.Register(registry, b); err != nil {
			t.Fatal(err)
		}
		flowtest.Run(t, a)
		flowtest.Run(t, b)
		compare(t, registry, "millrace_messages_received_total", `
			# HELP millrace_messages_received_total Messages that the sources handed out.
			# TYPE millrace_messages_received_total counter
			millrace_messages_received_total{flow="a"} 1
			millrace_messages_received_total{flow="b"} 2`)
	})
}

func TestTwiceIsAnError(t *testing.T) {
	p, other := counted("orders", 1), counted("other", 1)
	registry := register(t, p)
	for _, again := range [][]*flow.Pipeline{{p}, {other, counted("orders", 2)}} {
		err := metrics.Register(registry, again...)
		if twice, ok := errors.AsType[prometheus.AlreadyRegisteredError](err); !ok || twice.ExistingCollector == nil {
			t.Fatalf("error %v", err)
		}
		if want := `the pipeline "orders" is on this registry already: register it once, give`; !strings.Contains(err.Error(), want) {
			t.Errorf("error %v", err)
		}
	}
	if err := metrics.Register(registry, other, other); err == nil {
		t.Error("twice in one call is no error")
	}
	// What could not be registered whole was not registered in part.
	if err := metrics.Register(registry, other); err != nil {
		t.Error(err)
	}
}

func TestWhatCannotBeRegistered(t *testing.T) {
	good := counted("good", 1)
	f := flow.From(memory.NewSource(1))
	same := flow.New("same", f.To(memory.NewSink[int]()).As("x"), f.To(memory.NewSink[int]()).As("x"))
	registry := prometheus.NewRegistry()
	strange := flow.Func("a\xff", func(context.Context, int) (int, error) { return 0, nil })
	for name, c := range map[string]struct {
		err  error
		want []string
	}{
		"no registry":         {metrics.Register(nil, good), []string{"the registry is nil", "prometheus.NewRegistry"}},
		"nothing":             {metrics.Register(registry), []string{"nothing to register"}},
		"no steps":            {metrics.RegisterSteps(registry), []string{"nothing to register"}},
		"no supervisor":       {metrics.RegisterSupervisor(registry, nil), []string{"the supervisor is nil"}},
		"empty supervisor":    {metrics.RegisterSupervisor(registry, flow.Supervise(flow.SupervisorConfig{})), []string{"nothing to register"}},
		"nil step":            {metrics.RegisterSteps(registry, nil), []string{"step 1 is nil"}},
		"strange step":        {metrics.RegisterSteps(registry, strange), []string{`the name "a\xff" of a step`, "UTF-8"}},
		"stages of one name":  {metrics.Register(registry, same), []string{`the name "x" is taken`}},
		"strange name":        {metrics.Register(registry, counted("\xff", 1)), []string{`the name "\xff" of a pipeline`}},
		"strange stage":       {metrics.Register(registry, flow.New("p", f.As("\xfe").To(memory.NewSink[int]()))), []string{`the name "\xfe" of a stage`}},
		"all that is wrong":   {metrics.Register(registry, nil, flow.New("empty"), good), []string{"pipeline 1 is nil", "flow empty"}},
		"strange supervision": {metrics.RegisterSupervisor(registry, flow.Supervise(flow.SupervisorConfig{}, counted("", 1))), []string{`the name "" of a pipeline`}},
	} {
		t.Run(name, func(t *testing.T) {
			if c.err == nil {
				t.Fatal("no error")
			}
			for _, want := range c.want {
				if !strings.Contains(c.err.Error(), want) {
					t.Errorf("error %v, want it to contain %q", c.err, want)
				}
			}
		})
	}
	if n, err := testutil.GatherAndCount(registry); n != 0 || err != nil {
		t.Errorf("%d series, error %v: want nothing to be registered", n, err)
	}
}

func TestTheGlobalRegistryIsLeftAlone(t *testing.T) {
	register(t, counted("p", 1))
	families, err := prometheus.DefaultGatherer.Gather()
	if err != nil {
		t.Fatal(err)
	}
	for _, family := range families {
		if strings.HasPrefix(family.GetName(), "millrace") {
			t.Errorf("%s is on the global registry", family.GetName())
		}
	}
}

func TestARegistererThatAddsLabels(t *testing.T) {
	registry := prometheus.NewRegistry()
	service := prometheus.WrapRegistererWith(prometheus.Labels{"service": "shop"}, registry)
	if err := metrics.Register(service, counted("p", 1)); err != nil {
		t.Fatal(err)
	}
	compare(t, registry, "millrace_pipeline_up", `
		# HELP millrace_pipeline_up Whether the pipeline runs or drains.
		# TYPE millrace_pipeline_up gauge
		millrace_pipeline_up{flow="p",service="shop"} 0`)
}

func TestAForeignMetricInTheWay(t *testing.T) {
	registry := prometheus.NewRegistry()
	registry.MustRegister(prometheus.NewGauge(prometheus.GaugeOpts{Name: "millrace_pipeline_up"}))
	if err := metrics.Register(registry, counted("p", 1)); err == nil || !strings.Contains(err.Error(), `register the pipeline "p"`) {
		t.Errorf("error %v", err)
	}
}

func TestSeriesDoNotGrowWithMessages(t *testing.T) {
	flowtest.Test(t, func(t *testing.T) {
		var series []int
		for _, n := range []int{1, 1000} {
			p := counted("p", n)
			registry := register(t, p)
			flowtest.Run(t, p)
			count, err := testutil.GatherAndCount(registry)
			if err != nil {
				t.Fatal(err)
			}
			series = append(series, count)
		}
		if series[0] != series[1] {
			t.Errorf("%d series for 1 message, %d for 1000", series[0], series[1])
		}
	})
}

func TestGatheringWhileItRuns(t *testing.T) {
	p := counted("p", 100_000)
	registry := register(t, p)
	r := flowtest.Start(t, p)
	for range 50 {
		if _, err := registry.Gather(); err != nil {
			t.Fatal(err)
		}
	}
	r.Wait()
}

func TestNamesFollowTheConventions(t *testing.T) {
	flowtest.Test(t, func(t *testing.T) {
		p := orders()
		registry := register(t, p)
		step := flow.Func("price", func(context.Context, int) (int, error) { return 0, nil })
		if err := errors.Join(metrics.RegisterSteps(registry, step),
			metrics.RegisterSupervisor(registry, flow.Supervise(flow.SupervisorConfig{}, p))); err != nil {
			t.Fatal(err)
		}
		flowtest.Run(t, p)
		if problems, err := testutil.GatherAndLint(registry); err != nil || len(problems) > 0 {
			t.Errorf("problems %v, error %v", problems, err)
		}
		families, err := registry.Gather()
		if err != nil || len(families) != 20 {
			t.Fatalf("%d families, error %v", len(families), err)
		}
		for _, family := range families {
			name, kind := family.GetName(), family.GetType().String()
			suffixes := map[string]bool{
				"COUNTER":   strings.HasSuffix(name, "_total"),
				"HISTOGRAM": strings.HasSuffix(name, "_seconds"),
				"GAUGE":     !strings.HasSuffix(name, "_total") && !strings.HasSuffix(name, "_count"),
			}
			if !strings.HasPrefix(name, "millrace_") || !suffixes[kind] || !strings.HasSuffix(family.GetHelp(), ".") {
				t.Errorf("%s %s: %s", kind, name, family.GetHelp())
			}
			for _, label := range family.GetMetric()[0].GetLabel() {
				allowed := []string{"flow", "stage", "kind", "endpoint", "outcome", "state", "step", "result"}
				if !slices.Contains(allowed, label.GetName()) {
					t.Errorf("%s has the label %s", name, label.GetName())
				}
			}
		}
	})
}
