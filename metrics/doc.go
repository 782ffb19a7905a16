// Package metrics shows pipelines, steps and supervisors to Prometheus.
//
//	registry := prometheus.NewRegistry()
//	err := metrics.Register(registry, orders, invoices)
//
// The figures are those that package flow keeps anyway: its Ledger, Stats and Health are
// read when Prometheus asks, and the path of a message costs nothing more. Nothing is
// ever put on the global registry. What is read while a pipeline runs is a moment of
// each counter and need not add up; once nothing runs, received = the sum over all
// outcomes + in flight.
//
// # Pipelines
//
// Every series has the label flow. The ledger, where outcome is filtered, duplicate,
// delivered, dropped, dead_lettered or returned:
//
//	millrace_messages_received_total               what the sources handed out
//	millrace_messages_total{outcome}               how it ended
//	millrace_messages_in_flight                    what has no outcome yet
//	millrace_messages_unconfirmed_total            outcomes that a source did not confirm
//	millrace_derived_messages_made_total           parts, batches and branches made by stages
//	millrace_derived_messages_total{outcome}       how they ended
//	millrace_derived_messages_in_flight            those without an outcome yet
//
// The state:
//
//	millrace_pipeline_up                           1 while it runs or drains, else 0
//	millrace_pipeline_state{state}                 1 for the state that it is in, else 0
//
// The stages, with the labels stage and kind as in flow.Graph:
//
//	millrace_stage_messages_total                  calls: messages, or batches for a sink behind a Batch
//	millrace_stage_failures_total                  failures of messages there, at each attempt
//	millrace_stage_retries_total                   attempts of a Flow's Retry beyond the first
//	millrace_stage_outcomes_total{outcome}         outcomes decided there, from the first on
//	millrace_stage_duration_seconds                histogram, from the first timed call on
//	millrace_endpoint_request_duration_seconds     the same with the label endpoint instead of kind,
//	                                               for stages that have one
//
// The histograms hold the calls that were timed. A stage times its first call, every
// call that follows a timed one of more than 20 µs, and else one in 128: a slow stage is
// timed in full, a fast one is sampled. Of a source the calls are its Reads, in which it may
// wait for messages; of a DeadLetter stage the Writes to its sink. The _count is therefore not the number of calls;
// millrace_stage_messages_total is. Buckets double from 1 µs to 33.6 s.
//
// # Steps and supervisors
//
//	millrace_step_calls_started_total{step}
//	millrace_step_calls_total{step,result}         replied, failed, rejected, cancelled
//	millrace_step_calls_in_flight{step}
//	millrace_supervisor_restarts_total{flow}       starts after a failure
//	millrace_supervisor_waiting{flow}              1 while a failed pipeline waits for its restart
//
// # Cardinality
//
// All labels come from the definition: names of flows, stages, steps and endpoints, and
// fixed sets. No label holds anything of a message.
package metrics
