# Every task of this project. `make help` lists them; CONTRIBUTING.md explains them.

SHELL := /bin/sh
.DEFAULT_GOAL := help
.DELETE_ON_ERROR:

UV_VERSION := 0.13.9
UV_HOME := .cache/uv-$(UV_VERSION)
UV := $(UV_HOME)/bin/uv
PYTHON := .venv/bin/python
PYTEST := $(PYTHON) -m pytest
PACK_ENV := .cache/pack-env
DOCS_ENV := .cache/docs-env
DOCS_SITE := .cache/docs-site
LAB_CHARM := $(CURDIR)/.cache/lxd-cluster_lab.charm

# Compiled modules are kept: without them each `lab/juju` and each test process compiles everything again.
unexport PYTHONDONTWRITEBYTECODE

# These files mark an environment that is complete and matches uv.lock.
VENV_READY := .venv/.ready
PACK_ENV_READY := $(PACK_ENV)/.ready
DOCS_ENV_READY := $(DOCS_ENV)/.ready

# The juju command and the charm file of the integration tests: by default the lab's.
JUJU ?= $(CURDIR)/lab/juju
CHARM ?= $(LAB_CHARM)

# The lab's folder: its state, and its machines' disks.
LXD_CLUSTER_LAB ?= /var/lib/lxd-cluster-lab
export LXD_CLUSTER_LAB

# The version of Juju that the lab follows: 4.0 or 3.6.
JUJU_RULES ?= $(or $(LXD_CLUSTER_LAB_JUJU),4.0)
export LXD_CLUSTER_LAB_JUJU := $(JUJU_RULES)

# The LXD that the lab packs for its machines: a folder with bin/lxd, bin/lxc and lib. By default Debian's.
LXD ?=
ifneq ($(LXD),)
export LXD_CLUSTER_LAB_LXD := $(abspath $(LXD))
endif

TEST_STAGES := lint unit simulation project bench-share machines integration integration-older

.PHONY: help
help: ## List what make can do here
	@awk -F ':.*## ' '/^[a-z-]+:.*## / { printf "  make %-14s %s\n", $$1, $$2 }' $(MAKEFILE_LIST)

.PHONY: demo
demo: setup lab-charm ## Turn three machines of the lab into one LXD cluster, and show it
	@$(PYTHON) -m pack.demo

.PHONY: demo-picture
demo-picture: setup lab-charm ## Record the output of make demo as docs/demo.svg, the picture in the README; remove the demo
	@$(PYTHON) -m pack.demo | tee .cache/demo.txt
	@sed -n '/the cluster is whole/,/^What to type/{/^What to type/!p}' .cache/demo.txt >.cache/demo-end.txt
	@$(PYTHON) -m pack.terminal_picture "make demo" .cache/demo-end.txt docs/demo.svg
	@$(MAKE) --no-print-directory demo-down

.PHONY: demo-down
demo-down: $(VENV_READY) ## Remove everything that the demo or a crashed lab left behind
	@lab/juju lab down || echo "The lab's controller does not answer: removing its machines without it"
	@$(PYTHON) -m lab.machines clean --home "$(LXD_CLUSTER_LAB)"
	@$(PYTHON) -m lab.bench clean
	@rm -rf --one-file-system "$(LXD_CLUSTER_LAB)"

.PHONY: setup
setup: debian-packages $(VENV_READY) $(PACK_ENV_READY) ## Install what the other targets need: Debian packages (it says which), uv, Python packages

.PHONY: debian-packages
debian-packages:
	@lab=$$(PYTHONPATH=lab/src /usr/bin/python3 -B -c "from lab.machines import host; print(*host.missing_packages())") && \
	    pack/debian-packages python3-apt python3-dev python3-venv $$lab

.PHONY: test
test: setup lab-free ## Run every check and test, and show the seconds of each stage
	@.ci/stages $(TEST_STAGES)

.PHONY: format
format: $(VENV_READY) ## Format the code, fix what the linter can fix, and write the files that follow from options, actions and statuses
	@$(PYTHON) -m pack.actions_yaml
	@$(PYTHON) -m pack.reference
	@$(PYTHON) -m pack.statuses
	@$(PYTHON) -m pack.owner
	@$(PYTHON) -m pack.notices
	@.venv/bin/ruff check --quiet --fix-only .
	@.venv/bin/ruff format --quiet .

.PHONY: lint
lint: $(VENV_READY) ## Check style, spelling, plain English, the direction of imports, and types
	@.venv/bin/ruff format --quiet --diff .
	@.venv/bin/ruff check --quiet .
	@.venv/bin/ruff check --quiet --preview --select CPY001 .
	@.venv/bin/codespell
	@$(PYTHON) -m pack.prose
	@PYTHONPATH=src:lib:lab/src .venv/bin/lint-imports --no-cache
	@.venv/bin/pyright --warnings

