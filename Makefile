# Thin: each target is a command that can be typed by hand. `test` runs the quick tests, `test-all` the others.
PYTHON ?= python3
BIN := .venv/bin
# of `test-all`: `exhaustive` tries every example of property tests, and kills more
PROFILE ?= thorough
INSTALLED := .venv/.installed

.PHONY: setup demo test test-all test-slow check bench

setup: $(INSTALLED)

# torch first and alone: with it in place, nothing else asks for another build of it
$(INSTALLED): setup.cfg pyproject.toml constraints.txt
	test -x $(BIN)/python || $(PYTHON) -m venv .venv
	$(BIN)/python -m pip install --quiet --disable-pip-version-check -c constraints.txt torch
	$(BIN)/python -m pip install --quiet --disable-pip-version-check -c constraints.txt -e '.[test]'
	$(BIN)/python -m compileall -q ablate  # so that the first start is as quick as the next
	touch $@

demo: setup
	$(BIN)/ablate run studies/bnneck.yaml
	$(BIN)/ablate report bnneck

test: setup
	$(BIN)/python -m pytest -n auto

test-all: setup
	$(BIN)/python -m pytest -n auto --hypothesis-profile=$(PROFILE) -m "(slow or network or hypothesis) and not service"
	$(BIN)/python -m pytest --hypothesis-profile=$(PROFILE) -m service  # one by one: they kill processes and fill disks

test-slow: test-all

check: setup
	$(BIN)/ruff check .
	$(BIN)/ruff format --check .
	$(BIN)/mypy
	$(BIN)/python -m pytest tests/test_imports.py tests/test_structure.py

bench: setup
	$(BIN)/python benchmarks/main_path.py
	$(BIN)/python benchmarks/demo.py
	$(BIN)/python benchmarks/core.py
	$(BIN)/python benchmarks/packing.py
	$(BIN)/python benchmarks/retrieval.py
	$(BIN)/python benchmarks/larger.py  # Linux with control groups of version 1, as root; 10 GB of disk
	$(BIN)/python benchmarks/kills.py
	$(BIN)/python -m benchmarks.script_kills
	$(BIN)/python benchmarks/script_overhead.py
	$(BIN)/python -m benchmarks.calibration
	$(BIN)/python -m benchmarks.calibration_values
	$(BIN)/python -m benchmarks.unpaired
	$(BIN)/python -m benchmarks.adaptive
	$(BIN)/python benchmarks/search.py
	$(BIN)/python benchmarks/analysis.py
	$(BIN)/python benchmarks/queue.py  # brings its peers, about 1 GB, into .bench-venv
