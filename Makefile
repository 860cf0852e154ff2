# What a developer does with this repository. "make" lists it.
#
# make, Go and a shell are enough to build, to test and to run the demo: "make
# test" installs what the tests need besides. It rests on nothing that an earlier
# run has left. The tools that lint and generate are pinned in tools/*/go.mod and
# built into bin/ on first use, which takes some minutes.

SHELL := bash
.SHELLFLAGS := -euo pipefail -c
.DEFAULT_GOAL := help
.DELETE_ON_ERROR:
MAKEFLAGS += --no-print-directory

# What can be set from outside: make test TEST_FLAGS='-run TestRestart -v'
DEMO_ARGS ?=
TEST_FLAGS ?=
TEST_PACKAGES ?= ./...
TEST_TIMEOUT ?= 15m
BENCH ?= .
BENCH_ARGS ?=
CONFORMANCE_ARGS ?=
RABBITMQ_RELEASE ?= trixie
FUZZTIME ?= 10s

BASELINE := proto/baseline.json
PLUGINS := $(addprefix bin/,protoc-gen-go protoc-gen-go-grpc protoc-gen-connect-go protoc-gen-grpc-gateway)
SCRIPTS := scripts/services scripts/conformance transcode/conformance/suite/update scripts/generate scripts/generate-check scripts/fuzz .ci/run

.PHONY: help
help: ## List the targets
	@awk -F ':.*## ' '/^[a-z-]+:.*## / { printf "  %-16s %s\n", $$1, $$2 }' $(MAKEFILE_LIST)

.PHONY: demo
demo: ## Run gateway and example workers in memory, call them, stay up on :8080 (DEMO_ARGS=--once: not)
	go run ./cmd/mqrpc demo $(DEMO_ARGS)

.PHONY: build
build: ## Build bin/mqrpc and bin/protoc-gen-mqrpc
	go build -o bin/ ./cmd/...

# The conformance suite comes first: it asks most of the machine.
.PHONY: test
test: bin/nats-server ## Run all tests, with the race detector, against services that are installed, started and stopped
ifeq ($(TEST_PACKAGES),./...)
	@$(MAKE) conformance
endif
	scripts/services run -- $(MAKE) test-modules

# What talks to a broker, once more over another RabbitMQ than the distribution's:
# Debian's trixie has 4.0, forky 4.3.
.PHONY: test-all
test-all: test ## Run what takes longer, too: the tests of the broker over RabbitMQ 4 (RABBITMQ_RELEASE=trixie, forky)
	scripts/services unpack $(RABBITMQ_RELEASE) bin/rabbitmq-$(RABBITMQ_RELEASE)
	MQRPC_RABBITMQ_ROOT=bin/rabbitmq-$(RABBITMQ_RELEASE) scripts/services run -- \
		go test -race -timeout $(TEST_TIMEOUT) -tags services $(TEST_FLAGS) \
		$$(go list -tags services -f '{{.ImportPath}} {{.Imports}} {{.TestImports}} {{.XTestImports}}' ./... | awk '/internal\/testbroker/ { print $$1 }')

# The bench is a module of its own: users of the library inherit none of its
# peers. TEST_PACKAGES names packages of the library alone.
.PHONY: test-modules
test-modules:
	go test -race -timeout $(TEST_TIMEOUT) -tags services $(TEST_FLAGS) $(TEST_PACKAGES)
ifeq ($(TEST_PACKAGES),./...)
	go -C bench test -race -timeout $(TEST_TIMEOUT) -tags services $(TEST_FLAGS) ./...
	@$(MAKE) test-allocations
endif

.PHONY: test-unit
test-unit: ## Run the tests that need no service, with the race detector
	go test -race -timeout $(TEST_TIMEOUT) $(TEST_FLAGS) $(TEST_PACKAGES)
ifeq ($(TEST_PACKAGES),./...)
	go -C bench test -race -timeout $(TEST_TIMEOUT) $(TEST_FLAGS) ./...
	@$(MAKE) test-allocations
endif

# The race detector allocates, so tests that count allocations skip themselves
# beside it.
.PHONY: test-allocations
test-allocations:
	go test -timeout $(TEST_TIMEOUT) -run NoAllocation ./transcode

