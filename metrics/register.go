package metrics

import (
	"errors"
	"fmt"
	"unicode/utf8"

	"github.com/prometheus/client_golang/prometheus"

	"github.com/millrace-go/millrace/flow"
)

// Register puts the metrics of pipelines on a registry. It registers all of them or,
// with an error that names each that cannot be, none: a pipeline that is nil, whose
// definition is wrong, or whose name is on the registry already. It is safe for concurrent
// use, and may be called before the pipelines run.
func Register(registry prometheus.Registerer, pipelines ...*flow.Pipeline) error {
	var all []named
	var problems []error
	for i, p := range pipelines {
		if p == nil {
			problems = append(problems, fmt.Errorf("metrics: pipeline %d is nil: make it with flow.New", i+1))

			continue
		}
		problems = append(problems, checkPipeline(p))
		all = append(all, named{"pipeline", p.Name(), newPipelineCollector(p)})
	}

	return registerAll(registry, all, problems)
}

// RegisterSteps puts the metrics of steps on a registry, as [Register] does. A policy
// wraps a step in a new one with a ledger of its own: register the one that is called.
func RegisterSteps(registry prometheus.Registerer, steps ...Step) error {
	var all []named
	var problems []error
	for i, s := range steps {
		if s == nil {
			problems = append(problems, fmt.Errorf("metrics: step %d is nil: make it with flow.Ask or flow.Func", i+1))

			continue
		}
		problems = append(problems, checkName("step", s.Name()))
		all = append(all, named{"step", s.Name(), newStepCollector(s)})
	}

	return registerAll(registry, all, problems)
}

// RegisterSupervisor puts on a registry how often a supervisor has restarted each of its
// pipelines. Register the pipelines themselves with [Register].
func RegisterSupervisor(registry prometheus.Registerer, supervisor *flow.Supervisor) error {
	if supervisor == nil {
		return errors.New("metrics: the supervisor is nil: make it with flow.Supervise")
	}
	var all []named
	var problems []error
	for i, h := range supervisor.Health() {
		problems = append(problems, checkName("pipeline", h.Flow))
		all = append(all, named{"supervision of pipeline", h.Flow, newSupervisedCollector(supervisor, i, h.Flow)})
	}

	return registerAll(registry, all, problems)
}

// named is a collector and what it is the collector of.
type named struct {
	kind, name string
	prometheus.Collector
}

func registerAll(registry prometheus.Registerer, all []named, problems []error) error {
	if registry == nil {
		problems = append(problems, errors.New("metrics: the registry is nil: pass prometheus.NewRegistry()"))
	}
	if len(all) == 0 {
		problems = append(problems, errors.New("metrics: there is nothing to register"))
	}
	if err := errors.Join(problems...); err != nil {
		return err
	}
	var done []named
	for _, c := range all {
		if err := registry.Register(c.Collector); err != nil {
			problems = append(problems, c.refused(err))
		} else {
			done = append(done, c)
		}
	}
	err := errors.Join(problems...)
	if err != nil {
		for _, c := range done {
			registry.Unregister(c.Collector)
		}
	}

	return err
}

// refused explains why the registry did not take the collector.
func (n named) refused(err error) error {
	if _, twice := errors.AsType[prometheus.AlreadyRegisteredError](err); twice {
		return fmt.Errorf("metrics: the %s %q is on this registry already: register it once, "+
			"give the other one another name, or use a registry for each: %w", n.kind, n.name, err)
	}

	return fmt.Errorf("metrics: register the %s %q: %w", n.kind, n.name, err)
}

// checkPipeline refuses what would make every later gathering fail: two stages of one
// name, and names that cannot be label values.
func checkPipeline(p *flow.Pipeline) error {
	if err := p.Check(); err != nil {
		return fmt.Errorf("metrics: %w", err)
	}
	problems := []error{checkName("pipeline", p.Name())}
	for _, s := range p.Graph().Stages {
		problems = append(problems, checkName("stage", s.Name))
	}

	return errors.Join(problems...)
}

func checkName(kind, name string) error {
	if name == "" || !utf8.ValidString(name) {
		return fmt.Errorf("metrics: the name %q of a %s cannot be a label: want text in UTF-8", name, kind)
	}

	return nil
}
