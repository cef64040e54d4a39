# Redrive's commands. `make` by itself prints them.

# The folder for fetched tools; git ignores it.
TOOLS_DIR ?= $(CURDIR)/.tools
# More arguments for the command that a target ends in, say `make demo ARGS=--keep`.
ARGS =
# The demo's size and its fault plan.
ORDERS = 300
SEED = 7
# The chaos run's seeds and databases, one run for each of both.
SEEDS = 1 2 3
LEDGERS = sqlite postgres
# How many examples of each operation the API is asked.
EXAMPLES = 2000
# How often the bench measures each part.
RUNS = 5
# What the test suite needs switched on: points where a test can make a step fail.
TEST_FEATURES = redrive/failpoints
# For every cargo command that builds, say `--locked`.
CARGO_FLAGS =

export TOOLS_DIR
# The binary looks in .tools by itself; a folder elsewhere has to be named.
ifneq ($(abspath $(TOOLS_DIR)),$(abspath $(CURDIR)/.tools))
export REDRIVE_TEMPORAL_CLI ?= $(abspath $(TOOLS_DIR))/temporal
endif

.DEFAULT_GOAL := help
.PHONY: help setup demo up test fuzz-api check chaos bench histories screenshots

help: ## Print this list.
	@echo 'make TARGET [ARGS="..."]'
	@echo
	@awk -F ': .*## ' '/^[a-z-]+:.*## / { printf "  %-11s %s\n", $$1, $$2 }' $(MAKEFILE_LIST)

setup: ## Check cargo, fetch what a run and the tests need into .tools, see to PostgreSQL and Chromium; needed once, done by the others.
	@scripts/setup

demo: setup ## Let 300 orders run and fail on a real Temporal server, bring them back, and audit it (ORDERS=, SEED=).
	cargo run $(CARGO_FLAGS) -p redrive -- demo --orders $(ORDERS) --seed $(SEED) $(ARGS)

up: setup ## Run Redrive on this machine until Ctrl-C, with a Temporal dev server if TEMPORAL_ADDRESS is not set.
	cargo run $(CARGO_FLAGS) -p redrive -- up $(ARGS)

test: setup ## Run every test, on a real Temporal dev server, a PostgreSQL and a browser of its own (ARGS=name runs the tests so named).
	scripts/with-postgres scripts/with-dev-server scripts/with-browser cargo test $(CARGO_FLAGS) --workspace --no-fail-fast --features '$(TEST_FEATURES)' $(ARGS)

fuzz-api: setup ## Ask the API for everything that its description says, rightly and wrongly, on both databases (EXAMPLES=).
	REDRIVE_FUZZ_EXAMPLES=$(EXAMPLES) scripts/with-postgres scripts/with-dev-server cargo test $(CARGO_FLAGS) -p redrive-web --test api -- --nocapture --test-threads 1 fuzzed:: $(ARGS)

histories: setup ## Record the workflows' histories anew (after a change that adds a patch).
	REDRIVE_RECORD_HISTORIES=1 scripts/with-dev-server cargo test $(CARGO_FLAGS) -p redrive-engine --test it -- histories::record progress::a_pause

screenshots: setup ## Take the pictures of the pages anew, into docs/images.
	REDRIVE_WRITE_DOCS=1 scripts/with-dev-server scripts/with-browser cargo test $(CARGO_FLAGS) -p redrive --test browser images::

check: ## Check format, style, lints and docs; warnings are errors.
	cargo fmt --all --check
	scripts/check-style
	cargo clippy $(CARGO_FLAGS) --workspace --all-targets -- -D warnings
	cargo clippy $(CARGO_FLAGS) --workspace --all-targets --features redrive/failpoints -- -D warnings
	RUSTDOCFLAGS='-D warnings' cargo doc $(CARGO_FLAGS) --workspace --no-deps

chaos: setup ## Kill workers, server and database in mid-batch, and audit that no order is lost or started twice (SEEDS=, LEDGERS=).
	cargo run $(CARGO_FLAGS) -p redrive-chaos -- run $(addprefix --seed ,$(SEEDS)) $(addprefix --ledger ,$(LEDGERS)) $(ARGS)

# A bench is of more orders than a demo.
bench: ORDERS = 3000
bench: setup ## Measure how fast Redrive is beside the Temporal server's limit, and what it costs (RUNS=, ORDERS=).
	POSTGRES_DURABLE=1 scripts/with-postgres cargo run $(CARGO_FLAGS) --release -p redrive-bench -- run --runs $(RUNS) --orders $(ORDERS) $(ARGS)
