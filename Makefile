# Every command brings what it needs: the first run takes a minute or two, the next ones start at once.
.PHONY: help run test test-deep check format bench bench-large lock clean
.DEFAULT_GOAL := help

PY := .venv/bin/python
# Checks read no data of a running product.
CHECK_ENV := APP_ENV=test DATA_DIR=.check-data
CODE := training_app tools tests migrations wsgi.py

help: ## this list
	@sed -n 's/^\([a-z-]*\):.*## /\1\t/p' Makefile | expand -t 12

run: ## start on 127.0.0.1:8000, with demo people; Ctrl-C stops everything
	@./setup run
	@exec $(PY) -m training_app.start

test: ## all tests, also on PostgreSQL and in a browser where there is one
	@./setup
	@$(PY) -m pytest -n 3 -q

test-deep: ## long property runs and the tests marked deep
	@./setup
	@HYPOTHESIS_PROFILE=deep $(PY) -m pytest -n 2 -q -m "deep or not journey" --ignore tests/races
	@if $(PY) -c 'import sys; from tests.conftest import postgres_url as found; sys.exit(not found())'; then \
	  TEST_ON=postgres $(PY) -m pytest -n 2 -q tests/views; else echo "pages on PostgreSQL: left out, no server answers"; fi
	@$(PY) -m pytest -q -m "deep or not deep" tests/races  # one at a time: they print their figures

check: ## format, lint, types, import rules, translations, content
	@./setup
	@.venv/bin/ruff format --check --quiet --output-format concise $(CODE) || { echo "Not formatted as agreed; type: make format"; exit 1; }
	@.venv/bin/ruff check --quiet --output-format concise $(CODE)
	@.venv/bin/mypy
	@.venv/bin/lint-imports --no-logo
	@$(PY) tools/walls.py
	@$(PY) tools/locks.py
	@$(PY) tools/translations.py check
	@$(PY) tools/old_browsers.py
	@$(CHECK_ENV) $(PY) -m flask --app wsgi check-content

format: ## put the code into the agreed format
	@./setup
	@.venv/bin/ruff check --quiet --fix-only $(CODE)
	@.venv/bin/ruff format $(CODE)

bench: ## ratios against yardsticks in the same run, about five minutes
	@./setup
	@$(PY) -m tools.bench

bench-large: ## rebuild and simulation of 1,000,000 people on PostgreSQL, with BENCH_DATABASE_URL
	@./setup
	@test -n "$$BENCH_DATABASE_URL" || { echo "Set BENCH_DATABASE_URL to a PostgreSQL server; it makes a database of its own there."; exit 1; }
	@BENCH_HISTORIES=$${BENCH_HISTORIES:-1000000} $(PY) -m tools.bench --only histories

lock: ## write requirements*.txt anew from requirements*.in
	@./setup
	@$(PY) tools/locks.py --write

clean: ## remove what commands made; data/ stays
	rm -rf .venv node_modules static/vendor translations/zh/LC_MESSAGES .check-data .bench-data .setup-lock test-results \
	  .pytest_cache .mypy_cache .ruff_cache .import_linter_cache .hypothesis
	find training_app tools tests migrations -name __pycache__ -type d -prune -exec rm -rf {} +
