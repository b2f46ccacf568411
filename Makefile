# SPDX-License-Identifier: Apache-2.0
#
# make run        build refdesk and start a desk to try out, on this machine alone
# make test       all tests; installs the chat clients that some of them drive, where it may
# make faults     kills, cuts off and starves the nodes of a desk in every way there is, and prints a table; needs root
# make check      everything that has to pass before a change goes in
#
# ARGS   what `make run` hands to `refdesk demo`, such as ARGS="--nodes 3"
# FAULTS which faults and how much of them, for `make faults`: words with commas between, each a part of a name or "all",
#        with rounds or a time behind a colon, such as FAULTS="power:10,partition:2m"
# CI     true: a test that can't run for want of a program fails instead of being skipped

GO       := $(firstword $(shell command -v go 2>/dev/null) $(wildcard /usr/local/go/bin/go) go)
TOOL     := $(GO) tool -modfile=.tools/go.mod
FUZZTIME ?= 10s
FAULTS   ?= all:2
ARGS     ?=
BENCH    ?=

.PHONY: build run test test-race lint fuzz e2e proof faults bench microbench pictures check generate fresh go clients

run: build
	@exec bin/refdesk demo $(ARGS)

build: go
	CGO_ENABLED=0 $(GO) build -trimpath -o bin/refdesk ./cmd/refdesk

test: go clients
	@$(GO) test -shuffle=on -json ./... | $(GO) run ./cmd/internal/house/tally

test-race: go clients
	@command -v gcc >/dev/null || { echo "make test-race needs a C compiler for the race detector: apt-get install gcc libc6-dev" >&2; exit 1; }
	@$(GO) test -race -shuffle=on -timeout 30m -json ./... | $(GO) run ./cmd/internal/house/tally

lint: go
	$(GO) vet ./...
	$(TOOL) staticcheck ./...
	@wrong=$$($(TOOL) gofumpt -l $(wildcard bridge cluster cmd gateway search)) || exit 1; \
	if [ -n "$$wrong" ]; then echo "not formatted by gofumpt:" >&2; echo "$$wrong" >&2; exit 1; fi

# Every fuzz target for FUZZTIME each; the corpora in testdata run with the ordinary tests.
fuzz: go
	@set -e; for p in $$($(GO) list ./...); do \
		for f in $$($(GO) test -list '^Fuzz' $$p | grep '^Fuzz' || true); do \
			echo "$$p $$f"; $(GO) test -run '^$$' -fuzz "^$$f\$$" -fuzztime $(FUZZTIME) -fuzzminimizetime 5x $$p; \
		done; \
	done

e2e: go clients
	$(GO) test -count=1 -v ./cmd/internal/e2e ./gateway/xmpp/xmpptest

# The long version: ten rounds of kill -9 on one node and on three.
proof: go clients
	REFDESK_PROOF=1 $(GO) test -count=1 -v -timeout 60m ./cmd/internal/e2e

# Real processes first, then as many nodes in one process. What the machine can't do is skipped by name.
faults: go clients
	@out=$$(mktemp); failed=0; \
	REFDESK_FAULTS="$(FAULTS)" REFDESK_FAULTS_TABLE=$$out $(GO) test -count=1 -v -timeout 120m -run 'TestFaults$$|TestFaulty' ./cmd/internal/e2e || failed=1; \
	REFDESK_SIM=60s $(GO) test -count=1 -v -timeout 20m ./cluster/sim || failed=1; \
	echo; cat $$out; rm -f $$out; exit $$failed

# refdesk beside Prosody and ejabberd: one table from one run, in about ten minutes; BENCH=-quick in two.
bench: go
	@.ci/peers
	$(GO) run ./cmd/internal/bench $(BENCH)

# The benchmarks of single packages.
microbench: go
	$(GO) test -run '^$$' -bench . -benchmem ./...

# The pictures of the documentation, taken anew from a demo.
pictures: go
	REFDESK_PICTURES=$(CURDIR)/docs $(GO) test -count=1 -run TestPictures ./cmd/internal/e2e

generate: go
	$(GO) generate ./...

# What `make generate` writes is committed: writing it again must change nothing.
fresh: go
	@before=$$(git ls-files -co --exclude-standard -z | xargs -0 sha256sum 2>/dev/null); $(MAKE) --no-print-directory generate; \
	after=$$(git ls-files -co --exclude-standard -z | xargs -0 sha256sum 2>/dev/null); \
	if [ "$$before" != "$$after" ]; then echo "generated files were not up to date; commit what make generate wrote" >&2; exit 1; fi

check: lint fresh test

go:
	@v=$$(cd / && GOTOOLCHAIN=local $(GO) version 2>/dev/null | sed -n 's/^go version go1\.\([0-9]*\).*/\1/p'); \
	if [ "$${v:-0}" -lt 26 ]; then \
		echo "refdesk needs Go 1.26 or newer, and Debian's own is older: get it from https://go.dev/dl/ and put its bin folder into PATH." >&2; exit 1; fi

clients:
	@.ci/clients
