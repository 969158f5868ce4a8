# What people and machines do with this project, one word each. `make help` lists them.
# PORT, ARGS, FUZZ_EXAMPLES and PYTHON can be given: `make run PORT=9000`, `make test ARGS="-k cursor -x"`.

FUZZ_EXAMPLES ?= 25
FUZZ_QUERIES ?= 1000000
IN = .venv/bin/python
# The driver of PostgreSQL is installed where the archive is there.
LOCK = $(if $(filter postgres%,$(DATELINE_DATABASE_URL)),postgres,run)

# Every start and every test that starts a process would compile the program anew without it.
export PYTHONDONTWRITEBYTECODE =

.PHONY: help run setup environment test test-all lint format fuzz torture bench docs
.DEFAULT_GOAL := help

help: ## list these commands
	@sed -n 's/^\([a-z-]*\):.*## /  make \1|/p' Makefile | column -t -s '|' 2>/dev/null || sed -n 's/^\([a-z-]*\):.*## /  make \1: /p' Makefile

run: setup ## the server on http://127.0.0.1:8000, with sample articles where the archive is empty
	@exec $(IN) -m app serve --seed seed_data $(if $(PORT),--port $(PORT))

setup: ## the environment of the server, in .venv
	@scripts/environment.sh $(LOCK)

environment:
	@scripts/environment.sh dev

test: environment ## the tests of everything on SQLite, in a minute or so
	@$(IN) -m pytest -n 2 --dist worksteal $(ARGS)

test-all: environment ## these, and what takes long to set up: PostgreSQL, processes, an installed wheel, plain uvicorn
	@$(IN) -m pytest -n 2 --dist worksteal -m "not torture" $(ARGS)

lint: environment ## style, types, names, generated pages
	@$(IN) -m ruff check .
	@$(IN) -m ruff format --check .
	@$(IN) -m mypy
	@$(IN) scripts/build_docs.py --check
	@$(IN) scripts/wrap_docs.py --check
	@$(IN) scripts/check_names.py

format: environment ## put the code into the one style
	@$(IN) -m ruff check --fix .
	@$(IN) -m ruff format .

docs: environment ## write the generated pages anew, and wrap long lines of the others
	@$(IN) scripts/build_docs.py
	@$(IN) scripts/wrap_docs.py

fuzz: environment ## many odd requests against the API (FUZZ_EXAMPLES of each kind)
	@FUZZ_EXAMPLES=$(FUZZ_EXAMPLES) FUZZ_QUERIES=$(FUZZ_QUERIES) \
		$(IN) -m pytest tests/system/test_schemathesis.py tests/search/test_search_fuzz.py $(ARGS)

torture: environment ## crashes, many writers, long runs; takes its time
	@$(IN) -m pytest -n 2 --dist worksteal -m torture $(ARGS)

bench: environment ## measurements, small; bench/*.py take sizes
	@for name in search search_latency http; do echo "bench.$$name"; $(IN) -m bench.$$name || exit 1; done
