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

# DATA=… on the command line of make is LMREPORT_DATA for the programs, and so on, each character as it stands.
$(foreach NAME,DATA MODEL SCALE SEED,$(if $(value $(NAME)),$(eval export LMREPORT_$(NAME) := $$(value $(NAME)))))

# Packages go into $(VENV), also where a pip.conf says user = true.
export PIP_USER := 0

.PHONY: report check submission test test-slow lint lock clean
.PHONY: bench-render bench-train
.DEFAULT_GOAL := report

report: $(STAMP)
	@$(BIN)/lmreport render $(if $(PROFILE),--profile $(PROFILE))

check: $(STAMP)
	@$(BIN)/lmreport check $(if $(PROFILE),--profile $(PROFILE))

submission: $(STAMP)
	@$(BIN)/lmreport submit $(if $(PROFILE),--profile $(PROFILE))

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
	@$(BIN)/python -W ignore -m lmreport.bench train predict $(if $(RECORD),--record)

bench-%: $(STAMP)
	@$(BIN)/python -W ignore -m lmreport.bench $* $(if $(RECORD),--record) $(SET:%=--set %)

lint: $(STAMP)
	@$(BIN)/ruff check code tests
	@$(BIN)/ruff format --check --quiet code tests
	@$(BIN)/mypy --no-error-summary

$(STAMP): pyproject.toml requirements.lock
	@$(PYTHON) -c "import sys; sys.exit(not (3, 11, 4) <= sys.version_info < (3, 14) and 'Python 3.11.4 to 3.13 is needed; set PYTHON=…')"
	@echo "environment: making $(VENV) with the packages of requirements.lock (a few minutes, once)"
	@test -x $(BIN)/python || $(PYTHON) -m venv $(VENV)
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
