# `make help` lists the targets. VENV, PYTHON, ARGS and PYTEST_ARGS may be set on the command line.

VENV ?= .venv
PYTHON ?=
ARGS ?=
PYTEST_ARGS ?= --numprocesses 4 --dist worksteal --progress

BIN := $(VENV)/bin
PIP_FLAGS := --quiet --disable-pip-version-check --no-input
PIP := $(BIN)/python -m pip $(PIP_FLAGS)
UV := "uv>=0.9,<1"

.DEFAULT_GOAL := help
.PHONY: help run check unit test test-newest test-oldest graph lock format clean
.DELETE_ON_ERROR:

help: ## list the targets
	@echo "paxtui: make TARGET"
	@echo
	@awk -F ':.*## ' '/^[a-z-]+:.*## / { printf "  make %-12s %s\n", $$1, $$2 }' Makefile
	@echo
	@echo "  ARGS=\"...\"    arguments for paxtui:  make run ARGS=\"run --help\""
	@echo "  VENV=folder   another virtual environment (now: $(VENV))"
	@echo "  PYTHON=path   the Python 3.11 or newer to make it with"

run: $(VENV)/.stamp-installed ## install what is missing, then start paxtui $(ARGS)
	@$(BIN)/paxtui $(ARGS)

check: $(VENV)/.stamp-installed ## check format, rules, types and layers: some 30 seconds the first time
	@echo "== format"
	@$(BIN)/ruff format --check .
	@echo "== rules"
	@$(BIN)/ruff check .
	@echo "== types"
	@$(BIN)/mypy
	@echo "== layers"
	@$(BIN)/lint-imports --no-logo

unit: $(VENV)/.stamp-installed ## run the tests that start no process and take no long search: a minute and a half
	@$(BIN)/pytest $(PYTEST_ARGS) -m "not processes and not slow"

test: check ## all of it: check, then run all tests and the simulator
	@echo "== tests"
	@$(BIN)/pytest $(PYTEST_ARGS) --branches
	@echo "== simulator"
	@$(BIN)/paxtui sim --ci

# Where the words and habits of libraries show; spec, soak, disks and the simulator know no library.
QUICK := $(addprefix tests/,wire config core client checkers console records cli replica net storage project) \
    tests/deploy/test_metrics.py tests/sim/test_dask.py

# The lock says exactly what `make run`, `make test` and CI install, with hashes; these two try what it does not:
# what the registries have today, and the least that pyproject.toml allows. Quick tests only.
test-newest: ## the quick tests with the newest release of everything
	@$(MAKE) --no-print-directory .venv-newest/.stamp-venv VENV=.venv-newest
	@echo "== install the newest of everything"
	@.venv-newest/bin/python -m pip $(PIP_FLAGS) install --upgrade --upgrade-strategy eager --editable ".[dev]"
	@.venv-newest/bin/pytest $(PYTEST_ARGS) $(QUICK)

test-oldest: ## the quick tests with the oldest releases that pyproject.toml allows
	@$(MAKE) --no-print-directory .venv-oldest/.stamp-venv VENV=.venv-oldest
	@echo "== install the oldest that is allowed"
	@.venv-oldest/bin/python -m pip $(PIP_FLAGS) install $(UV)
	@.venv-oldest/bin/uv pip install --quiet --python .venv-oldest/bin/python --resolution lowest-direct --editable ".[dev]"
	@.venv-oldest/bin/pytest $(PYTEST_ARGS) $(QUICK)

graph: $(VENV)/.stamp-installed ## draw the packages and who imports whom, as text; ARGS=--mermaid for Markdown
	@$(BIN)/python -m tests.tools.graph $(ARGS)

lock: ## write requirements.lock anew: the newest releases that pyproject.toml allows, with hashes
	@$(MAKE) --no-print-directory .venv-lock/.stamp-venv VENV=.venv-lock
	@.venv-lock/bin/python -m pip $(PIP_FLAGS) install $(UV)
	@.venv-lock/bin/uv pip compile --quiet --upgrade --universal --python-version 3.11 --all-extras --generate-hashes \
	    --no-emit-index-url --custom-compile-command "make lock" --output-file requirements.lock pyproject.toml
	@echo "requirements.lock has $$(grep -c '==' requirements.lock) packages; now: make test"

format: $(VENV)/.stamp-installed ## rewrite the code in the project's format
	@$(BIN)/ruff check --fix-only --quiet .
	@$(BIN)/ruff format .

clean: ## remove environments, caches and builds; logs/ stays
	@rm -rf "$(VENV)" .venv-ci .venv-newest .venv-oldest .venv-lock build dist .mypy_cache .pytest_cache .ruff_cache .hypothesis
	@rm -rf .import_linter_cache .grimp_cache
	@find paxtui tests -name __pycache__ -type d -prune -exec rm -rf {} +

# The stamps are made last, so that an interrupted installation is done again.
$(VENV)/.stamp-venv:
	@echo "== environment $(VENV)"
	@for python in $(or $(PYTHON),python3.11 python3.12 python3.13 python3); do \
	    if "$$python" -c 'import sys; sys.exit(sys.version_info < (3, 11))' 2>/dev/null; then found=$$python; break; fi; \
	done; \
	if [ -z "$$found" ]; then \
	    echo "paxtui needs Python 3.11 or newer; none of these is: $(or $(PYTHON),python3.11 python3.12 python3.13 python3)." >&2; \
	    echo "Install one, or name it: make run PYTHON=/path/to/python" >&2; exit 1; \
	fi; \
	"$$found" -m venv "$(VENV)" || { \
	    echo "$$found could not make a virtual environment: is its venv module installed (python3-venv)?" >&2; exit 1; }
	@touch $@

$(VENV)/.stamp-installed: requirements.lock pyproject.toml | $(VENV)/.stamp-venv
	@echo "== install what requirements.lock names (about a minute the first time)"
	@$(PIP) install --require-hashes --requirement requirements.lock
	@$(PIP) install --no-deps --no-build-isolation --editable .
	@touch $@