.PHONY: unit
unit: $(VENV_READY) ## Run the tests that need no machine: of the charm, and of both models
	@$(PYTEST) -q -n 2 -m "not machines" tests/unit tests/interface tests/lxd_model lab/tests $(ARGS)

# Lines of the client of LXD that the unit tests reach, in percent. Only raise it.
LXD_COVERAGE := 90
.PHONY: coverage
coverage: $(VENV_READY) ## Show which lines the unit tests reach, and check the minimum for src/lxd
	@$(PYTHON) -m coverage run --data-file=.cache/coverage -m pytest -q -m "not machines" tests/unit tests/interface $(ARGS)
	@$(PYTHON) -m coverage report --data-file=.cache/coverage
	@$(PYTHON) -m coverage report --data-file=.cache/coverage --include="src/lxd/*" --fail-under=$(LXD_COVERAGE)

.PHONY: simulation
simulation: $(VENV_READY) ## Simulate 1,000 clusters with faults, and check that the simulation notices mistakes
	@$(PYTEST) -q -n 2 tests/simulation $(ARGS)

# For the longer run: the number of seeds and the first one, or the seed to replay step by step.
SEEDS ?= 100000
FIRST ?= 0
.PHONY: simulate
simulate: $(VENV_READY) ## Simulate SEEDS=100000 clusters, or replay SEED=n step by step
	@$(PYTHON) -m tests.simulation $(if $(SEED),--seed $(SEED),--seeds $(SEEDS) --first $(FIRST)) $(ARGS)

.PHONY: mutants
mutants: $(VENV_READY) ## Break the charm's protocol on purpose: the simulation must notice each mistake
	@$(PYTHON) -m tests.simulation.mutants $(ARGS)

# For the fuzzer: its duration and its seed; the default seed is the time.
MINUTES ?= 10
.PHONY: fuzz
fuzz: $(VENV_READY) ## Feed the charm wrong options, databags, tokens, answers and parameters: SEED=n
	@PYTHONPATH=src:lib:. $(PYTHON) -m tests.fuzz --minutes $(MINUTES) $(if $(SEED),--seed $(SEED)) $(ARGS)

# For upgrades: folders of later LXDs, in the order of the upgrades.
NEXT ?=
export LXD_CLUSTER_BENCH_NEXT := $(abspath $(NEXT))

.PHONY: bench
bench: setup ## Run the charm's code on real LXD daemons in namespaces: LXD=folder NEXT="folder ..."
	@$(PYTEST) -v tests/bench $(ARGS)

.PHONY: bench-share
bench-share: setup ## Run the part of the bench that make test runs
	@$(PYTEST) -q -m "not long" tests/bench $(ARGS)

.PHONY: record
record: setup ## Record the answers of real LXD daemons: LXD=folder NEXT=folder
	@$(PYTHON) -m tests.bench.record $(ARGS)

.PHONY: conformance
conformance: setup lab-charm lab-free ## Compare the simulation's model of LXD with the real one
	@$(PYTHON) -m tests.conformance $(ARGS)

.PHONY: chaos
chaos: setup lab-charm lab-free ## Break real LXD in the lab in every known way
	@$(PYTHON) -m tests.chaos $(ARGS)

.PHONY: project
project: $(PACK_ENV_READY) ## Check the project's own files with charmcraft's models and linters
	@$(PACK_ENV)/bin/python -m pytest -q -o pythonpath=. -o filterwarnings=default tests/project $(ARGS)

.PHONY: docs
docs: $(DOCS_ENV_READY) ## Build the documentation as a site; warnings are errors
	@$(DOCS_ENV)/bin/python -m sphinx --quiet --fail-on-warning --keep-going -b html docs $(DOCS_SITE)
	@echo "Built $(DOCS_SITE)/index.html"

.PHONY: docs-links
docs-links: $(DOCS_ENV_READY) ## Check the documentation's links to other sites
	@$(DOCS_ENV)/bin/python -m sphinx --quiet --keep-going -b linkcheck docs $(DOCS_SITE)-links

.PHONY: machines
machines: setup lab-charm lab-free ## Run the tests that boot machines: the lab's own, and shares of others
	@$(PYTEST) -q -m machines lab/tests tests/machines tests/conformance tests/chaos $(ARGS)

# Tests of a cluster wait most of the time, so two modules run at the same time. The tests of
# `machines` use machine numbers that others claim, so they run one after the other.
SIDE_BY_SIDE := -n 2 --dist loadfile

.PHONY: integration
integration: $(if $(filter $(LAB_CHARM),$(CHARM)),setup lab-charm lab-free,$(VENV_READY)) ## Run the integration tests on the lab, or a controller: JUJU_RULES=3.6, or JUJU=juju CHARM=file
	@JUJU="$(JUJU)" CHARM="$(CHARM)" $(PYTEST) -v $(SIDE_BY_SIDE) tests/integration $(ARGS)

