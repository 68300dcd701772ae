# Works on a fresh clone with python3 (3.11 or newer), python3-venv and make, as root or not.
# Everything it makes lies in .venv and .cache; `make clean` removes both.

PYTHON ?= python3
ARGS ?=
BENCH_SECONDS ?= 660
RUNS ?= 200
CRASHES ?= 200
FUZZ_SECONDS ?= 600

BIN := .venv/bin
READY := .venv/ready

# The oldest generator whose stubs work: stubs demand at least the runtimes of their generator, so
# a newer one would force newer grpcio and protobuf on every user of the client.  Its wheels exist
# for Python 3.11 and 3.12 only, and it imports pkg_resources, which setuptools 81 dropped.
GENERATOR := grpcio-tools==1.62.3 mypy-protobuf==3.6.0 "setuptools<81"
GENERATOR_PYTHON = $(shell for python in $(PYTHON) python3.11 python3.12; do \
	"$$python" -c '$(SUITS_GENERATOR)' 2>/dev/null && echo "$$python" && break; done)
GENERATOR_BIN := .cache/generator/bin
GENERATOR_READY := .cache/generator/ready
# What tools of users import: in an environment of their own, as a bundle's own interpreter.
LIBRARIES := numpy pandas matplotlib requests lxml msgspec docstring-parser
LIBRARIES_READY := .cache/libraries/ready
SUITS_GENERATOR := import sys, venv; sys.exit(not (3, 11) <= sys.version_info[:2] <= (3, 12))
PROTOC = PATH="$(CURDIR)/$(GENERATOR_BIN):$$PATH" $(GENERATOR_BIN)/python -m grpc_tools.protoc \
	-I proto proto/toolcell/v1/*.proto \
	--python_out=$(1) --grpc_python_out=$(1) --mypy_out=quiet:$(1) --mypy_grpc_out=quiet:$(1)

.DEFAULT_GOAL := help
.PHONY: help setup proto check drift same-stubs fix test faults cycles crashes examples fuzz escapes test-kernels compatibility ablation mutation demo bench bench-peers bench-egress profile image clean
.DELETE_ON_ERROR:

# The virtual environment names this folder.  In a copy of the tree it would run the original's
# code, so it is made anew there: a phony stamp is always out of date.
ifneq ($(shell cat $(READY) 2>/dev/null),$(CURDIR))
.PHONY: $(READY)
endif
ifneq ($(shell cat $(GENERATOR_READY) 2>/dev/null),$(CURDIR))
.PHONY: $(GENERATOR_READY)
endif
ifneq ($(shell cat $(LIBRARIES_READY) 2>/dev/null),$(CURDIR))
.PHONY: $(LIBRARIES_READY)
endif

help:  ## print this list
	@awk -F ':.*## ' '/^[a-z-]+:.*## / { printf "make %-12s %s\n", $$1, $$2 }' Makefile

setup: $(READY)  ## make .venv with everything that developing needs
$(READY): pyproject.toml
	@$(PYTHON) -c 'import sys; sys.exit(sys.version_info < (3, 11))' || \
		{ echo "$(PYTHON) is missing or older than 3.11: name a newer one, as in make PYTHON=python3.12" >&2; exit 1; }
	$(PYTHON) -m venv --clear .venv
	$(BIN)/python -m pip install --quiet --disable-pip-version-check --editable '.[dev]'
	@# Zygotes write no bytecode; without any, each compiles the worker's room anew.
	@$(BIN)/python -m compileall -q proto server client sandbox_worker
	@echo '$(CURDIR)' > $@

proto: $(GENERATOR_READY)  ## regenerate the stubs from proto/toolcell/v1/*.proto
	$(call PROTOC,proto)

$(GENERATOR_READY): Makefile
	@$(if $(GENERATOR_PYTHON),:,echo 'The generator of the stubs needs Python 3.11 or 3.12: install one.' >&2; exit 1)
	@$(GENERATOR_PYTHON) -m venv --clear .cache/generator
	@$(GENERATOR_BIN)/python -m pip install --quiet --disable-pip-version-check $(GENERATOR) || \
		{ echo 'The generator of the stubs could not be installed: is the package index within reach?' >&2; exit 1; }
	@echo '$(CURDIR)' > $@

check: $(READY) drift  ## format, lint, types, stub drift, architecture; changes nothing
	$(BIN)/ruff format --check .
	$(BIN)/ruff check .
	$(BIN)/mypy
	$(BIN)/python -m pytest --quiet tests/test_architecture.py tests/proto

# Where only a newer Python is, tests/proto still compares the stubs' descriptors with the .proto.
drift:
	@$(if $(GENERATOR_PYTHON),$(MAKE) --no-print-directory same-stubs,echo \
		'NOT COMPARED: the text of the stubs; their generator needs Python 3.11 or 3.12.')

same-stubs: $(GENERATOR_READY)
	@rm -rf .cache/stubs && mkdir -p .cache/stubs
	@$(call PROTOC,.cache/stubs)
	@diff -r -x '*.proto' -x __init__.py -x py.typed -x __pycache__ .cache/stubs/toolcell proto/toolcell || \
		{ echo 'The committed stubs are not those of the .proto files: run make proto.' >&2; exit 1; }

fix: $(READY)  ## format, and mend what the linter can mend
	$(BIN)/ruff format .
	$(BIN)/ruff check --fix .

test: $(READY)  ## run the tests; ARGS go to pytest, as in make test ARGS='-k neighbour'
	$(BIN)/python -m pytest $(ARGS)

faults: $(READY)  ## make each system call of a cell's set-up fail in turn
	EVERY_FAULT=1 $(BIN)/python -m pytest tests/faults $(ARGS)

cycles: $(READY)  ## a thousand attacks and benign calls in turn; nothing may be left of them
	CYCLES=1000 $(BIN)/python -m pytest tests/faults/test_cycles.py $(ARGS)

crashes: $(READY)  ## kill the server under load, CRASHES (200) times, and in workflows; no call may run twice or disappear
	CRASHES=$(CRASHES) $(BIN)/python -m pytest -s tests/contract/test_killed_server.py \
		tests/contract/test_workflow_crashes.py $(ARGS)

examples: $(READY)  ## a thousand examples of each property of the client's formats, loops and voice
	EVERY_EXAMPLE=1 $(BIN)/python -m pytest --timeout=3600 \
		$$(grep -rl '^@few' tests/client tests/contract) $(ARGS)

fuzz: $(READY)  ## mutate what the parsers of hostile bytes read, FUZZ_SECONDS (600) for each
	$(BIN)/python -m pip install --quiet --disable-pip-version-check --editable '.[fuzz]'
	PYTHONPATH=tests $(BIN)/python -m fuzz dns --seconds $(FUZZ_SECONDS)
	PYTHONPATH=tests $(BIN)/python -m fuzz client_hello --seconds $(FUZZ_SECONDS)
	PYTHONPATH=tests $(BIN)/python -m fuzz http --seconds $(FUZZ_SECONDS)
	PYTHONPATH=tests $(BIN)/python -m fuzz proxy --seconds $(FUZZ_SECONDS)

# Python of the system, not ours: the machines are made of the system's files.
test-kernels:  ## the walls and the battery under Debian's 6.1 and 6.12, as in ARGS='--kernel 6.12 --user root'
	@PYTHONPATH=tests /usr/bin/python3 -B -m kernels $(ARGS)

compatibility: $(READY) $(LIBRARIES_READY)  ## real libraries and programs in cells, RUNS (200) times each
	PYTHONPATH=tests $(BIN)/python -m compatibility --runs $(RUNS) \
		--python $(CURDIR)/.cache/libraries/bin/python $(ARGS)

$(LIBRARIES_READY): Makefile
	@$(PYTHON) -m venv --clear .cache/libraries
	@.cache/libraries/bin/python -m pip install --quiet --disable-pip-version-check $(LIBRARIES)
	@echo '$(CURDIR)' > $@

escapes: $(READY)  ## attack the walls, outside and in cells, and print what held
	$(BIN)/python -m toolcell_server doctor --battery $(ARGS)

ablation: $(READY)  ## which walls stop which attack, into docs/ablation.md; as root, ARGS=--resume goes on
	PYTHONPATH=tests $(BIN)/python -B -m ablation $(ARGS)

mutation: $(READY)  ## remove each wall from a copy of the code, and expect red tests; ARGS=WALL for one
	PYTHONPATH=tests $(BIN)/python -B -m mutation $(ARGS)

demo: $(READY)  ## start a server, run real calls, allowed and forbidden, print what happened
	PYTHONPATH=tests $(BIN)/python tests/demo $(ARGS)

bench: $(READY) bench-peers  ## measure calls beside their floors in BENCH_SECONDS (660), into docs/benchmarks; ARGS=--quick for a look
	TOOLCELL_TEST_PATIENCE=4 PYTHONPATH=tests $(BIN)/python -m bench --seconds $(BENCH_SECONDS) $(ARGS)

bench-peers: $(READY)  ## install what `make bench` compares with, where it can be had
	@command -v bwrap socat rg >/dev/null || \
		echo 'NOT INSTALLED: bubblewrap, socat or ripgrep; the peers that need them are left out' >&2
	PYTHONPATH=tests $(BIN)/python -m bench.peers

profile: $(READY)  ## where the time of a call goes, per stage; ARGS='--out docs/benchmarks' writes it there
	PYTHONPATH=tests $(BIN)/python -m bench.profile $(ARGS)

bench-egress: $(READY)  ## connections out of cells beside direct ones, into docs/benchmarks/egress.md
	PYTHONPATH=tests $(BIN)/python -m bench.egress $(ARGS)

image:  ## build the container image with docker or podman
	@engine=$$(command -v docker || command -v podman) || \
		{ echo 'Neither docker nor podman is installed.' >&2; exit 1; }; \
	"$$engine" build --tag toolcell .

clean:  ## remove everything that make made
	rm -rf .venv .cache .mypy_cache .pytest_cache .ruff_cache build dist
	find . -name __pycache__ -type d -prune -exec rm -rf {} +
