# `make help` says what there is.

PYTHON ?= python3
PORT ?= 8000
SIMULATE ?= 1
RUN := .venv/bin/

# The demo stands on its own: whatever the shell or .env say, it uses its own database and no Redis.
DEMO_ENV := DEMO=1 DEBUG=0 BEHIND_TLS=0 REDIS_URL= BACKGROUND_IN_WEB=1 SECRET_KEY= ALLOWED_HOSTS=

# What an installation in production says, for the deployment check; nothing connects to these.
PRODUCTION_ENV := DEMO=0 DEBUG=0 BEHIND_TLS=1 ALLOWED_HOSTS=console.example.org \
	CSRF_TRUSTED_ORIGINS=https://console.example.org REDIS_URL=redis://localhost:6379/0 \
	DATABASE_URL=postgresql://console@localhost/console

.PHONY: help demo test test-fast faults check fmt lock audit runtime dev
.DEFAULT_GOAL := help

help: ## Say what there is
	@awk -F ':.*## ' '/^[a-z-]+:.*## / { printf "make %-10s %s\n", $$1, $$2 }' $(MAKEFILE_LIST)

demo: runtime ## Start the demo contact centre on 127.0.0.1:8000 (PORT=8123 moves it, RESET=1 starts it over, SIMULATE=0 keeps it still)
	@mkdir -p var
	@if [ -n "$(filter-out 0,$(RESET))" ]; then rm -f var/demo.sqlite3 var/demo.sqlite3-wal var/demo.sqlite3-shm; fi
	@# A new demo is loaded beside its place and moved there when it is whole: a load that is stopped leaves no half demo.
	@if [ ! -e var/demo.sqlite3 ]; then \
		echo "Loading the demo contact centre …"; \
		rm -f var/demo-new.sqlite3*; \
		export $(DEMO_ENV) DATABASE_URL=sqlite:///var/demo-new.sqlite3; \
		$(RUN)python manage.py migrate --verbosity 0 && \
		$(RUN)python manage.py load_demo > var/load_demo.log && \
		mv var/demo-new.sqlite3 var/demo.sqlite3; \
	fi
	@export $(DEMO_ENV) DATABASE_URL=sqlite:///var/demo.sqlite3; \
		$(RUN)python manage.py migrate --verbosity 0 && \
		$(RUN)python manage.py load_demo && \
		exec $(RUN)python manage.py serve --port $(PORT) --simulate $(or $(SIMULATE),0)

test: dev ## Run the whole suite: on SQLite, on PostgreSQL, with Redis, in a browser
	@$(RUN)python -m tests.run

test-fast: dev ## Run what needs no server, no browser and no patience
	@$(RUN)python -m tests.run quick

faults: dev ## Kill, restart, stop and fill what the console stands on, under load, and let it run for MINUTES=30 (40 minutes)
	@$(RUN)python -m tests.faults.storm
	@FAULTS=1 $(RUN)python -m pytest -q -m "not browser and not redis" tests/faults
	@$(RUN)python -m benchmarks.soak --minutes $(or $(MINUTES),30)

check: dev ## Check format, lint, types, import contracts, migrations and the deployment settings
	$(RUN)ruff format --check .
	$(RUN)ruff check .
	$(RUN)mypy
	$(RUN)lint-imports
	@echo "makemigrations --check"
	@DEMO=1 DATABASE_URL=sqlite://:memory: $(RUN)python manage.py makemigrations --check --dry-run
	@echo "check --deploy"
	@$(PRODUCTION_ENV) SECRET_KEY=$$($(RUN)python -c 'import secrets; print(secrets.token_urlsafe(50))') \
		$(RUN)python manage.py check --deploy --fail-level WARNING

fmt: dev ## Format the code and mend what can be mended by machine
	$(RUN)ruff format .
	$(RUN)ruff check --fix .

lock: dev ## Lock the requirements again (asks the package index)
	$(RUN)python -m tools.lock

audit: dev ## Ask the index's advisory service about every locked package; fails where it could not look
	$(RUN)python -m tools.audit

bench: dev ## Measure report, actions, push and distribution; the figures go to benchmarks/results/ (about an hour)
	$(RUN)python -m benchmarks.report
	$(RUN)python -m benchmarks.actions
	$(RUN)python -m benchmarks.profiles $(if $(BEFORE),--before $(BEFORE))
	$(RUN)python -m benchmarks.push --series
	$(RUN)python -m benchmarks.distribution

runtime:
	@$(PYTHON) tools/environment.py runtime

dev:
	@$(PYTHON) tools/environment.py dev