.PHONY: bench-calls
bench-calls: bin/nats-server bench-build ## Measure calls beside other peers (BENCH_ARGS='-peers mqrpc,grpc -callers 64'; -help)
	scripts/services run --with rabbitmq -- bin/bench calls $(BENCH_ARGS)

.PHONY: bench
bench: bin/nats-server bench-build ## Measure everything beside other peers, under 30 min, into bench/results
	scripts/services run --with rabbitmq -- bin/bench all -out bench/results

.PHONY: bench-quick
bench-quick: bin/nats-server bench-build ## Measure the headlines, under 60 s; the last line is JSON
	@scripts/services run --with rabbitmq -- bin/bench quick

# go build knows whether it is up to date.
.PHONY: bench-build
bench-build:
	go -C bench build -o $(CURDIR)/bin/bench .
	go build -o bin/ ./cmd/mqrpc

.PHONY: bench-go
bench-go: ## Run the Go benchmarks against the services that they need (BENCH=pattern)
	scripts/services run -- go test -run '^$$' -tags services -bench '$(BENCH)' -benchmem $(TEST_FLAGS) $(TEST_PACKAGES)

.PHONY: bench-registry
bench-registry: ## Measure hot plugging, changes and large registries; the last line is JSON
	scripts/services run --with rabbitmq,zookeeper,etcd -- go run ./e2e/registrybench

.PHONY: conformance
conformance: ## Run protobuf's conformance suite against the transcoder (CONFORMANCE_ARGS=--help)
	scripts/conformance $(CONFORMANCE_ARGS)

.PHONY: fuzz
fuzz: ## Run every fuzz target for FUZZTIME (10s)
	scripts/fuzz $(FUZZTIME)

.PHONY: lint
lint: lint-go lint-proto lint-scripts ## Check code, contracts and scripts

.PHONY: lint-go
lint-go: bin/golangci-lint
	go mod tidy -diff
	bin/golangci-lint run
	go -C bench mod tidy -diff
	cd bench && ../bin/golangci-lint run --config ../.golangci.yml ./...

.PHONY: lint-proto
lint-proto: bin/buf
	bin/buf lint
	bin/buf format --diff --exit-code proto
	bin/buf format --diff --exit-code examples
	bin/buf format --diff --exit-code bench/proto
	bin/buf breaking proto --against $(BASELINE)

.PHONY: lint-scripts
lint-scripts:
	@for script in $(SCRIPTS) scripts/*.sh scripts/*.d/*.sh; do bash -n "$$script"; done
	@if command -v shellcheck >/dev/null; then shellcheck -x -P SCRIPTDIR $(SCRIPTS); \
	else echo 'shellcheck is not installed: scripts are checked for syntax only'; fi

.PHONY: generate
generate: bin/buf $(PLUGINS) plugin ## Generate Go from the contracts
	scripts/generate .

.PHONY: generate-check
generate-check: bin/buf $(PLUGINS) plugin ## Fail if "make generate" would change anything
	scripts/generate-check

.PHONY: proto-baseline
proto-baseline: bin/buf ## At a release: make the published contract the one that "buf breaking" holds later ones to
	bin/buf build proto --exclude-source-info --output $(BASELINE)

# The plugin under development; go build knows whether it is up to date.
.PHONY: plugin
plugin:
	go build -o bin/protoc-gen-mqrpc ./cmd/protoc-gen-mqrpc

# The pinned tools; go build knows whether they are up to date, too.
bin/buf: tools/buf/go.mod
bin/golangci-lint: tools/golangci-lint/go.mod
bin/nats-server: tools/nats-server/go.mod
$(PLUGINS): tools/protoc/go.mod
.PHONY: bin/buf bin/golangci-lint bin/nats-server $(PLUGINS)
bin/buf bin/golangci-lint bin/nats-server $(PLUGINS):
	@[[ -x $@ ]] || echo 'building $@, as pinned in $<'
	@go -C $(<D) build -o $(CURDIR)/bin/ tool

.PHONY: clean
clean: ## Stop services that are up, delete what was built
	scripts/services stop
	rm -rf bin .services