.PHONY: integration-older
integration-older: setup lab-charm lab-free ## Run the integration tests that differ, by the rules of Juju 3.6
	@LXD_CLUSTER_LAB_JUJU=3.6 JUJU="$(JUJU)" CHARM="$(CHARM)" $(PYTEST) -v $(SIDE_BY_SIDE) -m rules tests/integration $(ARGS)

.PHONY: services
services: $(if $(filter $(LAB_CHARM),$(CHARM)),setup lab-charm lab-free,$(VENV_READY)) ## Test clusters with a real Ceph and a real OVN: about 8 minutes
	@JUJU="$(JUJU)" CHARM="$(CHARM)" $(PYTEST) -v tests/services $(ARGS)

.PHONY: acceptance-vm
acceptance-vm: setup vm-packages lab-charm lab-free ## Test zfs, lvm, VLANs, rbd and cephfs on emulated virtual machines: 45 minutes
	@JUJU="$(JUJU)" CHARM="$(CHARM)" $(PYTEST) -v tests/acceptance $(ARGS)

# Only virtual machines need QEMU, so the other targets do not install it.
.PHONY: vm-packages
vm-packages: ## Install QEMU, which the lab's virtual machines need
	@vm=$$(PYTHONPATH=lab/src /usr/bin/python3 -B -c "from lab.machines import host; print(*host.missing_vm_packages())") && \
	    pack/debian-packages $$vm

.PHONY: benchmark
benchmark: setup lab-charm lab-free ## Measure how a cluster forms, compared with a bare script, and a hook with nothing to do
	@$(PYTHON) -m tests.benchmarks.forming $(ARGS)
	@$(PYTHON) -m tests.benchmarks.idle_hook

.PHONY: smoke
smoke: $(UV) ## Deploy once through python-libjuju on a Juju 3.6 controller: CHARM=file
	@CHARM="$(CHARM)" UV_PROJECT_ENVIRONMENT=.cache/smoke-env $(UV) run --frozen --only-group smoke \
	    python -m pytest -v -o filterwarnings=default tests/smoke $(ARGS)

.PHONY: pack
pack: setup lab-charm ## Pack the charm for the lab, and for users where charmcraft is installed
	@pack/for-users .cache/pack-users

.PHONY: clean
clean: ## Remove the lab, its machines and all generated files
	@if [ -e $(VENV_READY) ]; then $(MAKE) --no-print-directory demo-down; fi
	rm -rf .venv .cache .pytest_cache .ruff_cache .hypothesis lab/.pytest_cache lab/.hypothesis

# The tests need the whole computer: with a demo beside them they would miss their deadlines.
.PHONY: lab-free
lab-free: $(VENV_READY)
	@$(PYTHON) -m lab.machines free

.PHONY: lab-charm
lab-charm: $(VENV_READY) $(PACK_ENV_READY)
	@$(PYTHON) -m pack.lab_charm --charmcraft $(PACK_ENV)/bin/charmcraft --uv $(UV) $(LAB_CHARM)

$(UV):
	@pack/debian-packages python3-venv
	@echo "Installing uv $(UV_VERSION) into $(UV_HOME)"
	@/usr/bin/python3 -m venv $(UV_HOME)
	@$(UV_HOME)/bin/pip install --quiet --disable-pip-version-check uv==$(UV_VERSION)

# The system's own Python: the lab's machines run the charm with the same one.
$(VENV_READY): $(UV) pyproject.toml lab/pyproject.toml uv.lock
	@echo "Installing Python packages into .venv"
	@$(UV) sync --quiet --frozen --python /usr/bin/python3
	@touch $@

# A separate environment: Sphinx brings many packages that nothing else needs.
$(DOCS_ENV_READY): $(UV) pyproject.toml uv.lock
	@echo "Installing Sphinx into $(DOCS_ENV)"
	@UV_PROJECT_ENVIRONMENT=$(DOCS_ENV) \
	    $(UV) sync --quiet --frozen --only-group docs --python /usr/bin/python3
	@touch $@

# A separate environment: charmcraft brings many packages that nothing else needs. It also needs
# Debian's python3-apt, which is compiled for the system's Python and is not on PyPI.
$(PACK_ENV_READY): $(UV) pyproject.toml uv.lock
	@pack/debian-packages python3-apt python3-dev
	@echo "Installing charmcraft into $(PACK_ENV)"
	@UV_PROJECT_ENVIRONMENT=$(PACK_ENV) \
	    $(UV) sync --quiet --frozen --only-group pack --python /usr/bin/python3
	@ln -sfn /usr/lib/python3/dist-packages/apt /usr/lib/python3/dist-packages/apt_*.so \
	    $(PACK_ENV)/lib/python3.*/site-packages/
	@touch $@
