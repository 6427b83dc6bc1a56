# Copyright (c) 2026, the dbops.migration contributors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

SHELL := /bin/bash
.SHELLFLAGS := -euo pipefail -c
.DEFAULT_GOAL := help

PYTHON := .venv/bin/python
PYTEST := $(PYTHON) -m pytest
# Labs mostly wait, so one worker more than the two processors that CI has.
WORKERS ?= 3
# Long conformance stages come first and one by one; tests of one file stay together (see conftest.py).
SPREAD := --numprocesses $(WORKERS) --dist loadgroup --no-loadscope-reorder
# Unit tests are run by ansible-test. Alone, and with more examples: make unit.
SUITES = $(wildcard tests/conformance tests/lab_tests tests/system)
# More arguments for what is run: make unit ARGS='-k journal', make lab ARGS='--profile 0.9.5'.
ARGS ?=

export PYTHONPATH := tests
# Caches below build/ too.
export HYPOTHESIS_STORAGE_DIRECTORY := $(CURDIR)/build/hypothesis
export RUFF_CACHE_DIR := $(CURDIR)/build/ruff_cache

.PHONY: help
help: ## Show the targets
	@grep -hE '^[a-z-]+:.*## ' $(MAKEFILE_LIST) | sort | awk -F ':.*## ' '{ printf "  %-26s %s\n", $$1, $$2 }'

.PHONY: venv
venv: ## Make .venv with everything that the tests need
	@tests/tooling/setup.sh dev

.PHONY: venv-demo
venv-demo:
	@tests/tooling/setup.sh demo

.PHONY: demo
demo: venv-demo ## Migrate simulated GreptimeDB, Pegasus and StarRocks clusters under load, from preflight to report
	@$(PYTHON) -m demo $(ARGS)

.PHONY: demo-greptimedb
demo-greptimedb: venv-demo ## Drain a datanode of a simulated GreptimeDB cluster
	@$(PYTHON) -m demo.greptimedb $(ARGS)

.PHONY: demo-pegasus
demo-pegasus: venv-demo ## Move a table to another simulated Pegasus cluster
	@$(PYTHON) -m demo.pegasus $(ARGS)

.PHONY: demo-starrocks
demo-starrocks: venv-demo ## Migrate 200 tables to another simulated StarRocks cluster
	@$(PYTHON) -m demo.starrocks $(ARGS)

.PHONY: lab
lab: venv-demo ## Start the simulated GreptimeDB cluster for a person to play with
	@$(PYTHON) -m lab greptimedb start $(ARGS)

.PHONY: lab-pegasus
lab-pegasus: venv-demo ## Start two simulated Pegasus clusters for a person to play with
	@$(PYTHON) -m lab pegasus start $(ARGS)

.PHONY: lab-starrocks
lab-starrocks: venv-demo ## Start two simulated StarRocks clusters for a person to play with
	@$(PYTHON) -m lab starrocks start --mode shared_data $(ARGS)

.PHONY: test
test: venv ## Everything that must pass
	@$(PYTEST) $(SPREAD) --durations=25 $(SUITES) $(ARGS)

.PHONY: test-all
test-all: venv ## As test, on every supported ansible-core and target Python
	@DBOPS_TEST_ALL=1 $(PYTEST) $(SPREAD) $(SUITES) tests/unit $(ARGS)

.PHONY: unit
unit: venv ## The unit tests alone
	@$(PYTEST) tests/unit $(ARGS)

.PHONY: lint
lint: venv ## ruff, mypy, yamllint, ansible-lint, licences and the collection's own rules
	@$(PYTEST) --numprocesses $(WORKERS) tests/conformance/test_lint.py tests/conformance/test_rules.py $(ARGS)

.PHONY: format
format: venv ## Let ruff put the Python files in order
	@.venv/bin/ruff check --quiet --fix .
	@.venv/bin/ruff format .

.PHONY: bench-greptimedb
bench-greptimedb: venv ## Measure the GreptimeDB figures; writes build/bench-greptimedb.json
	@$(PYTHON) -m bench.greptimedb $(ARGS)

.PHONY: bench-pegasus
bench-pegasus: venv ## Measure the Pegasus figures beside the reference tool's flow; writes build/bench-pegasus.json
	@$(PYTHON) -m bench.pegasus $(ARGS)

.PHONY: bench-starrocks
bench-starrocks: venv ## Measure the StarRocks figures beside the manual's procedure; writes build/bench-starrocks.json
	@$(PYTHON) -m bench.starrocks $(ARGS)

.PHONY: chaos-greptimedb
chaos-greptimedb: venv ## Kill and mislead GreptimeDB migrations at every point; writes build/chaos-greptimedb.json
	@$(PYTHON) -m chaos.greptimedb $(ARGS)

.PHONY: chaos-pegasus
chaos-pegasus: venv ## Kill and mislead Pegasus cutovers and their guards at every point; writes build/chaos-pegasus.json
	@$(PYTHON) -m chaos.pegasus $(ARGS)

.PHONY: chaos-starrocks
chaos-starrocks: venv ## Kill and disturb StarRocks migrations at every point; writes build/chaos-starrocks.json
	@$(PYTHON) -m chaos.starrocks $(ARGS)

.PHONY: molecule-docker-greptimedb
molecule-docker-greptimedb: venv ## Drain a datanode of a real GreptimeDB cluster in containers (needs docker)
	@$(PYTHON) -m tooling.real_clusters greptimedb $(ARGS)

.PHONY: molecule-docker-pegasus
molecule-docker-pegasus: venv ## Move a table between real Pegasus clusters in containers (needs docker)
	@$(PYTHON) -m tooling.real_clusters pegasus $(ARGS)

.PHONY: molecule-docker-starrocks
molecule-docker-starrocks: venv ## Migrate between real StarRocks clusters in containers (needs docker)
	@$(PYTHON) -m tooling.real_clusters starrocks $(ARGS)

.PHONY: docs
docs: venv ## Build the documentation site below build/site
	@$(PYTHON) -m tooling.docsite

.PHONY: awx
awx: venv ## Make the files below awx/ anew from the roles and modules
	@$(PYTHON) -m tooling.awx

.PHONY: build
build: venv ## Build the collection's tarball below build/dist
	@$(PYTHON) -m tooling.tarball

.PHONY: clean
clean: ## Remove everything that was made here
	@rm -rf build .venv .mypy_cache .pytest_cache .ruff_cache .hypothesis
