PYTHON ?= python3
RUN := .venv/bin/python
# .venv is ours: without the bytecode, each start of Python compiles its packages again, which takes seconds
unexport PYTHONDONTWRITEBYTECODE
PYTEST := $(RUN) -m pytest -n 4 --dist loadgroup --no-loadscope-reorder
QUICK_TESTS := $(PYTEST) -m "not system" --durations=30

.PHONY: help up down up-aws down-aws test test-quick check docs fuzz bench golden states clean

help: ## list the commands
	@awk -F ':.*## ' '/^[a-z-]+:.*## /{printf "make %-10s %s\n", $$1, $$2}' $(MAKEFILE_LIST)

up: ## bring the dev stack up on this computer: matchbox, pulumi up, the addresses to look at
	@$(PYTHON) -m tools.environment
	@$(PYTHON) -m tools --set up >/dev/null
	@$(RUN) -m lab up

down: ## destroy the dev stack and stop the matchbox that `make up` started
	@$(PYTHON) -m tools.environment
	@$(PYTHON) -m tools --set up >/dev/null
	@$(RUN) -m lab down

up-aws: ## bring a whole pod up in a simulated AWS account on this computer (STACK_FILE=yours, or examples/aws)
	@$(PYTHON) -m tools.environment --simulator
	@$(PYTHON) -m tools --set aws >/dev/null
	@$(RUN) -m lab up-aws $(STACK_FILE)

down-aws: ## destroy that pod and stop the simulator
	@$(PYTHON) -m tools.environment --simulator
	@$(PYTHON) -m tools --set aws >/dev/null
	@$(RUN) -m lab down-aws

test: ## install what the tests need and run all of them; missing tools are built beside the quick tests
	@$(PYTHON) -m tools.packages tests/packages.txt
	@$(PYTHON) -m tools.environment --dev
	@$(MAKE) --no-print-directory check
	@$(PYTHON) -m tools --set test --linters --beside $(QUICK_TESTS); quick=$$?; \
	$(PYTEST) -m system --durations=30 && exit $$quick

test-quick: ## lint, type-check, and run the tests that need no root, no tools, no services and no network
	@$(PYTHON) -m tools.environment --dev
	@$(MAKE) --no-print-directory check
	@$(QUICK_TESTS)

check: ## lint and type-check
	@.venv/bin/ruff check .
	@.venv/bin/ruff format --check .
	@.venv/bin/mypy

docs: ## build the documentation site into .site/; a link that leads nowhere is an error
	@$(PYTHON) -m tools.environment --dev
	@NO_MKDOCS_2_WARNING=1 $(RUN) -m mkdocs build --strict --quiet
	@echo "Open .site/index.html"

fuzz: ## compare Butane with the Go program on many documents (SEED=7 EXAMPLES=4000, some minutes)
	@$(PYTHON) -m tools.environment --dev
	@$(PYTHON) -m tools --set test >/dev/null
	@BUTANE_EXAMPLES=$(or $(EXAMPLES),4000) BUTANE_SEED=$(or $(SEED),1) $(RUN) -m pytest -q -n 2 butane-py/tests

golden: ## write the golden files, docs/config.schema.json, the generated pages and types again (review the diff)
	@$(RUN) -m pytest -q tests/golden tests/config --golden-update

states: ## record the engine states that previews are tested on (docs/development.md; review the diff)
	@$(PYTHON) -m tools.environment --dev
	@$(PYTHON) -m tools --set test >/dev/null
	@$(RUN) -m pytest -q tests/states --record-states

bench: ## measure speed and state size, as ratios against a floor (about 12 minutes)
	@$(PYTHON) -m tools.environment --dev
	@$(PYTHON) -m tools --set up --set aws butane >/dev/null
	@$(RUN) -m benchmarks

clean: ## remove .venv, .site and the caches of the checks (never .lab: it may hold a running stack)
	rm -rf .venv .site .mypy_cache .ruff_cache .pytest_cache .hypothesis dist butane-py/dist
