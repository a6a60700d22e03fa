# What can be done here: `make help`.

# What a user may set is never expanded, and the recipes read it from their environment: neither make nor the shell runs
# what a value holds, such as the name of a branch.
PYTHON ?= python3
A := main
B := workspace
FILES :=
FOLDER := exported
FORMAT := text
MODEL :=
override PYTHON := $(value PYTHON)
override A := $(value A)
override B := $(value B)
override FILES := $(value FILES)
override FOLDER := $(value FOLDER)
override FORMAT := $(value FORMAT)
override MODEL := $(value MODEL)
export PYTHON A B FILES FOLDER FORMAT MODEL

override BIN := .venv/bin
# For the stages, which DVC runs as `python stages/...`.
export PATH := $(CURDIR)/$(BIN):$(value PATH)

.PHONY: all test format compare experiments collect study svm-study cnn-study transfer classifier predict demo export verify bench help
.PHONY: repository
.DEFAULT_GOAL := all

all: .venv/installed ## reproduce the pipeline, then print the results, where the figures lie, and the code's version
	$(BIN)/dvc repro
	@PYTHONPATH=src $(BIN)/python -m genres results
	@printf '\nCode:\n  %s\n' "$$(git describe --always --dirty)"

test: .venv/installed ## check format, lint, types and imports, and run the tests
	$(BIN)/ruff format --check
	$(BIN)/ruff check
	$(BIN)/mypy
	PYTHONPATH=src $(BIN)/lint-imports
	$(BIN)/pytest -m "not slow" --numprocesses auto --dist loadfile

format: .venv/installed ## put the code into ruff's format
	$(BIN)/ruff format
	$(BIN)/ruff check --fix

compare: .venv/installed ## compare two revisions or experiments as Markdown: make compare A=main B=workspace
	@printf '### Metrics that differ\n\n'
	@$(BIN)/dvc metrics diff --md -- "$$A" "$$B"
	@printf '### Parameters that differ\n\n'
	@$(BIN)/dvc params diff --md -- "$$A" "$$B"

experiments: .venv/installed ## list the experiments of the last commits: the scores and the parameters that differ
	@$(BIN)/dvc exp show --md --num 5 --hide-workspace --precision 4 --only-changed \
		--drop Created --drop State --drop Executor --drop data/ --drop metrics/ --drop models/ --drop pipelines/ \
		--drop plots/ --drop src/ --drop stages/

collect: .venv/installed ## print mean and interval over the seeds of the experiments: make collect FORMAT=markdown or csv
	@$(BIN)/python pipelines/collect.py --format "$$FORMAT"

svm-study: .venv/installed ## try kernels, C and input sizes of the SVM as one sweep of experiments; then: dvc repro
	@for size in "32 50" "64 100" "128 200"; do \
		set -- $$size; \
		$(BIN)/dvc exp run --quiet --queue -S input.height=$$1 -S input.width=$$2 \
			-S 'svm.kernel=linear,rbf' -S 'svm.C=0.001,0.01,0.1,1,10,100' train_svm || exit; \
	done
	@$(BIN)/dvc exp run --run-all
	@$(BIN)/python pipelines/svm_study.py

cnn-study: .venv/installed ## train the complex CNN with other sizes, dropouts, inputs, crops and less data; then: dvc repro
	@for changes in complex.dropout=0.25 complex.dropout=0 complex.dropout=0.5 \
		"complex.channels=4 complex.hidden=64" "complex.channels=8 complex.hidden=128" \
		"complex.channels=8 complex.hidden=128 train.epochs=600" "complex.channels=32 complex.hidden=512" \
		split.test_size=0.6 split.test_size=0.8 input.width=50 input.width=200 \
		complex.crop=50 "complex.crop=100 input.width=200"; do \
		set --; for change in $$changes; do set -- "$$@" -S "$$change"; done; \
		$(BIN)/dvc exp run --quiet --queue "$$@" train_complex || exit; \
	done
	@$(BIN)/dvc exp run --run-all
	@$(BIN)/python pipelines/cnn_study.py

study: .venv/installed ## train every model with ten seeds, and say how much results vary; then: dvc repro
	$(BIN)/dvc repro pipelines/study/dvc.yaml
	@$(BIN)/python pipelines/study/summarise_study.py

