# Two commands do all the set-up: `make demo` and `make test`.
PYTHON ?= python3
VENV := .venv
BIN := $(VENV)/bin
READY := $(VENV)/.ready

RESULTS := $(CURDIR)/.segtool-results

.PHONY: demo test lint fix bench results model clean

$(READY): pyproject.toml constraints.txt
	$(PYTHON) -m venv $(VENV)
	# torch alone first: its pinned version is a CPU build where the index has one
	$(BIN)/pip install --quiet torch -c constraints.txt
	$(BIN)/pip install --quiet -c constraints.txt -e '.[dev]'
	touch $(READY)

demo: $(READY)
	PATH="$(CURDIR)/$(BIN):$$PATH" bash examples/demo.sh

test: $(READY)
	# a thread each: more threads than cores wait for each other and take many times as long
	OMP_NUM_THREADS=1 $(BIN)/python -m pytest -n 2 --dist loadfile

lint: $(READY)
	$(BIN)/ruff check .
	$(BIN)/ruff format --check .
	$(BIN)/mypy

fix: $(READY)
	$(BIN)/ruff check --fix .
	$(BIN)/ruff format .

bench: export SEGTOOL_HOME ?= $(RESULTS)
bench: $(VENV)/.bench
	for question in store peers encode pipeline growth readers document training; do $(BIN)/python -m bench.$$question || exit 1; done
	$(BIN)/python -m bench.report

# the fine-tuned systems take hours; what was run is not run again, and what is stopped goes on
results: export SEGTOOL_HOME ?= $(RESULTS)
results: export PATH := $(CURDIR)/$(BIN):$(PATH)
results: $(READY)
	for experiment in experiments/*.toml; do segtool sweep $$experiment || [ $$? -le 2 ] || exit 1; done
	python -m bench.finetuned || echo "some systems are not fine-tuned: their rows say so"
	python -m bench.results_page

# a model for Japanese novels, from the novels in ../shared: for segtool segment --run japanese-novels
model: japanese-novels

japanese-novels: export SEGTOOL_HOME = $(CURDIR)/.segtool-model
japanese-novels: $(READY)
	rm -rf $(SEGTOOL_HOME)/runs $@
	$(BIN)/segtool sweep experiments/soseki-heads.toml --head mlp --window 4 --seed 0
	$(BIN)/segtool export mlp-w4-001 $@

$(VENV)/.bench: $(READY)
	$(BIN)/pip install --quiet -c constraints.txt -e '.[bench]'
	touch $@

clean:
	rm -rf $(VENV) build *.egg-info .mypy_cache .ruff_cache .pytest_cache .hypothesis
