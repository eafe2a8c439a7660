# Every target installs what it needs into .venv by itself and can be run again at any time.
# Needs Python >= 3.11 and make. Another interpreter: make test PYTHON=python3.12

PYTHON ?= python3
# Processes that share the fast tests.
WORKERS ?= 2

VENV := .venv
RUN := $(VENV)/bin/python
INSTALLED := $(VENV)/.installed

# Other people's libraries live apart: what they pull in stays out of the environment whose versions are pinned.
ENVS := .venv-envs
ENVS_RUN := $(ENVS)/bin/python
ENVS_INSTALLED := $(ENVS)/.installed

# Other runtimes for exported files, in which no trainer is.
CLIENTS := .venv-clients
CLIENTS_RUN := $(CLIENTS)/bin/python
CLIENTS_INSTALLED := $(CLIENTS)/.installed

# The documentation is built apart, without torch.
SITE := .venv-site
SITE_RUN := $(SITE)/bin/python
SITE_INSTALLED := $(SITE)/.installed

# What builds and checks the distribution.
DIST := .venv-dist
DIST_RUN := $(DIST)/bin/python
DIST_INSTALLED := $(DIST)/.installed

CHECK_PYTHON := $(PYTHON) -c 'import sys; sys.exit("rmix-kit needs Python 3.11 or newer; name one: make PYTHON=python3.12" if sys.version_info < (3, 11) else 0)'

# Small networks are fastest on one thread, and one thread gives the same numbers everywhere.
export OMP_NUM_THREADS ?= 1
export PIP_DISABLE_PIP_VERSION_CHECK ?= 1

.DEFAULT_GOAL := help
.PHONY: help install demo test test-browser test-faults test-learning test-ray test-envs test-clients mutants bench bench-others gpu docs site dist test-install

help:
	@echo "make demo           train RMIX on a cliff map, export it, run the exported agents"
	@echo "make test           lint, types and the fast tests"
	@echo "make test-browser   open films and reports in a headless Chromium and click through them"
	@echo "make test-faults    damaged and foreign files, faults while running: twelve thousand generated cases"
	@echo "make test-learning  the slow tests: that the algorithms learn"
	@echo "make test-ray       sweeps and workers on a two-node Ray cluster on this machine"
	@echo "make test-envs      with other people's libraries and environments, installed into $(ENVS)"
	@echo "make test-clients   exported agents by clients and runtimes beside ours: JavaScript, C++, OpenVINO, old and new onnxruntime"
	@echo "make test-install   the wheel with no extra and with each alone, in fresh environments: every command works or says what to install"
	@echo "make mutants        plant two hundred small faults in the core, one at a time; do the tests notice?"
	@echo "make bench          measure speed: the table of docs/performance.md, where it says how to add other people's code"
	@echo "make bench-others   everything else that is measured here; hours"
	@echo "make gpu            measure training on a GPU, nine minutes; without one, or with DRY=1, a dry run"
	@echo "make docs           write the generated pages under docs/"
	@echo "make site           build the documentation into site/ and walk it: no dead link, nothing from another host"
	@echo "make dist           build the wheel and the source distribution into dist/ and check them"

install: $(INSTALLED)

# torch goes first and alone: the rest is then resolved around the one version that was tested.
$(INSTALLED): pyproject.toml constraints.txt
	@$(CHECK_PYTHON)
	@test -x $(RUN) || $(PYTHON) -m venv $(VENV)
	$(RUN) -m pip install --quiet -c constraints.txt torch
	$(RUN) -m pip install --quiet -c constraints.txt -e '.[all,dev]'
	$(RUN) -m rmix_kit.cli.main envs check "smac:3m?backend=builtin" >/dev/null # compiles battles once, for all that follow
	@touch $@

demo: $(INSTALLED)
	$(RUN) -m rmix_kit.cli.demo --out demo

test: $(INSTALLED)
	$(RUN) -m ruff check .
	$(RUN) -m ruff format --check .
	$(RUN) -m mypy
	$(RUN) -m pytest -n $(WORKERS) --dist loadfile --no-loadscope-reorder

# Debian's Chromium and its driver, which fit each other; nothing is downloaded besides packages (npm's onnxruntime-web among them,
# or the folder that ORT_WEB names).
test-browser: $(INSTALLED)
	@command -v chromium >/dev/null && command -v chromedriver >/dev/null && command -v npm >/dev/null || \
		{ apt-get update -qq && apt-get install -y -qq --no-install-recommends chromium chromium-driver fonts-dejavu-core npm; } || \
		{ echo "test-browser needs chromium, chromedriver and npm; as root: apt-get install chromium chromium-driver npm" >&2; exit 1; }
	$(RUN) -m pip install --quiet -c constraints.txt -e '.[browser]'
	$(RUN) -m pytest -m browser tests/browser

