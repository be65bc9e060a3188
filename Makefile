PYTHON ?= python3
RUN := .venv/bin/python
# without bytecode in .venv, each start of Python compiles its packages again, which takes seconds
unexport PYTHONDONTWRITEBYTECODE
# all checkouts share it: mypy compares the content of files, and takes 45 s in a new clone without it
export MYPY_CACHE_DIR ?= $(or $(DIASPORA_INFRA_CACHE),$(or $(XDG_CACHE_HOME),$(HOME)/.cache)/diaspora-infra)/mypy
PYTEST := $(RUN) -m pytest --dist loadgroup --no-loadscope-reorder
# they wait for nothing: one worker for each core
QUICK_TESTS := $(PYTEST) -n auto -m "not system" --durations=30
# they wait for servers and engines
SYSTEM_TESTS := $(PYTEST) -n 4 -m system --durations=30

.PHONY: help up down up-aws down-aws test test-quick check docs dist fuzz bench golden states clean

help: ## list the commands
	@awk -F ':.*## ' '/^[a-z-]+:.*## /{printf "make %-10s %s\n", $$1, $$2}' $(MAKEFILE_LIST)

up: ## run the dev stack on this computer: matchbox, pulumi up; prints the addresses to open
	@$(PYTHON) -m tools.environment
	@$(PYTHON) -m tools --set up >/dev/null
	@$(RUN) -m lab up

down: ## destroy the dev stack and stop its matchbox
	@$(PYTHON) -m tools.environment
	@$(PYTHON) -m tools --set up >/dev/null
	@$(RUN) -m lab down

up-aws: ## run a whole pod in a simulated AWS account on this computer (STACK_FILE=FILE; default: examples/aws)
	@$(PYTHON) -m tools.environment --simulator
	@$(PYTHON) -m tools --set aws >/dev/null
	@$(RUN) -m lab up-aws $(STACK_FILE)

down-aws: ## destroy the pod of `make up-aws` and stop the simulator
	@$(PYTHON) -m tools.environment --simulator
	@$(PYTHON) -m tools --set aws >/dev/null
	@$(RUN) -m lab down-aws

test: ## install the dependencies of the tests and run all tests; missing tools, boot images and programs are built beside the first ones
	@$(PYTHON) -m tools.packages tests/packages.txt
	@$(PYTHON) -m tools.environment --dev
	@$(RUN) -m tests.support.boot & images=$$!; \
	{ $(PYTHON) -m tools pulumi pulumi-sdk-generator >/dev/null; $(RUN) -m tests.support.languages; } & programs=$$!; \
	$(MAKE) --no-print-directory check & check=$$!; \
	$(PYTHON) -m tools --set test --linters --beside $(QUICK_TESTS); quick=$$?; \
	wait $$check || { echo "make check failed, see above"; kill $$images $$programs; exit 1; }; \
	wait $$images $$programs; $(SYSTEM_TESTS) && exit $$quick

test-quick: ## lint, type-check, and run the tests that need no root, no tools, no services and no network
	@$(PYTHON) -m tools.environment --dev
	@$(MAKE) --no-print-directory check
	@$(QUICK_TESTS)

check: ## lint and type-check
	@.venv/bin/ruff check .
	@.venv/bin/ruff format --check .
	@.venv/bin/mypy

docs: ## build the documentation site into .site/; a broken link is an error
	@$(PYTHON) -m tools.environment --dev
	@NO_MKDOCS_2_WARNING=1 $(RUN) -m mkdocs build --strict --quiet
	@echo "Open .site/index.html"

dist: ## make and check a release in dist/: wheels, plugin, SDKs, schema, notes (TAG=v0.1.0: it must be ready)
	@$(PYTHON) -m tools.environment --dev
	@$(PYTHON) -m tools pulumi-sdk-generator >/dev/null
	@$(RUN) -m release $(if $(TAG),--tag "$(TAG)") $(if $(FILES_URL),--files-url "$(FILES_URL)")

fuzz: ## compare butane-py with the Go program on many documents (SEED=7 EXAMPLES=4000; takes minutes)
	@$(PYTHON) -m tools.environment --dev
	@$(PYTHON) -m tools --set test >/dev/null
	@EVERYTHING=1 BUTANE_EXAMPLES=$(or $(EXAMPLES),4000) BUTANE_SEED=$(or $(SEED),1) $(RUN) -m pytest -q -n 2 butane-py/tests

golden: ## regenerate the golden files, docs/config.schema.json, the generated pages and types (review the diff)
	@$(RUN) -m pytest -q tests/golden tests/config tests/preview --golden-update

states: ## record the engine states that previews are tested on (docs/development.md; review the diff)
	@$(PYTHON) -m tools.environment --dev
	@$(PYTHON) -m tools --set test >/dev/null
	@$(RUN) -m pytest -q tests/states --record-states

bench: ## measure speed and state size relative to a baseline; bring up a pod on AWS from YAML (an hour or more)
	@$(PYTHON) -m tools.environment --dev
	@$(PYTHON) -m tools --set up --set aws butane >/dev/null
	@$(RUN) -m benchmarks
	@EVERYTHING=1 WHOLE_POD=1 $(RUN) -m pytest -q tests/aws/test_pod_in_yaml.py

clean: ## remove .venv, .site and caches (never .lab, which may contain a running stack)
	rm -rf .venv .site .mypy_cache .ruff_cache .pytest_cache .hypothesis dist butane-py/dist
