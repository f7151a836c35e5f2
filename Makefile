# One target per chore; the same here and in CI. `make` alone lists them.
PYTHON ?= python3
VENV := .venv
RUN := $(VENV)/bin
READY := $(VENV)/.ready
PEERS := .venv-peers/.ready
# Processes that `make long` kills.
KILLS ?= 2000

# Compiled code is kept, and beside no source: a process of the tests starts in half the time.
export PYTHONPYCACHEPREFIX := $(CURDIR)/.cache/pyc
unexport PYTHONDONTWRITEBYTECODE

NODE := .cache/editors/node24/bin
NODE_MODULES := client-vscode/node_modules/.package-lock.json

.PHONY: help demo test test-editors test-llm package-vscode long lint format bench pictures lock clean

help:
	@grep -E '^[a-z-]+:.*## ' $(MAKEFILE_LIST) | sed -E 's/:.*## /\t/' | expand -t 16

# Everything that is needed, at the versions and hashes of the lock file.
$(READY): pyproject.toml requirements.lock
	@$(PYTHON) -c 'import sys; sys.exit(sys.version_info < (3, 11))' || \
	  { echo "Longshift needs Python 3.11 or newer. Name one: make PYTHON=python3.12 …"; exit 1; }
	@command -v git >/dev/null || { echo "Longshift needs git; install it first."; exit 1; }
	$(PYTHON) -m venv $(VENV)
	$(RUN)/python -m pip install --quiet --disable-pip-version-check --require-hashes -r requirements.lock
	$(RUN)/python -m pip install --quiet --disable-pip-version-check --no-build-isolation --no-deps -e .
	@touch $@

demo: $(READY) ## run a goal on a real library with the built-in model
	@$(RUN)/python docs/demo.py

test: $(READY) ## the whole test suite, without real editors
	$(RUN)/python -m pytest -n 4 --dist worksteal

test-llm: $(READY) ## the protocol with a real model (OPENAI_BASE_URL, LONGSHIFT_TEST_LLM_MODEL)
	@test -n "$$OPENAI_BASE_URL" -a -n "$$LONGSHIFT_TEST_LLM_MODEL" || \
	  { echo "Name a server: OPENAI_BASE_URL=… LONGSHIFT_TEST_LLM_MODEL=… make test-llm"; exit 1; }
	LONGSHIFT_TEST_LLM=1 $(RUN)/python -m pytest -q -p no:randomly tests/llm

long: $(READY) ## what takes long: many more examples of every property test, 2,000 kills, ten minutes of landings, an hour of runs
	LONGSHIFT_TEST_PROFILE=long $(RUN)/python -m pytest -n 2 --timeout 3600
	$(RUN)/python -m tests.support.crash_shift --kills $(KILLS)
	$(RUN)/python -m benchmarks review --long
	$(RUN)/python -m benchmarks soak

test-editors: $(READY) $(NODE_MODULES) ## the same journeys in real editors; fetches them first (1 GB)
	bash tests/editors/install.sh
	LONGSHIFT_TEST_EDITORS=1 $(RUN)/python -m pytest -q -p no:randomly tests/editors

package-vscode: $(READY) $(NODE_MODULES) ## the VS Code extension, with the server's wheel in it
	$(RUN)/python -m pip wheel --quiet --no-deps --no-build-isolation -w .cache/wheel .
	cd client-vscode && PATH="$(CURDIR)/$(NODE):$$PATH" node package.mjs --server ../.cache/wheel/longshift-*.whl

lint: $(READY) $(NODE_MODULES) ## style, types, floors, and where prompts live
	$(RUN)/ruff check
	$(RUN)/ruff format --check
	$(RUN)/mypy
	$(RUN)/python -m pytest -q -p no:randomly tests/test_architecture.py tests/test_prompts.py
	cd client-vscode && PATH="$(CURDIR)/$(NODE):$$PATH" npm run --silent lint

# What the extension is built and looked at with, at the versions of its lock file.
$(NODE_MODULES): client-vscode/package-lock.json
	bash tests/editors/install.sh node
	cd client-vscode && PATH="$(CURDIR)/$(NODE):$$PATH" npm_config_cache="$(CURDIR)/.cache/npm" \
	  npm ci --ignore-scripts --no-audit --no-fund --loglevel=error
	@touch $@

format: $(READY) ## put the code into its form
	$(RUN)/ruff check --fix
	$(RUN)/ruff format

# Other frameworks, to be measured against, in an environment of their own.
$(PEERS): benchmarks/agents/peers.lock
	$(PYTHON) -m venv .venv-peers
	.venv-peers/bin/python -m pip install --quiet --disable-pip-version-check --require-hashes -r benchmarks/agents/peers.lock
	@touch $@

bench: $(READY) $(PEERS) $(NODE_MODULES) ## measure every figure and write docs/benchmarks.md
	bash tests/editors/install.sh
	$(RUN)/python -m benchmarks all --write docs/benchmarks.md

pictures: $(READY) ## draw the README's pictures from real runs
	$(RUN)/python docs/pictures/make.py

lock: $(READY) ## pin the newest versions that pyproject.toml allows
	$(RUN)/python -m pip install --quiet uv
	$(RUN)/uv pip compile --quiet --universal --python-version 3.11 --group dev pyproject.toml \
	  --generate-hashes --no-emit-index-url --no-emit-find-links --no-annotate --no-header \
	  --upgrade -o requirements.lock
	$(RUN)/uv pip compile --quiet --universal --python-version 3.11 --group peers \
	  --generate-hashes --no-emit-index-url --no-emit-find-links --no-annotate --no-header \
	  --upgrade -o benchmarks/agents/peers.lock

clean: ## remove what make made
	rm -rf $(VENV) .venv-peers demo .cache .mypy_cache .ruff_cache .pytest_cache .hypothesis \
	  client-vscode/node_modules client-vscode/dist client-vscode/dist-test
