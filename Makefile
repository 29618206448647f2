# Every target calls `setup`, which does nothing if .venv already matches the locks. pip installs uv, and uv all else, from
# where pip's own configuration says. uv itself comes from the lock too, by hash, and it holds the build backend of this
# project (uv_build), so that nothing unlocked is fetched. Libraries that only some services and servers need are extras.
# Tests and lint install them; once they are there, they stay until `make clean`.
PYTHON ?= python3
BENCH   = .venv/bin/bench
STAMP   = .venv/.setup-stamp
EXTRAS_STAMP = .venv/.extras-stamp
LOCKS   = requirements.lock requirements.extras.lock pyproject.toml
# Releases younger than this are left out of the lock: a bad one is usually withdrawn within days. An index that gives no
# dates of upload needs LOCK_AGE= (empty).
LOCK_AGE = 3 days

.PHONY: setup setup-all bench ui up down compare report test test-slow test-hostile test-release test-faults selfbench lint lock upgrade resolve clean help
.DEFAULT_GOAL := help
$(if $(filter-out all,$(EXTRAS)),$(error EXTRAS=$(EXTRAS) is not known; write EXTRAS=all, or leave it out))

help:  ## list the targets
	@sed -n 's/^\([a-z-]*\):.*## \(.*\)/  make \1\t\2/p' Makefile | expand -t 18

setup: $(if $(filter all,$(EXTRAS)),$(EXTRAS_STAMP),$(STAMP))  ## make .venv from the locks (all other targets call it; EXTRAS=all: with all libraries)
	@:

setup-all: $(EXTRAS_STAMP)
	@:

$(STAMP): $(LOCKS)
	$(call set_up,$(if $(wildcard $(EXTRAS_STAMP)),--extras))

$(EXTRAS_STAMP): $(LOCKS)
	$(call set_up,--extras)
	@touch $@

define set_up
@$(PYTHON) -c 'import sys; sys.exit(f"error: Python {sys.version.split()[0]} is too old: Python >= 3.11 is needed; name another with: make setup PYTHON=python3.12" if sys.version_info < (3, 11) else 0)'
@echo "setting up .venv (once; about a minute)"
@$(PYTHON) -m setup.packages .venv --project $(1)
@touch $(STAMP)
endef

# An option with a variable's value as one word of the shell, whatever is in it; nothing where the variable is empty.
# The shell still has to replace ~/ at the beginning, which <first> marks.
word   = $(subst <first>,,$(subst <first>'~/,~/',<first>'$(subst ','\'',$(value $(1)))'))
option = $(if $(value $(1)),$(2) $(word))

bench: setup  ## run a plan (PLAN= SERVICES= SCENARIOS= USERS= ROUNDS= MEASURE= SCALE= NAME= TARGET=)
	@$(BENCH) run $(call option,PLAN,--plan) $(call option,SERVICES,--services) $(call option,SCENARIOS,--scenarios) \
	  $(call option,USERS,--users) $(call option,ROUNDS,--rounds) $(call option,MEASURE,--measure) \
	  $(call option,SCALE,--scale) $(call option,NAME,--name) $(call option,TARGET,--target)

ui: setup  ## database, services and Locust's web UI on 127.0.0.1:8089, until Ctrl-C (SCENARIO=)
	@$(BENCH) ui $(call option,SCENARIO,--scenario) $(call option,SERVICES,--services)

up: setup  ## database and services, until Ctrl-C
	@$(BENCH) up $(call option,SERVICES,--services)

down: setup  ## stop the database that `bench db start` left running
	@$(BENCH) db stop

compare: setup  ## what changed between two runs (OLD= NEW=; by default the last two of the same plan)
	@$(BENCH) compare $(call option,OLD) $(call option,NEW)

report: setup  ## write a run's page again from its files (RUN=; by default the newest)
	@$(BENCH) report $(call option,RUN)

QUICK = "not slow and not release and not faults and not hostile"
# These tests have the services' ports, or measure times. They run one after the other, and all others on all CPUs.
ALONE = tests/unit/db tests/unit/locustfiles tests/unit/measure tests/unit/selfbench tests/integration tests/browser

test: setup-all  ## the tests, against a real PostgreSQL, without the slow ones
	@.venv/bin/pytest -m $(QUICK) -n auto --dist loadfile tests $(addprefix --ignore=,$(ALONE))
	@.venv/bin/pytest -m $(QUICK) $(ALONE)

SLOW = "slow and not release and not faults"
# A test for each operation: each process of pytest has services and ports of its own.
SIDE_BY_SIDE = tests/contract/test_generated_requests.py

test-slow: setup-all  ## the slow tests: whole runs that are disturbed, counted or killed
	@.venv/bin/pytest -m $(SLOW) -n auto $(SIDE_BY_SIDE)
	@.venv/bin/pytest -m $(SLOW) $(addprefix --ignore=,$(SIDE_BY_SIDE))

test-hostile: setup-all  ## services that are made to get a wrong number published: each is measured right, or not believed
	@.venv/bin/pytest -m hostile

test-faults: setup-all  ## the tests of docs/reliability.md that need whole runs (INTERRUPTIONS=20: how many runs are stopped)
	@.venv/bin/pytest -m faults

test-release: setup-all  ## tests that are too long for CI: resumed runs, load from several machines, targets that fail
	@.venv/bin/pytest -m release

selfbench: setup-all  ## measure the suite's own performance (PARTS=; all take forty minutes; needs wrk)
	@.venv/bin/python -m bench.selfbench $(PARTS)

lint: setup-all  ## ruff, mypy --strict, and which package may import which (import-linter)
	@.venv/bin/ruff check .
	@.venv/bin/ruff format --check .
	@.venv/bin/mypy
	@.venv/bin/lint-imports --no-cache

lock: setup  ## bring both locks up to date with pyproject.toml; what is locked keeps its version
	@$(MAKE) --no-print-directory resolve

upgrade: setup  ## resolve both locks again, with the newest versions that are old enough
	@$(MAKE) --no-print-directory resolve UPGRADE=--upgrade

resolve:
	@.venv/bin/python -m setup.lock $(UPGRADE) $(if $(LOCK_AGE),--exclude-newer "$(LOCK_AGE)")

clean:  ## remove .venv, caches and the private database (results/ stays)
	@if [ -x $(BENCH) ]; then $(BENCH) db reset --yes; fi
	@rm -rf .venv .mypy_cache .pytest_cache .ruff_cache .hypothesis
	@find . -name __pycache__ -type d -prune -exec rm -rf {} +
