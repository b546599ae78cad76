# What people and CI call. Everything but `setup` is one line or a few, so that the commands can be typed by hand too.
.PHONY: setup demo test prove bench bench-desk bench-photos bench-objects lint format lock pictures screenshots clean

setup: .venv/ready

.venv/ready: requirements.lock pyproject.toml scripts/setup
	scripts/setup

demo: .venv/ready   ## the whole job on the make-believe market; ARGS=--once ends when the bundle is verified
	.venv/bin/relicwatch demo $(ARGS)

test: .venv/ready   ## every test but the long proofs; ARGS= goes to pytest
	.venv/bin/pytest -n logical --dist worksteal $(ARGS)

prove: .venv/ready  ## the long proofs (kills), with their log
	.venv/bin/pytest -m prove -s tests/prove $(ARGS)

bench: .venv/ready  ## speed, side by side in one run
	.venv/bin/python bench/run.py $(ARGS)

bench-desk: .venv/ready ## the desk over a million listings with 20 reviewers; ARGS="--listings 100000 --hits 5000" is quicker
	.venv/bin/python bench/desk_load.py $(ARGS)

bench-photos: .venv/ready  ## photograph matching: the published set, and candidates among a million
	rm -rf build/photo_set
	.venv/bin/python bench/photo_set.py make build/photo_set $(ARGS)
	.venv/bin/python bench/photo_set.py score build/photo_set
	.venv/bin/python bench/photo_index.py

bench-objects: .venv/ready  ## cost of comparing a new listing with a million stored; ARGS=--postgresql
	.venv/bin/python bench/object_set.py
	.venv/bin/python bench/object_index.py $(ARGS)

lint: .venv/ready
	.venv/bin/ruff check .
	.venv/bin/ruff format --check .
	.venv/bin/mypy

format: .venv/ready
	.venv/bin/ruff check --fix-only --quiet .
	.venv/bin/ruff format --quiet .

lock:               ## pin again; needs uv
	uv pip compile pyproject.toml --extra dev --extra s3 --universal --python-version 3.11 --no-header --no-annotate --upgrade --output-file requirements.lock

pictures: .venv/ready ## docs/pictures from the demo
	.venv/bin/python scripts/pictures.py

screenshots: .venv/ready ## every view of the desk, in every language, into build/screenshots; ARGS="--view case" for some
	.venv/bin/python -m scripts.screenshots $(ARGS)

clean:
	rm -rf .venv demo-home build *.egg-info .pytest_cache .mypy_cache .ruff_cache .hypothesis
