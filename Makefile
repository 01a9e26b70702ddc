.PHONY: check test coverage lint format audit docs docs-version build perf gpu size

check:  ## All that CI runs, in fresh environments.
	.ci/run

test:  ## The tests, in the current environment.
	pytest -n 2

coverage:  ## The tests with the share of lines and branches that they run, of which 92 % are needed.
	pytest -n 2 --cov

lint:  ## Style, types, layers and the container file, in the current environment.
	ruff check
	ruff format --check
	mypy
	lint-imports
	hadolint Containerfile

format:
	ruff check --fix
	ruff format

perf:  ## All measurements beside peers, into results/perf/ (docs/performance.md); such as OPTIONS=--rounds=3.
	python benchmarks/perf/evaluation.py $(OPTIONS)
	python benchmarks/perf/domain_training.py $(OPTIONS)
	python benchmarks/perf/models.py $(OPTIONS)
	python benchmarks/perf/encoding.py $(OPTIONS)
	python benchmarks/perf/write_page.py

gpu:  ## Tests, main job and a pair with a large LLM on this machine's GPU; such as LLM=hf:FOLDER.
	python benchmarks/perf/gpu.py $(LLM)

size:  ## The budgets of lines, words, files and options, and what there is.
	python benchmarks/size.py

audit:  ## Known holes of what is installed; needs `pip install pip-audit`.
	pip-audit

docs:  ## The docs site, into site/; any warning is an error.
	NO_MKDOCS_2_WARNING=1 mkdocs build --strict

docs-version:  ## The docs of a release beside those of earlier ones, on the branch gh-pages: VERSION=0.5.0. Pushes nothing.
	NO_MKDOCS_2_WARNING=1 mike deploy --update-aliases "$(VERSION)" latest
	mike set-default latest

build:  ## The source distribution and the wheel, into dist/.
	rm -rf build dist
	python -m build
	twine check --strict dist/*