# Confined to a temporary folder by the kernel; the counts are kept.
test-faults: $(INSTALLED)
	$(RUN) -m tests.faults --workers $(WORKERS) --out benchmarks/results/faults.csv

test-learning: $(INSTALLED)
	$(RUN) -m pytest -m slow -n $(WORKERS)

test-ray: $(INSTALLED)
	$(RUN) -m pip install --quiet -c constraints.txt -e '.[distributed]'
	$(RUN) -m pytest -m ray tests/sweeps tests/envs/smac/sc2

$(ENVS_INSTALLED): pyproject.toml constraints.txt
	@$(CHECK_PYTHON)
	@test -x $(ENVS_RUN) || $(PYTHON) -m venv $(ENVS)
	$(ENVS_RUN) -m pip install --quiet -c constraints.txt torch
	$(ENVS_RUN) -m pip install --quiet -c constraints.txt -e '.[test-envs]'
	@touch $@

test-envs: $(ENVS_INSTALLED)
	$(ENVS_RUN) -m pytest -m foreign tests/foreign

$(CLIENTS_INSTALLED): Makefile
	@$(CHECK_PYTHON)
	@test -x $(CLIENTS_RUN) || $(PYTHON) -m venv $(CLIENTS)
	$(CLIENTS_RUN) -m pip install --quiet 'openvino>=2026.4' 'numpy>=2.0'
	@touch $@

# Packages and runtimes of their own are installed apart; other programs are Debian's.
test-clients: $(INSTALLED) $(CLIENTS_INSTALLED)
	@{ command -v node && command -v npm && command -v g++ && command -v chromium && command -v chromedriver && command -v localedef && command -v mcs; } >/dev/null || \
		{ apt-get update -qq && apt-get install -y -qq --no-install-recommends nodejs npm g++ chromium chromium-driver locales mono-mcs; } || \
		{ echo "test-clients needs node, npm, g++, chromium, chromedriver, localedef and mcs; as root: apt-get install nodejs npm g++ chromium chromium-driver locales mono-mcs" >&2; exit 1; }
	$(RUN) -m pip install --quiet -c constraints.txt -e '.[browser]'
	$(RUN) -m tests.clients.tools
	CLIENTS_PYTHON=$(CLIENTS_RUN) $(RUN) -m pytest -m clients tests/clients

# Judges what the kept results do not know yet; AGAIN=--again judges the survivors once more.
mutants: $(INSTALLED)
	$(RUN) -m tests.mutants --workers $(WORKERS) --sample 200 --seed 0 --results benchmarks/results/mutants.csv $(AGAIN)

# The table of docs/performance.md. Other people's code is measured where a checkout and a Python for it are given.
bench: $(INSTALLED)
	$(RUN) benchmarks/speed.py
	$(RUN) benchmarks/update_phases.py
	$(if $(RELEASED),$(RUN) benchmarks/released_rmix.py --released $(RELEASED))
	$(if $(JAXMARL),$(RUN) benchmarks/long/jaxmarl_peer.py $(JAXMARL) --python $(JAXMARL_PYTHON))
	$(if $(EPYMARL),$(RUN) benchmarks/long/epymarl_speed.py $(EPYMARL) --python $(EPYMARL_PYTHON))

# Everything else that is measured here. A name with a leading underscore is a part of a benchmark, not one.
bench-others: $(INSTALLED)
	@set -e; for script in $(filter-out %/speed.py %/update_phases.py %/released_rmix.py %/gpu.py,$(wildcard benchmarks/[!_]*.py)); \
		do echo "== $$script"; $(RUN) $$script; done

# One command for the day that a card can be had; writes benchmarks/results/gpu.csv there.
gpu: $(INSTALLED)
	$(RUN) benchmarks/gpu.py $(if $(DRY),--dry)

docs: $(INSTALLED)
	$(RUN) docs/generate.py

$(SITE_INSTALLED): pyproject.toml constraints.txt
	@$(CHECK_PYTHON)
	@test -x $(SITE_RUN) || $(PYTHON) -m venv $(SITE)
	$(SITE_RUN) -m pip install --quiet -c constraints.txt -e '.[site]'
	@touch $@

# npm fetches onnxruntime-web for the page of live agents; ORT_WEB names an unpacked one instead.
site: $(SITE_INSTALLED)
	$(SITE_RUN) -m pytest -m site tests/site

$(DIST_INSTALLED): constraints.txt
	@$(CHECK_PYTHON)
	@test -x $(DIST_RUN) || $(PYTHON) -m venv $(DIST)
	$(DIST_RUN) -m pip install --quiet -c constraints.txt build twine
	@touch $@

dist: $(DIST_INSTALLED)
	rm -rf dist
	$(DIST_RUN) -m build --outdir dist
	$(DIST_RUN) -m twine check --strict dist/*

test-install: dist
	$(DIST_RUN) -m tests.install dist/*.whl
