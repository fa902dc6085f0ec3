# Thin aliases; .ci/run and the README say the commands in full.
BIN := .venv/bin

.PHONY: venv demo test slow browser hunt lint format types contracts cover ci lock clean

venv:
	python3 -m venv .venv
	$(BIN)/pip install --require-hashes -r requirements-dev.lock
	$(BIN)/pip install --no-deps --no-build-isolation -e .

demo:
	$(BIN)/hub demo

test:
	$(BIN)/python -m pytest

slow:
	$(BIN)/python -m pytest -m slow

browser:
	$(BIN)/python -m pytest -m browser

hunt:
	$(BIN)/python -m pytest --hypothesis-profile=hunt --timeout=1800

lint:
	$(BIN)/ruff check
	$(BIN)/ruff format --check

format:
	$(BIN)/ruff check --fix
	$(BIN)/ruff format

types:
	$(BIN)/mypy schemas connectors hub

contracts:
	$(BIN)/lint-imports --no-logo --no-cache

cover:
	$(BIN)/coverage erase
	$(BIN)/coverage run -m pytest
	$(BIN)/coverage combine
	$(BIN)/coverage report

ci:
	.ci/run

# Keeps the versions that still fit; `make lock UPGRADE=--upgrade` takes the newest.
COMPILE = $(BIN)/uv pip compile --quiet --universal --python-version 3.11 --generate-hashes --no-header --no-annotate --no-emit-index-url --no-emit-find-links $(UPGRADE)
lock:
	$(BIN)/pip install --quiet uv
	echo hatchling | $(COMPILE) pyproject.toml - -o requirements.lock
	echo hatchling | $(COMPILE) pyproject.toml - --extra dev -c requirements.lock -o requirements-dev.lock

clean:
	rm -rf build dist htmlcov .coverage .coverage.* .pytest_cache .mypy_cache .ruff_cache .hypothesis .import_linter_cache
	find schemas connectors hub tests -name __pycache__ -prune -exec rm -rf {} +
