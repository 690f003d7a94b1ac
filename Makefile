# `make help` lists what can be done. Needs Python 3.11 or newer and make; nothing else.

PYTHON ?= $(shell for p in python3 python3.14 python3.13 python3.12 python3.11; do \
	"$$p" -c 'import sys; sys.exit(sys.version_info < (3, 11))' 2>/dev/null && echo "$$p" && break; done)
BIN := .venv/bin
export HOST ?= 127.0.0.1
export PORT ?= 8000

.DEFAULT_GOAL := help
.PHONY: help demo run test test-faults check docs format imports screenshots translations lock clean

help: ## List the commands
	@awk -F ':.*## ' '/^[a-z-]+:.*## / {printf "  make %-12s %s\n", $$1, $$2}' $(MAKEFILE_LIST)

demo: .venv/demo.stamp ## Set up and run the demo (PORT=, HOST=)
	@exec $(BIN)/python -m scripts.demo

run: .venv/dev.stamp ## Run a development server with worker, beat and Redis (PORT=, HOST=)
	@exec $(BIN)/python -m scripts.develop

test: .venv/dev.stamp ## Set up what the tests need; run every check and test, on both databases
	@exec $(BIN)/python -m scripts.test

test-faults: .venv/dev.stamp ## Kill, cut off and fill what the site stands on, under 50 raters
	@exec $(BIN)/python -m scripts.test --faults

check: .venv/dev.stamp ## Lint, types, import contracts, migrations
	@$(BIN)/python -m scripts.test --checks

docs: .venv/dev.stamp ## Serve the documentation as a site (PORT=, HOST=)
	@exec $(BIN)/zensical serve --dev-addr $(HOST):$(PORT)

format: .venv/dev.stamp ## Format the code
	@$(BIN)/ruff check --fix-only --quiet . && $(BIN)/ruff format --quiet .

imports: .venv/dev.stamp ## Draw which room imports which, for docs/architecture.md
	@$(BIN)/python -m scripts.imports

screenshots: .venv/dev.stamp ## Make the pictures in docs/images anew
	@UPDATE_SCREENSHOTS=1 $(BIN)/python -m scripts.test --screenshots

translations: .venv/dev.stamp ## Find the raters' texts, list those without a translation, compile the rest
	@$(BIN)/python -m scripts.translations

lock: .venv/dev.stamp ## Write requirements/*.txt from requirements/*.in
	@$(BIN)/python -m scripts.lock

clean: ## Remove the environment and what runs left behind
	rm -rf .venv var

# Locked versions with hashes; done again only when a lock changes.
.venv/%.stamp: requirements/%.txt | .venv/bin/python
	@echo "Installing the packages of requirements/$*.txt (once; a minute or two)"
	@$(BIN)/python -m pip install --quiet --disable-pip-version-check --require-hashes -r $<
	@touch $@

.venv/bin/python:
	@if [ -z "$(PYTHON)" ]; then \
		echo "Python 3.11 or newer is needed and was not found. Install it (Debian: apt-get install" \
			"python3 python3-venv), or name it: make PYTHON=/path/to/python3." >&2; exit 1; fi
	@"$(PYTHON)" -c 'import venv, ensurepip' 2>/dev/null || { \
		echo "This Python has no venv module. Install it (Debian: apt-get install python3-venv)." >&2; \
		exit 1; }
	@"$(PYTHON)" -m venv .venv
