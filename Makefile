# Two commands: `make repro` runs the pipeline, `make test` the tests. Each makes what it needs first.
PYTHON ?= python3
BIN := .venv/bin
STAMP := .venv/installed
DEV := .venv/installed-dev
CLUSTER := .venv/installed-cluster
BROWSER := .venv/installed-browser
SITE := .site/private
RIGHT_PYTHON = -c 'import sys; v = sys.version_info[:2]; sys.exit(None if (3, 11) <= v <= (3, 13) else \
  f"error: Python {v[0]}.{v[1]} received, expected 3.11 to 3.13; set it, e.g. `make repro PYTHON=python3.12`")'
INSTALL = $(BIN)/python -m pip install --quiet --use-pep517 --require-hashes --requirement
# Stages say `python`: it has to be the one of .venv, whether or not that is activated.
export PATH := $(CURDIR)/$(BIN):$(PATH)

.PHONY: help doctor repro page quick test docs fuzz check audit cluster deps clean

help:  ## list the targets
	@grep -E '^[a-z]+:.*##' Makefile | sed -E 's/^([a-z]+):.*## /  make \1\t/'

# Installs nothing, since it says whether that can be done.
doctor:  ## say whether this machine can do all of this, and what to change
	@$(PYTHON) $(RIGHT_PYTHON)
	@$(or $(wildcard $(BIN)/python),$(PYTHON)) -m pipeline.commands.doctor

repro: $(STAMP) $(SITE)  ## run the pipeline: data, training, scores, pictures (`dvc repro`)
	dvc repro

page: $(STAMP) $(SITE)  ## rebuild the page, and name its file
	dvc repro report
	@echo "open file://$(CURDIR)/reports/index.html"

quick: $(DEV) $(SITE)  ## run the tests without dvc, browser and training, in a minute
	pytest -m "not slow"

test: $(DEV) $(CLUSTER) $(SITE) $(BROWSER)  ## run the whole test suite
	pytest

docs: $(DEV) $(CLUSTER) $(SITE)  ## run every command of the documents: a quarter of an hour
	pytest tests/run_docs.py --dist=load

fuzz: $(DEV) $(SITE)  ## many hostile inputs: half an hour or more
	EVERY_FAULT=1 pytest -n 0 tests/faults/test_fuzz.py

check: $(DEV)  ## run the linters and the type checker
	ruff check pipeline tests benchmarks
	ruff format --check pipeline tests benchmarks
	mypy

audit: $(DEV)  ## look for known vulnerabilities in the pinned packages
	pip-audit --disable-pip --require-hashes --requirement requirements.txt --requirement requirements-cluster.txt

cluster: $(CLUSTER)  ## install what sweeps on a Ray cluster, SLURM or S3 need besides

deps: $(STAMP)  ## write into dvc.yaml which code each stage depends on
	python -m pipeline.commands.deps

clean:  ## remove what is installed here; data, models and reports stay
	rm -rf .venv

# pip compiles bytecode as it installs; without that each import of TensorFlow may cost 20 s.
$(STAMP): requirements.txt
	@$(PYTHON) $(RIGHT_PYTHON)
	@test -x $(BIN)/pip || $(PYTHON) -m venv .venv || \
	  { rm -rf .venv; echo "error: no venv module; on Debian: apt-get install python3-venv" >&2; exit 1; }
	$(INSTALL) requirements.txt
	$(BIN)/python -m pip install --quiet --no-deps --editable .
	@touch $@

# For the tests of the page: the system's browser, else Playwright's own, else Debian's.
$(BROWSER): $(DEV)
	@which chromium || which chromium-browser || which google-chrome || playwright install chromium >/dev/null 2>&1 || \
	  { apt-get update --quiet && apt-get install --quiet --yes --no-install-recommends chromium; }
	@touch $@

# DVC's databases: for this user alone, and the same ones from whichever folder dvc is run.
$(SITE): $(STAMP)
	@mkdir -p .site/repo && chmod 700 .site .site/repo
	dvc config --quiet --local core.site_cache_dir "$(CURDIR)/.site"
	@touch $@

$(DEV): $(STAMP) requirements-dev.txt
	$(INSTALL) requirements-dev.txt
	@touch $@

$(CLUSTER): $(STAMP) requirements-cluster.txt
	$(INSTALL) requirements-cluster.txt
	@touch $@
