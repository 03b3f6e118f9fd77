# make report [DATA=…] [MODEL=…] [SCALE=quick|full|auto] [SEED=…] [PROFILE=…]   the whole report
# make check [PROFILE=…]                                                        whether it can be handed in, and why not
# make submission                                                               _report/submission.zip, to hand in
# make test                                                                      the tests
# make test-slow, make bench-render                                              slow checks, speed of the renderer
# make lock                                                   requirements.lock anew from pyproject.toml (needs uv)
# make bench-train, bench-scale, bench-accuracy [RECORD=1]     speed of training and prediction, many rows, accuracy
# make bench-bf16 [RECORD=1]                                   speed on a processor that computes in bf16
# make bench-recipes, bench-seeds [RECORD=1]                   recipes on all texts (GPU), then new seeds of the best
# make bench-encoder [RECORD=1] [SET="max_length=512 …"]        a larger encoder, and its stack (hours without a GPU)

VENV    := .venv
PYTHON  ?= python3
UV      ?= uv
BIN     := $(VENV)/bin
STAMP   := $(VENV)/.installed
AXE     := axe-core@4.14.1# finds what bars readers from a page; for the tests alone

# What stands on the command line of make alone: other work sets DATA and SEED in the environment, too.
GIVEN  = $(if $(filter command,$(origin $(1))),$(value $(1)))
QUOTED = '$(subst ','\'',$(1))'

# DATA=… is LMREPORT_DATA for the programs, and so on, each character as it stands.
$(foreach NAME,DATA MODEL SCALE SEED,$(if $(call GIVEN,$(NAME)),$(eval export LMREPORT_$(NAME) := $$(call GIVEN,$(NAME)))))
PROFILED = $(if $(call GIVEN,PROFILE),--profile $(call QUOTED,$(call GIVEN,PROFILE)))
RECORDED = $(if $(call GIVEN,RECORD),--record)
SIZES    = $(foreach SIZE,$(call GIVEN,SET),--set $(call QUOTED,$(SIZE)))

# Scripts of an environment hold its path: in a copied or renamed folder they run the code of another, or none.
# One of conda has no bin/activate.
WHOLE := $(shell { { test ! -e $(BIN)/activate || { . $(BIN)/activate && test "$$VIRTUAL_ENV" -ef $(VENV); }; } \
	&& $(BIN)/python -I -c "import pip" && echo true; } 2>/dev/null)

# Packages go into $(VENV), also where a pip.conf says user = true.
export PIP_USER := 0

.PHONY: report check submission test test-slow lint lock clean
.PHONY: bench-render bench-train
ifndef WHOLE
.PHONY: $(STAMP)
endif
.DEFAULT_GOAL := report

report: $(STAMP)
	@$(BIN)/lmreport render $(PROFILED)

check: $(STAMP)
	@$(BIN)/lmreport check $(PROFILED)

submission: $(STAMP)
	@$(BIN)/lmreport submit $(PROFILED)

test: $(STAMP)
	@$(BIN)/ruff check code tests
	@$(BIN)/ruff format --check --quiet code tests
	@$(BIN)/mypy --no-error-summary
	@$(BIN)/python -m pytest --numprocesses auto --maxprocesses 4 --dist loadfile

test-slow: $(STAMP)
	@$(BIN)/python -m pytest -m slow

bench-render: $(STAMP)
	@$(BIN)/python -m lmreport.render.timing

bench-train: $(STAMP)
	@$(BIN)/python -W ignore -m lmreport.bench train predict $(RECORDED)

bench-%: $(STAMP)
	@$(BIN)/python -W ignore -m lmreport.bench $* $(RECORDED) $(SIZES)

lint: $(STAMP)
	@$(BIN)/ruff check code tests
	@$(BIN)/ruff format --check --quiet code tests
	@$(BIN)/mypy --no-error-summary

$(STAMP): pyproject.toml requirements.lock
	@$(PYTHON) -c "import sys; sys.exit(not (3, 11, 4) <= sys.version_info < (3, 14) and 'Python 3.11.4 to 3.13 is needed; set PYTHON=…')"
	@echo "environment: making $(VENV) with the packages of requirements.lock (a few minutes, once)"
ifndef WHOLE
	@test ! -e $(VENV) || echo "environment: the $(VENV) at hand was made in another folder, or has no Python with pip; it is replaced"
	@$(PYTHON) -m venv --clear $(VENV)
endif
	@$(BIN)/python -m pip install --quiet --disable-pip-version-check -r requirements.lock
	@$(BIN)/python -m pip install --quiet --disable-pip-version-check --no-deps -e .
	@npm install --silent --no-audit --no-fund --no-save --prefix $(VENV) $(AXE) \
		|| echo 'environment: npm could not install $(AXE), so the tests of accessibility will be skipped'
	@touch $(STAMP)

# Versions that are there already stay; --upgrade or --upgrade-package NAME in UVFLAGS moves them.
lock:
	@$(UV) pip compile pyproject.toml --quiet -o requirements.lock $(UVFLAGS)

clean:
	rm -rf _report
