# Every command of the project. `make help` lists them.
export GOTOOLCHAIN := auto

# Modules apart from the root: they have dependencies that users of the library do not need.
MODULES := . connector/blobconn connector/postgresconn connector/sftpconn examples internal/bench internal/proxytest internal/servicestest internal/sqlitetest transform/zstdfmt
BIN := $(CURDIR)/.bin
GOLANGCI_LINT := $(BIN)/golangci-lint-2.15.0
BENCHSTAT := $(BIN)/benchstat-20260908
TOOLCHAIN := go1.27.4

# The race detector needs a C compiler.
CC_FOUND := $(shell command -v gcc || command -v clang || command -v cc)
RACE := $(if $(CC_FOUND),-race,)

DATA ?=
JSON ?=
STATE ?=
KILLS ?= 200
CUTS ?= 20
SCHEDULES ?= 200000
FAULTS ?=
SAMPLE ?=
SEED ?= 1
SWEEP ?= flow/item.go flow/fan.go flow/tab.go flow/chunk.go flow/book.go flow/lane.go
FOR ?= 1h
REPORT ?=
ONLY ?=
BASE ?=
COUNT ?= 10
BENCH ?= Rows/(chain|hop|keyed|split|retry|build)

.PHONY: help run test race-note crash powerloss sim planted mutate sweep soak lint bench bench-check bench-compare bench-once fmt api table tidy fuzz

help: ## List the commands.
	@awk -F ':.*## ' '/^[a-z-]+:.*## /{printf "  make %-12s %s\n", $$1, $$2}' $(MAKEFILE_LIST)

run: ## Run the main job, examples/orderhub. DATA=dir reads real files, JSON=file writes the report, STATE=dir keeps the state.
	@cd examples && go run ./orderhub \
		$(if $(DATA),-data "$(abspath $(DATA))") $(if $(JSON),-json "$(abspath $(JSON))") $(if $(STATE),-state "$(abspath $(STATE))")

test: race-note ## Run all tests, with the race detector where a C compiler is present.
	@set -e; for m in $(MODULES); do echo "== $$m"; (cd $$m && go test $(RACE) ./...); done

race-note:
	@echo "$(if $(RACE),race detector: on ($(CC_FOUND)),race detector: off (it needs a C compiler: gcc or clang))"

crash: ## Kill the main job, each flow over each driver, and each pair of source and sink, KILLS times (default 200): nothing may be lost.
	cd examples && MILLRACE_KILLS=$(KILLS) go test -count=1 -timeout 60m -v -run '^TestKill$$' ./orderhub
	MILLRACE_KILLS=$(KILLS) go test -count=1 -timeout 60m -v -run '^TestKill$$' ./internal/killtest
	cd internal/sqlitetest && MILLRACE_KILLS=$(KILLS) go test -count=1 -timeout 60m -v -run '^(TestKill|TestPairs)$$' .
	cd connector/postgresconn && MILLRACE_KILLS=$(KILLS) go test -count=1 -timeout 60m -v -run '^TestKill$$' ./...

powerloss: ## Cut the power of a disk under each driver, with 1 and 32 writers, CUTS times each (default 20). Needs root on Linux.
	MILLRACE_CUTS=$(CUTS) go test -count=1 -timeout 30m -v ./internal/powerloss

