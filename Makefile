# Two commands are enough: `make run` to see it, `make test` to prove it.
PYTHON ?= python3
VENV ?= .venv
BIN = $(VENV)/bin
PIP = $(BIN)/pip install --quiet --disable-pip-version-check --constraint constraints.txt
PORT ?= 8080
# `make test TEST_EXTRAS=dev,conformance,pdf` also runs us against an independent Telegram and an independent WhatsApp
# client, and makes records of advice as PDF.
TEST_EXTRAS ?= dev

.PHONY: run test check bench lint clean

run: $(VENV)/.ready
	$(BIN)/firstline demo --port $(PORT)

test: $(VENV)/.ready-to-test
	$(BIN)/ruff check .
	$(BIN)/ruff format --check .
	$(BIN)/mypy
	$(BIN)/lint-imports
	$(BIN)/firstline check
	$(BIN)/firstline test
	$(BIN)/python -m pytest --numprocesses auto --dist worksteal

check: $(VENV)/.ready
	$(BIN)/firstline check

bench: $(VENV)/.ready
	$(BIN)/firstline bench

$(VENV)/.ready: pyproject.toml constraints.txt
	@echo "Fetching packages. The first time takes about a minute."
	$(PYTHON) -m venv $(VENV)
	$(PIP) --editable .
	touch $@

$(VENV)/.ready-to-test: $(VENV)/.ready
	$(PIP) --editable ".[$(TEST_EXTRAS)]"
	touch $@

clean:
	rm -rf $(VENV)
