# Two commands: `make demo` shows the main job on the committed sample, `make test` runs everything that is tested.
# Needs Python >= 3.11 with pip, and make. All else is installed into .venv from constraints.txt.
SHELL := bash
.SHELLFLAGS := -eu -o pipefail -c
PYTHON ?= python3
VENV := .venv
BIN := $(VENV)/bin
HEPAE := $(BIN)/hepae
OUT ?= demo
TABLE := processed_data/jets_E4D.pkl
# one thread each: networks of this size gain little from a second, and lose much where cores are shared
export OMP_NUM_THREADS ?= 1
# real files of other people, which no test needs: what reads them is skipped where the folder is not there
export HEPAE_TESTDATA ?= $(abspath ../shared/data)

.PHONY: help map demo install test real slow notebooks studies step hooks bench docs lab clean

help:
	@grep -E '^[a-z]+:.*##' $(MAKEFILE_LIST) | sed -E 's/:.*## /\t/'

install: $(VENV)/installed ## make .venv with everything that development needs

$(VENV)/installed: constraints.txt settings.ini setup.py pyproject.toml $(wildcard hepae/codec/*.[ch])
	@$(PYTHON) -c 'import sys; sys.exit(0 if sys.version_info >= (3, 11) else "hepae needs Python 3.11 or newer; this is %d.%d: make PYTHON=python3.11 …" % sys.version_info[:2])'
	@echo "installing into $(VENV) (once; a few minutes) …"
	$(PYTHON) -m venv $(VENV)
	$(BIN)/python -m pip install --quiet --disable-pip-version-check --constraint constraints.txt torch==2.13.0 setuptools wheel
	$(BIN)/python -m pip install --quiet --disable-pip-version-check --constraint constraints.txt --editable '.[dev]'
	@touch $@

demo: install ## the main job: extract, train, reconstruct, ROOT and report
	@mkdir -p $(OUT) processed_data
	$(HEPAE) extract data/jets.root --dims E4D -o $(TABLE) --force
	$(HEPAE) train $(TABLE) -o $(OUT)/AE_3D_200 --recipe AE_3D_200 --epochs $(EPOCHS) --lr 2e-3 --symmetry --force
	$(HEPAE) analyse $(TABLE) --model $(OUT)/AE_3D_200 -o $(OUT)/report.html --latents $(OUT)/latents.parquet --reconstructed $(OUT)/reconstructed.root --force
	$(HEPAE) compress data/jets.root --bound 1e-3 -o $(OUT)/jets.hepae --force
	$(HEPAE) verify data/jets.root $(OUT)/jets.hepae
	@echo
	@echo "report:                 $(abspath $(OUT))/report.html"
	@echo "reconstructed ROOT:     $(abspath $(OUT))/reconstructed.root"
	@echo "three numbers a jet:    $(abspath $(OUT))/latents.parquet"
	@echo "within bounds, small:   $(abspath $(OUT))/jets.hepae"
	@echo "trained model:          $(abspath $(OUT))/AE_3D_200"

EPOCHS ?= 60

step: install ## notebooks and hepae/ are in step, and notebooks are clean
	@$(BIN)/python tests/in_step.py

notebooks: install ## every cell of nbs/ and of the studies, but slow ones; which cells take longest
	@$(BIN)/python tests/notebooks.py

studies: install ## all studies, those of 4D/, 27D/ and hepmc/ that `make test` leaves out, too
	@$(BIN)/python tests/notebooks.py --studies

test: install ## the whole test suite; what needs real files is skipped without HEPAE_TESTDATA
	@$(BIN)/python tests/suite.py

real: install ## of the test suite only what reads the real files in HEPAE_TESTDATA
	@$(BIN)/python tests/suite.py --real

slow: install ## the cells and tests that take long, with all other cells
	@$(BIN)/python tests/notebooks.py --slow --workers 1
	@$(BIN)/python -m pytest -q -m slow tests

bench: install ## the measured figures: training, extraction, bytes, speed and memory of codecs; real files if they are there
	@failed=; for script in tests/benchmarks/*.py; do echo "== $$script"; $(BIN)/python $$script || failed+=" $$script"; done; test -z "$$failed" || { echo "FAILED:$$failed"; exit 1; }

docs: install ## the site of documentation, in _docs/: without the network, a link that leads nowhere is an error
	NO_MKDOCS_2_WARNING=1 $(BIN)/mkdocs build --strict --quiet
	@echo "open $(abspath _docs/index.html)"

map: install ## draw the map of CONTRIBUTING.md anew, from notebooks and imports
	$(BIN)/python tests/draw_map.py

hooks: install ## git hooks that keep notebooks clean
	$(BIN)/nbdev_install_hooks

lab: install ## JupyterLab on the notebooks
	$(BIN)/jupyter lab --ip=0.0.0.0 --port=8888 --no-browser

clean: ## remove what make made (not your data)
	rm -rf $(VENV) $(OUT) *.egg-info