# The first schedules run twice more, to see that their traces are the same with the race detector.
sim: race-note ## Simulate SCHEDULES pipelines (default 200000) under faults and crashes, every pair of stages among them.
	@sim() { n=$$1; shift; \
			out=$$(MILLRACE_SIM=$$n go test -count=1 -timeout 120m -v "$$@" -run '^TestGeneratedPipelines$$' ./flow/flowtest) || \
				{ echo "$$out"; exit 1; }; \
			echo "$$out" | grep 'schedules from' || { echo "no result in: $$out"; exit 1; }; }; \
		sim $(SCHEDULES) || exit 1; \
		plain=$$(sim 4000) && raced=$$(sim 4000 $(RACE)) && echo "$$raced" || { echo "$$plain $$raced"; exit 1; }; \
		plain=$${plain##*digest }; raced=$${raced##*digest }; \
		if [ "$${plain%%;*}" != "$${raced%%;*}" ]; then \
			echo "the traces of the same 4000 seeds have the digest $${plain%%;*}, and with $(RACE) $${raced%%;*}"; exit 1; fi; \
		echo "the traces of 4000 seeds are the same without and with $(RACE)"

mutate: ## Break the code on purpose, one place at a time: the tests must catch every fault. FAULTS=a,b runs these, SAMPLE=n some.
	@nice -n 5 go run ./internal/mutate $(if $(FAULTS),-only "$(FAULTS)") $(if $(SAMPLE),-sample $(SAMPLE) -seed $(SEED))

sweep: ## Change every operator and statement of the files in SWEEP: what survives must be explained.
	@nice -n 5 go run ./internal/mutate -sweep $(SWEEP)

planted: ## Plant one loss after the other in the main job: its test of ten lines must find each in under five seconds.
	@cd examples && out=$$(MILLRACE_PLANTED=all go test -count=1 -timeout 60m -v -run '^TestFindsPlantedLosses$$' ./orderhub) || \
		{ echo "$$out"; exit 1; }; \
		echo "$$out" | awk '/=== RUN.*\// { sub(/.*\//, ""); gsub(/_/, " "); name = $$0; if (name !~ /^nothing is planted/) of++ } \
			/planted_test.go/ { sub(/.*planted_test.go:[0-9]+: /, ""); printf "%-55s %s\n", name, substr($$0, 1, 120) } \
			/    --- PASS.*\// && !/nothing is planted|nothing_is_planted/ { n++ } END { print "found " n + 0 " of " of + 0; exit n != of }'

soak: ## Run flows at full load with faults for FOR (default 1h): nothing may be lost or grow. REPORT=dir writes report and chart.
	go run ./internal/soak -for $(FOR) $(if $(REPORT),-report "$(REPORT)")

lint: $(GOLANGCI_LINT) ## Check format, style, layers and suspicious code.
	@unformatted=$$("$$(go env GOROOT)/bin/gofmt" -l .); \
		if [ -n "$$unformatted" ]; then echo "not formatted, run make fmt:"; echo "$$unformatted"; exit 1; fi
	@set -e; for m in $(MODULES); do echo "== $$m"; (cd $$m && go vet ./... && $(GOLANGCI_LINT) run ./...); done

$(GOLANGCI_LINT):
	GOTOOLCHAIN=$(TOOLCHAIN) GOBIN=$(BIN) go install github.com/golangci/golangci-lint/v2/cmd/golangci-lint@v2.15.0
	@mv $(BIN)/golangci-lint $@

bench: ## Measure every figure of the documentation beside its peers and write internal/bench/REPORT.md. ONLY=regexp prints some rows.
	cd internal/bench && go run . $(if $(ONLY),-only "$(ONLY)",-big -out .)

bench-check: ## Judge the allocations of the rows that promise something about them: seconds, and no clock.
	cd internal/bench && go run . -allocs

bench-compare: $(BENCHSTAT) ## Compare with revision BASE by benchstat, COUNT times in turn (default 10). BENCH=regexp picks benchmarks.
	@[ -n "$(BASE)" ] || { echo "name the revision: make bench-compare BASE=rev"; exit 1; }
	@set -e; dir=$$(mktemp -d); trap 'rm -rf "$$dir"' EXIT; mkdir "$$dir/base"; \
		git archive "$(BASE)" | tar -x -C "$$dir/base"; rm -rf "$$dir/base/internal/bench"; mkdir -p "$$dir/base/internal/weight"; \
		cp -r internal/bench "$$dir/base/internal/"; cp internal/weight/program.go "$$dir/base/internal/weight/"; \
		(cd internal/bench && go test -c -o "$$dir/new.test" .); (cd "$$dir/base/internal/bench" && go test -mod=mod -c -o "$$dir/base.test" .); \
		for i in $$(seq $(COUNT)); do for side in base new; do \
			"$$dir/$$side.test" -test.run '^$$' -test.bench '$(BENCH)' -test.benchtime 200ms >> "$$dir/$$side.txt"; done; done; \
		cd "$$dir" && "$(BENCHSTAT)" "base=base.txt" "new=new.txt"

$(BENCHSTAT):
	GOTOOLCHAIN=$(TOOLCHAIN) GOBIN=$(BIN) go install golang.org/x/perf/cmd/benchstat@v0.0.0-20260908200009-22c9c6c9d4da
	@mv $(BIN)/benchstat $@

bench-once: ## Run every benchmark once, to see that it works.
	@set -e; for m in $(MODULES); do (cd $$m && go test -run '^$$' -bench . -benchtime 1x ./... | grep -v 'no test files'); done

fuzz: ## Run every fuzz target for 10 seconds.
	@set -e; for p in $$(grep -rl --include='*_test.go' '^func Fuzz' . | xargs -n1 dirname | sort -u); do \
		for f in $$(grep -ho '^func Fuzz[A-Za-z0-9_]*' $$p/*_test.go | cut -c6-); do \
			echo "== $$p $$f"; go test -run '^$$' -fuzz "^$$f$$" -fuzztime 10s ./$$p; done; done

fmt: ## Format all code.
	@"$$(go env GOROOT)/bin/gofmt" -w .

table: ## Write the tables of capabilities and grades in README.md anew.
	cd internal/sqlitetest && go test -run '^TestTable$$' . -update

api: ## Write the golden description of the public API anew.
	go test ./internal/api -update

tidy: ## Tidy every module.
	@set -e; for m in $(MODULES); do (cd $$m && go mod tidy); done
