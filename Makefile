# `make help` lists the targets. VENV, PYTHON, ARGS and PYTEST_ARGS may be set on the command line.

VENV ?= .venv
PYTHON ?=
ARGS ?=
PYTEST_ARGS ?= --numprocesses 3

BIN := $(VENV)/bin
PIP := $(BIN)/python -m pip --quiet --disable-pip-version-check --no-input

.DEFAULT_GOAL := help
.PHONY: help run test format clean
.DELETE_ON_ERROR:

help: ## list the targets
	@echo "paxtui: make TARGET"
	@echo
	@awk -F ':.*## ' '/^[a-z]+:.*## / { printf "  make %-8s %s\n", $$1, $$2 }' Makefile
	@echo
	@echo "  ARGS=\"...\"    arguments for paxtui:  make run ARGS=\"run --help\""
	@echo "  VENV=folder   another virtual environment (now: $(VENV))"
	@echo "  PYTHON=path   the Python 3.11 or newer to make it with"

run: $(VENV)/.stamp-run ## install what is missing, then start paxtui $(ARGS)
	@$(BIN)/paxtui $(ARGS)

test: $(VENV)/.stamp-dev ## check format, rules, types and layers, then run the tests and the simulator
	@echo "== format"
	@$(BIN)/ruff format --check .
	@echo "== rules"
	@$(BIN)/ruff check .
	@echo "== types"
	@$(BIN)/mypy
	@echo "== layers"
	@$(BIN)/lint-imports
	@echo "== tests"
	@$(BIN)/pytest $(PYTEST_ARGS)
	@echo "== simulator"
	@$(BIN)/paxtui sim --ci
	@echo "== mutants"
	@$(BIN)/paxtui sim --mutants

format: $(VENV)/.stamp-dev ## rewrite the code in the project's format
	@$(BIN)/ruff check --fix-only --quiet .
	@$(BIN)/ruff format .

clean: ## remove environments, caches and builds; logs/ stays
	@rm -rf "$(VENV)" .venv-ci build dist .mypy_cache .pytest_cache .ruff_cache .hypothesis
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

$(VENV)/.stamp-run: pyproject.toml | $(VENV)/.stamp-venv
	@echo "== install paxtui"
	@$(PIP) install --editable .
	@touch $@

$(VENV)/.stamp-dev: pyproject.toml | $(VENV)/.stamp-venv
	@echo "== install paxtui and its tools"
	@$(PIP) install --editable ".[dev]"
	@touch $@ $(VENV)/.stamp-run
