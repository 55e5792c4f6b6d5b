# `make up` and `make test` are all a fresh Debian machine with Rust needs.

# Where `make up` keeps its data.
DATA ?= drover-data
# Devices of `make bench`.
DEVICES ?= 10000
# In CI the lock file is the law; at a desk cargo may add to it.
LOCKED := $(if $(CI),--locked)
# Rounds of each row of `make faults`, their seed, and the rows whose names contain FAULT.
ROUNDS ?= 10
SEED ?= $(shell date +%s)
export DATA

.DEFAULT_GOAL := help
.PHONY: up test faults lint schemas bench clean help

up: ## install what is missing, build, start every role in one process, run a visible campaign
	scripts/install-deps.sh run
	cargo build --release $(LOCKED) -p drover
	target/release/drover up --demo --data $(DATA)

test: ## install what is missing, run all tests against private servers
	scripts/install-deps.sh test
	cargo test $(LOCKED) --workspace --doc
	cargo nextest run $(LOCKED) --workspace

faults: ## the fault matrix, long: ROUNDS=10 SEED=1 FAULT=words; prints it as a table
	scripts/install-deps.sh test
	FAULTS_ROUNDS=$(ROUNDS) FAULTS_SEED=$(SEED) FAULTS_ROWS='$(FAULT)' cargo test $(LOCKED) -p drover --test faults

# Advisories are not among the checks: their database lives in a repository outside of the package registries, and a
# build must not turn red by what others write there overnight. Run `cargo deny check advisories` before a release.
lint: ## formatting, clippy, dependencies and their licences, documentation
	scripts/install-deps.sh lint
	cargo fmt --all --check
	cargo clippy $(LOCKED) --workspace --all-targets -- -D warnings
	cargo deny $(LOCKED) check --hide-inclusion-graph bans licenses sources
	RUSTDOCFLAGS="-D warnings" cargo doc $(LOCKED) --workspace --no-deps --document-private-items

schemas: ## write schemas/messages and schemas/openapi anew from the types and handlers
	cargo run --quiet $(LOCKED) -p drover-messages --features schema --example write_schemas
	cargo run --quiet $(LOCKED) -p drover-ingress --example write_openapi

bench: ## one campaign against DATABASE_URL and AMQP_URL; DEVICES=10000
	cargo build --release $(LOCKED) -p drover
	target/release/drover bench --devices $(DEVICES)

clean: ## remove what was built; the data in $(DATA) stays
	cargo clean

help: ## show this list
	@sed -n 's/^\([a-z]*\):.*## \(.*\)/make \1\t\2/p' $(MAKEFILE_LIST)
