# The only door: `make` lists what there is to do. Everything runs in .venv, which is made when it is missing and
# made again when the pinned requirements or pyproject.toml change. Needs Python 3.11 or newer, git and make.

SHELL := /bin/bash
.SHELLFLAGS := -euo pipefail -c
.ONESHELL:
.DELETE_ON_ERROR:
MAKEFLAGS += --no-print-directory
.DEFAULT_GOAL := help

PYTHON ?= $(shell command -v python3.11 || command -v python3 || echo python3)
JOBS ?= 2
VENV := .venv
BIN := $(VENV)/bin
READY := $(VENV)/.ready
PIP := $(BIN)/python -m pip --disable-pip-version-check --no-input --quiet
CODE := src tests bench tools

.PHONY: help setup demo app web test check static fix faults bench screenshots pin postgres chromium

help: ## list what there is to do
	@awk 'BEGIN {FS = ":.*## "} /^[a-z]+:.*## / {printf "  make %-12s %s\n", $$1, $$2}' $(MAKEFILE_LIST)
	echo "  PYTHON=/path/to/python3.11 chooses the interpreter, JOBS=4 how many tests run at once."

setup: $(READY) ## make .venv with everything that development, tests and demo need
	@echo "$(VENV) is ready."

$(READY): requirements/dev.txt pyproject.toml
	@if ! "$(PYTHON)" -c 'import sys; sys.exit(sys.version_info < (3, 11))' 2>/dev/null; then
		echo "Everbloom needs Python 3.11 or newer; '$(PYTHON)' is $$("$(PYTHON)" --version 2>/dev/null || echo no Python at all)." >&2
		echo "Install one, or name it: make PYTHON=/path/to/python3.11" >&2
		exit 1
	fi
	# An environment that cannot run any more, because its Python went away or moved, is made anew.
	$(BIN)/python -c 'import pip' 2>/dev/null || "$(PYTHON)" -m venv --clear $(VENV)
	echo "Installing what requirements/dev.txt pins into $(VENV) …"
	$(PIP) install --require-hashes -r requirements/dev.txt
	$(PIP) install --no-deps --no-build-isolation -e .
	touch $@

demo: $(READY) app ## train real models on real data and look at them in the terminal
	@$(BIN)/everbloom demo

app: $(READY) ## build the web app, if it is older than its sources
	@$(BIN)/python hatch_build.py >"$(VENV)/app.log" 2>&1 || { tail -n 20 "$(VENV)/app.log" >&2; exit 1; }

web: app ## types, layers, tests and size of the web app
	@export PATH="$(CURDIR)/$(BIN):$$PATH"
	cd web
	npm run --silent check
	npm run --silent lint
	npm run --silent test
	npm run --silent size

test: $(READY) static web postgres chromium ## all checks and all tests, as CI runs them (under 10 minutes on 2 cores)
	@$(BIN)/python -m pytest -q -n $(JOBS)

check: $(READY) static web ## format, lint, types, layers and unit tests (under 60 s)
	@$(BIN)/python -m pytest -q -n $(JOBS) tests/unit tests/test_architecture.py

static: $(READY)
	@$(BIN)/ruff format --check --quiet $(CODE) || { echo "Not formatted; run: make fix" >&2; exit 1; }
	$(BIN)/ruff check --quiet $(CODE)
	$(BIN)/python tools/lint
	$(BIN)/mypy
	$(BIN)/lint-imports --no-logo --no-cache

fix: $(READY) ## format, and mend what ruff can mend by itself
	@$(BIN)/ruff check --fix --quiet $(CODE) || true
	$(BIN)/ruff format --quiet $(CODE)
	$(BIN)/ruff check $(CODE)

faults: $(READY) ## kill a thousand training processes at random moments (under 8 minutes)
	@$(BIN)/python tests/faults/kill_storm.py

bench: $(READY) ## measure every promise against its floor
	@broken=0
	for script in bench/bench_*.py; do $(BIN)/python "$$script" || broken=1; done
	exit $$broken

screenshots: $(READY) app ## take the README's pictures anew, of the demo in the system's Chromium
	@$(BIN)/python tools/screenshots.py

pin: ## pin requirements/dev.in anew, with hashes, into requirements/dev.txt
	@tools=$$(mktemp -d)
	trap 'rm -rf "$$tools"' EXIT
	"$(PYTHON)" -m venv "$$tools"
	"$$tools/bin/python" -m pip --disable-pip-version-check --quiet install uv
	"$$tools/bin/uv" pip compile --quiet --upgrade --universal --generate-hashes --python-version 3.11 --no-header \
		--no-annotate --output-file requirements/dev.txt requirements/dev.in

# What the tests need of the system: the system's own, else Debian's package where it may be installed. Where there is
# none, the last line of the tests says so, and with CI=true they fail.
define INSTALL
if [ "$$(id -u)" != 0 ] || ! command -v apt-get >/dev/null; then exit 0; fi
echo "Installing $(1) for the tests …"
export DEBIAN_FRONTEND=noninteractive
log=$$(mktemp)
if ! { apt-get update && apt-get install -y --no-install-recommends $(1); } >"$$log" 2>&1; then
	tail -n 5 "$$log" >&2
	echo "$(1) could not be installed; the tests that need it are left out." >&2
fi
rm -f "$$log"
endef

postgres:
	@if ls /usr/lib/postgresql/*/bin/postgres >/dev/null 2>&1 || command -v postgres >/dev/null; then exit 0; fi
	if [ "$$(id -u)" = 0 ] && [ -d /etc ]; then
		# No cluster and no service: the tests start a server of their own.
		mkdir -p /etc/postgresql-common/createcluster.d
		echo "create_main_cluster = false" > /etc/postgresql-common/createcluster.d/everbloom.conf
	fi
	$(call INSTALL,postgresql)

chromium:
	@if command -v chromium >/dev/null; then exit 0; fi
	$(call INSTALL,chromium)
