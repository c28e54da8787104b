# The front door. Every target here is a line or two around cmake, ctest or a script; `make help`
# lists them. Builds are in build/<preset>, programs in build/<preset>/bin.

PREFIX  ?= /usr/local
JOBS    ?= $(shell nproc)
T       ?=
SECONDS  = 60
MINUTES  = 30

export PYTHONDONTWRITEBYTECODE = 1
export JOBS

.DEFAULT_GOAL := release
.PHONY: release dev asan tsan clang deps demo test check bench bench-quick bench-baseline soak fuzz install format \
        longest cover clean help

## make: the optimised programs, in build/release/bin
release dev: deps
	@scripts/build $@

## make asan, make tsan: builds with these sanitizers and runs the tests on it
asan tsan:
	@scripts/check $@

## make dev, make clang: builds with assertions and debug information, by gcc or clang
clang:
	@scripts/check $@

## make deps: system packages that building and testing need (apt; asks sudo where it must)
deps:
	@scripts/install-packages build test

## make demo: builds, then shows a fleet's messages on their way to answers
demo: release
	@scripts/demo.sh build/release/bin

## make test: every test; the sanitizer build and the release build in one ctest run
test: deps
	@scripts/test

## make check: format, layers, headers, clang-tidy, both compilers, sanitizers
check:
	@scripts/check

## make bench: mnsdb beside every peer that can be installed; the report is build/bench/report.md
bench: release
	@scripts/bench build/release/bin

## make bench-quick: a minute's benchmark without peers, beside bench/baseline.json
bench-quick: release
	@scripts/bench --quick build/release/bin

## make bench-baseline: measures bench/baseline.json anew; on a machine that does nothing else
bench-baseline: release
	@scripts/bench --write-baseline build/release/bin

## make soak MINUTES=30: ingest beside a misbehaving queue at a steady rate; memory stays flat
soak: release
	@MNSDB_BIN=build/release/bin python3 tests/soak/soak.py --minutes "$(MINUTES)"

## make fuzz T=target SECONDS=60: fuzzes one target, or each of them in turn
fuzz:
	@scripts/fuzz "$(T)" "$(SECONDS)"

## make install PREFIX=/usr/local DESTDIR=: programs, engine library, header, manuals
install: release
	@scripts/build release -DCMAKE_INSTALL_PREFIX="$(PREFIX)"
	@cmake --install build/release

## make format: rewrites the C sources in the project's format
format:
	@scripts/format --write

## make cover: runs the tests on the coverage build; lines covered per module
cover: deps
	@scripts/cover

## make longest: the ten longest functions
longest:
	@scripts/longest

## make clean: removes build/
clean:
	rm -rf build

help:
	@sed -n 's/^## //p' Makefile
