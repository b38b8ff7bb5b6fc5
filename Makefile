# The verbs people type. What builds is CMake (see CMakePresets.json); this file only calls it.
.DEFAULT_GOAL := help
MAKEFLAGS += --no-print-directory
.PHONY: help demo test bench check fuzz conformance torture soak install clean

CASES        ?= $(wildcard ../shared/conformance)
FUZZ_SECONDS ?= 60
SOAK_SECONDS ?= 600
ROUNDS       ?= 20
PREFIX       ?= /usr/local

# Each verb prints its own program's output on stdout; whatever builds speaks on stderr.

help: ## what you can type here
	@awk -F ':.*## ' '/^[a-z]+:.*## / { printf "make %-12s %s\n", $$1, $$2 }' $(MAKEFILE_LIST)

demo: ## build weir, run the flights example: JSON Lines on stdout
	@tools/install-packages build test
	@tools/build release weir_command
	@build/release/tools/weir/weir run examples/flights/flights.weir

test: ## build and run every test, plainly and under sanitizers
	@tools/install-packages build test
	@tools/build dev
	@tools/build asan
	@tools/build tsan thread_tests
	@tools/run-tests dev asan tsan

check: ## formatting, clang-tidy, who includes what, headers alone
	@tools/install-packages build test check
	@tools/check

bench: ## run the benchmarks: one JSON document on stdout
	@tools/install-packages build test bench
	@tools/build release
	@tools/run-bench

fuzz: ## run each fuzz target for a minute (FUZZ_SECONDS=60)
	@tools/install-packages build test check
	@tools/build fuzz
	@tools/fuzz $(FUZZ_SECONDS)

conformance: ## run cases of other engines through the command (CASES=path)
	@test -n "$(CASES)" || { echo "make conformance CASES=path" >&2; exit 2; }
	@tools/install-packages build test
	@tools/build release weir_command
	@tests/conformance/conformance.py --weir build/release/tools/weir/weir $(CASES)

torture: ## kill runs with state, cut their power, fail their disks: compare what they wrote (ROUNDS=20)
	@tools/install-packages build test
	@tools/build dev
	@python3 tests/recovery/torture.py build/dev/tools/weir/weir --rounds $(ROUNDS) \
	    --faults build/dev/tests/recovery/libweir_faults.so

soak: ## try 1000 seeds of each simulation, 200 random sets of rules on shards, 300 rounds of cut power and bad disks; run rules over an endless input and watch memory (SOAK_SECONDS=600), and a day of 100 million events with state
	@tools/install-packages build test
	@tools/build dev
	@ctest --preset soak
	@python3 tests/net/links.py build/dev/tools/weir/weir --rounds 50
	@python3 tests/net/cluster.py build/dev/tools/weir/weir nothing --rounds 500
	@python3 tests/net/cluster.py build/dev/tools/weir/weir kill restart cut partition end move move_kill --rounds 50
	@python3 tests/net/netns.py build/dev/tools/weir/weir --rounds 50 || [ $$? -eq 77 ]
	@python3 tests/recovery/torture.py build/dev/tools/weir/weir --rounds 300 \
	    --faults build/dev/tests/recovery/libweir_faults.so power faults
	@tools/build release weir_command
	@tools/soak $(SOAK_SECONDS)
	@python3 tests/replay/bounded.py build/release/tools/weir/weir --events 100000000 --hours 24

install: ## install the command, the library, headers, man page and shell completions (PREFIX=/usr/local, DESTDIR=)
	@tools/install-packages build test
	@tools/build release weir_command weir
	@cmake --install build/release --prefix $(PREFIX)

clean: ## remove what was built
	@rm -rf build
