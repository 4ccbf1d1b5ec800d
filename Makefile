# Two commands are all a person types: `make demo` and `make test`. Each installs what is missing first.
# The work is done by small scripts in packaging/; this file only names them.

SHELL := /bin/bash
.DEFAULT_GOAL := help
.PHONY: help demo test soak lint fmt web bench package fuzz audit

help: ## show this list
	@awk -F ':.*## ' '/^[a-z]+:.*## / { printf "  make %-8s %s\n", $$1, $$2 }' Makefile

demo: ## build everything and run an ISP with two towers on this machine; Ctrl-C stops it
	@packaging/setup.sh
	@packaging/build.sh
	@exec packaging/demo.sh

test: ## every check of the short tier; what continuous integration runs
	@packaging/test.sh short

soak: ## the same with full counts: more cuts, kills and cases; hours
	@packaging/test.sh soak

lint: ## formatting, clippy, shell syntax, units, licences
	@packaging/test.sh short setup lint deny packaging

fmt: ## format the Rust code
	@cargo fmt --all

web: ## check, test and build the web app
	@packaging/test.sh short setup web

bench: ## measure; prints figures with their spread, passes or fails nothing
	@packaging/setup.sh
	@packaging/bench.sh

package: ## build atalaya.deb and atalaya-agent.deb into packaging/out
	@packaging/setup.sh
	@packaging/build.sh --release
	@packaging/deb/build.sh

fuzz: ## let fuzzers loose on the decoders; FUZZ_SECONDS=60 for each target
	@packaging/fuzz.sh

audit: ## licences, sources, bans and known vulnerabilities of the dependencies; needs the internet
	@cargo deny --version >/dev/null 2>&1 || { echo "needs cargo-deny: cargo install --locked cargo-deny" >&2; exit 1; }
	cargo deny check --allow duplicate
	npm --prefix controlplane/web audit
