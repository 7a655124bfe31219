# Everything lives in .venv: made with uv where it is there, else with any Python from 3.11 on.
# make demo [ENGINE=deepseek-ocr]   see it work          make test    lint, types and tests
# make slow                         the long tests       make bench   the measurements
# make rehearse                     everything that only a Mac does, on a Mac that is none (Linux, with a C compiler)

ENGINE ?=
PYTHON = .venv/bin/python
CODE = daemon tests

.PHONY: demo test slow rehearse lint format bench clean

demo: .venv/with-app
	ENGINE=$(ENGINE) $(PYTHON) -m dropscribe demo

test: lint
	$(PYTHON) -m pytest -q -n 4 -m "not slow and not rehearsal"

slow: .venv/with-dev
	DROPSCRIBE_CRASH_EVERY=5 $(PYTHON) -m pytest -q -n 2 -m "slow and not rehearsal"
	DROPSCRIBE_CRASH_EVERY=5 $(PYTHON) -m pytest -q -n 4 tests/service/test_crash.py

# What all of it together has seen is summed up at the end, so it is run as a whole.
rehearse: .venv/with-dev
	rm -rf .pytest_cache/d/rehearsal
	$(PYTHON) -m pytest -q -n 2 --dist worksteal tests/rehearsal --ignore tests/rehearsal/test_everything.py
	$(PYTHON) -m pytest -q tests/rehearsal/test_everything.py

lint: .venv/with-dev
	$(PYTHON) -m ruff check $(CODE)
	$(PYTHON) -m ruff format --check $(CODE)
	$(PYTHON) -m mypy
	$(PYTHON) -m mypy --platform darwin --cache-dir .mypy_cache/darwin

format: .venv/with-dev
	$(PYTHON) -m ruff check --fix $(CODE)
	$(PYTHON) -m ruff format $(CODE)

bench: .venv/with-dev
	for each in backlog latency idle watch throughput memory web remote; do $(PYTHON) tests/bench/$$each.py || exit 1; done

.venv/with-app: pyproject.toml constraints.txt
	sh .ci/venv .
	touch $@

.venv/with-dev: pyproject.toml constraints.txt
	sh .ci/venv ".[mlx,dev]"
	touch $@ .venv/with-app

clean:
	rm -rf .venv .pytest_cache .mypy_cache .ruff_cache .hypothesis
