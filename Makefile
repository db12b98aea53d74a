# One variable lists the modules; everything runs in each of them.
MODULES := . goredis rueidis cmd/redlock rig

# What the tests run beside Go, as Debian's packages are called.
PROGRAMS := redis-server postgresql curl faketime nodejs npm

# The Redlock clients for Node.js, for rig/interop: what package-lock.json says, by its checksums.
NODEJS := rig/interop/nodejs
NODEJS_CLIENTS := $(NODEJS)/node_modules/.package-lock.json

GOLANGCI := bin/golangci-lint
GOLANGCI_VERSION := v2.15.0

.DEFAULT_GOAL := help

.PHONY: help
help: ## this list
	@awk -F ':.*## ' '/^[a-z-]+:.*## / { printf "  make %-9s %s\n", $$1, $$2 }' $(MAKEFILE_LIST)

.PHONY: demo
demo: ## the main job, on embedded nodes, in half a minute; no server needed
	@go run ./cmd/redlock demo

# How long eight processes run under faults in the tests.
export RIG_SOAK ?= 60s

.PHONY: test
test: programs ## every test of every module, with the race detector, on real servers
	@scripts/foreach "$(filter-out rig,$(MODULES))" go test -race -count=1 ./...
	@# The rig's packages one after another: each has servers of its own to run.
	@scripts/foreach rig go test -race -count=1 -p 1 ./...

.PHONY: programs
programs:
	@scripts/need $(PROGRAMS)
	@$(MAKE) --no-print-directory $(NODEJS_CLIENTS)

$(NODEJS_CLIENTS): $(NODEJS)/package.json $(NODEJS)/package-lock.json
	@echo "installing the Redlock clients for Node.js"
	@cd $(NODEJS) && npm ci --loglevel=error >/dev/null
	@touch $@

.PHONY: check
check: ## a quick look: vet, and the tests of the root module
	@scripts/foreach "$(MODULES)" go vet ./...
	@go test ./...

.PHONY: lint
lint: $(GOLANGCI) ## the linters, in every module
	@scripts/foreach "$(MODULES)" "$(CURDIR)/$(GOLANGCI)" run --config "$(CURDIR)/.golangci.yml" ./...

$(GOLANGCI): Makefile
	@echo "building golangci-lint $(GOLANGCI_VERSION)"
	@GOBIN="$(CURDIR)/bin" GOWORK=off go install github.com/golangci/golangci-lint/v2/cmd/golangci-lint@$(GOLANGCI_VERSION)
	@touch $@

.PHONY: fmt
fmt: $(GOLANGCI) ## format the code
	@scripts/foreach "$(MODULES)" "$(CURDIR)/$(GOLANGCI)" fmt --config "$(CURDIR)/.golangci.yml" ./...

.PHONY: cross
cross: ## vet what users get for every platform; the rig is for Linux
	@for os in linux darwin windows; do for arch in amd64 arm64; do \
	  echo "$$os/$$arch"; \
	  GOOS=$$os GOARCH=$$arch CGO_ENABLED=0 scripts/foreach "$(filter-out rig,$(MODULES))" go vet ./... || exit 1; \
	done; done

.PHONY: cover
cover: programs ## how much of the library its own tests run through
	@mkdir -p out
	@go test -coverpkg=./... -coverprofile=out/cover.out ./... >/dev/null
	@go tool cover -func=out/cover.out | tail -n 1

# BENCH=quick is rough, and takes less than four minutes instead of some twenty. DOCS=1
# writes docs/bench as well. BENCH_FLAGS are more flags of rig/cmd/bench: -only S1 -n 5
# -contestants floor,ours-rueidis
BENCH ?= full
BENCH_FLAGS ?=

.PHONY: bench
bench: ## what a lock costs: this library, its peers and a floor; tables and charts in out/bench/
	@scripts/need redis-server
	@scripts/need etcd-server || echo "etcd-server cannot be installed here: it is left out"
	@cd rig && go run ./cmd/bench $(if $(filter quick,$(BENCH)),-quick) -out ../out/bench $(if $(DOCS),-docs ../docs/bench) $(BENCH_FLAGS)

# How long the simulator looks for trouble, and the rig makes it. The simulator can
# be told how many acquisitions to make instead: make sim ACQUISITIONS=10e6, and to make
# worlds of semaphores only: KIND=slots
FOR_SIM ?= 60s
ACQUISITIONS ?=
FOR_CHAOS ?= 5m

# 0 is a seed by chance; each run prints its own.
SEED_SIM ?= 0
SEED_CHAOS ?= 0

.PHONY: sim
sim: ## the library's core in simulated worlds, from fresh seeds, for a minute
	@go run ./internal/sim/cmd/sim -first $(SEED_SIM) $(if $(KIND),-$(KIND)) $(if $(ACQUISITIONS),-acquisitions $(ACQUISITIONS),-for $(FOR_SIM))

.PHONY: mutants
mutants: ## deliberate bugs, each of which the simulator must catch
	@go run ./internal/sim/cmd/mutants

.PHONY: chaos
chaos: programs ## real servers and processes under faults, with the peers beside; a report in out/
	@mkdir -p out
	@cd rig && go run ./cmd/chaos -for $(FOR_CHAOS) -seed $(SEED_CHAOS) -out ../out

FOR_INTEROP ?= 1m

.PHONY: interop
interop: programs ## this library and other Redlock clients at one key, a minute each way; who got how much
	@cd rig && INTEROP_SOAK=$(FOR_INTEROP) go test -count=1 -timeout 0 -v -run 'AllAtOnce|Saturated' ./interop

.PHONY: model
model: ## the protocol as a model, every state of it, checked by spin; some minutes. DEEP=1: larger bounds
	@scripts/need spin gcc
	@go run ./model/run $(if $(DEEP),-deep)
