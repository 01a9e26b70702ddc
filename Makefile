.PHONY: check test lint format docs

check:  ## All that CI runs, in a fresh environment.
	.ci/run

test:  ## The tests, in the current environment.
	pytest

lint:  ## Style, types and layers, in the current environment.
	ruff check
	ruff format --check
	mypy
	lint-imports

format:
	ruff check --fix
	ruff format

docs:  ## The docs site, into site/; any warning is an error.
	NO_MKDOCS_2_WARNING=1 mkdocs build --strict