transfer: .venv/installed ## train classifiers on the features of pre-trained networks, which are downloaded (47 MB)
	$(BIN)/dvc repro pipelines/transfer/dvc.yaml

classifier: .venv/installed ## train a classifier of real music: gtzan-mini (125 MB) and MusiCNN (29 MB) are downloaded
	$(BIN)/dvc exp run -S dataset.name=gtzan-mini pipelines/transfer/dvc.yaml:train_musicnn

predict: .venv/installed ## name the genre of your own songs: make predict FILES="song.mp3 folder"
	@PYTHONPATH=src $(BIN)/python -m genres predict $${MODEL:+--model "$$MODEL"} $$FILES

demo: .venv/extras ## try the models on a page in your browser (127.0.0.1)
	@PYTHONPATH=src $(BIN)/python -m genres demo $${MODEL:+--model "$$MODEL"}

export: .venv/extras ## write the best model as a folder to hand on, or that of MODEL: make export FOLDER=my-model
	@PYTHONPATH=src $(BIN)/python -m genres export $${MODEL:+--model "$$MODEL"} "$$FOLDER"

verify: .venv/installed ## reproduce the committed results in a temporary clone, and say which come out the same
	@$(BIN)/python .ci/verify.py

bench: .venv/installed ## measure speed against librosa's loop and a plain PyTorch loop
	@$(BIN)/python benchmarks/run.py

help: ## list what can be done
	@awk -F ':.*## ' '/^[a-z-]+:.*## / { printf "make %-13s%s\n", $$1, $$2 }' Makefile

# Asked before the installation, which takes minutes. What git says is passed on, because it may have found a repository
# whose owner it does not trust.
repository:
	@command -v git >/dev/null || { echo "error: git is needed (DVC works in a git repository), but is not installed." >&2; exit 1; }
	@said=$$(LC_ALL=C git rev-parse --git-dir 2>&1) || { printf '%s\n' "$$said" >&2; case $$said in *"not a git repository"*) echo "error: DVC works in a git repository, and this folder is in none. Get the project with git clone, or make this folder a repository: git init && git add . && git commit -m start" >&2;; esac; exit 1; }

# The mark says that make has built this environment, and so may clear it. The stamp is written last, so that an
# interrupted installation starts over.
.venv/installed: requirements.lock requirements-torch.txt | repository
	@command -v "$$PYTHON" >/dev/null || { echo "error: Python 3.11 to 3.13 is needed, but there is no $$PYTHON; name another with make PYTHON=..." >&2; exit 1; }
	@"$$PYTHON" -c 'import sys; sys.exit(not (3, 11) <= sys.version_info[:2] <= (3, 13))' || { echo "error: Python 3.11 to 3.13 is needed, but $$PYTHON is $$("$$PYTHON" --version 2>&1); name another with make PYTHON=python3.12" >&2; exit 1; }
	@"$$PYTHON" -c 'import ensurepip, venv' 2>/dev/null || { echo "error: $$PYTHON lacks the modules venv and ensurepip; on Debian and Ubuntu install the package python3-venv" >&2; exit 1; }
	@test ! -L .venv && { test ! -e .venv || test -e .venv/made-by-make; } || { echo "error: make has not built .venv (it may be a link), so it does not replace it. Move it away or remove it, then run make again; or, if it holds the packages of requirements.lock, say so with: touch .venv/installed" >&2; exit 1; }
	@mkdir -p .venv && touch .venv/made-by-make
	@find .venv -mindepth 1 -maxdepth 1 ! -name made-by-make -exec rm -rf {} +
	"$$PYTHON" -m venv .venv
	$(BIN)/python -m pip install --disable-pip-version-check --no-compile --quiet --require-hashes -r requirements.lock
	$(BIN)/python -m pip install --disable-pip-version-check --no-compile --quiet -r requirements-torch.txt
	@$(BIN)/python -c 'import pathlib, sysconfig; pathlib.Path(sysconfig.get_path("purelib"), "genres.pth").write_text("../../../../src\n")'
	@touch $@

# What the demo, the export and a Dask cluster need, and the pipeline on one machine does not.
.venv/extras: requirements-extras.lock .venv/installed
	$(BIN)/python -m pip install --disable-pip-version-check --no-compile --quiet --require-hashes --no-deps -r requirements-extras.lock
	@touch $@
