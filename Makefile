# SPDX-License-Identifier: MIT
# A thin front: cmake/bootstrap.sh brings the packages, CMakePresets.json says how to build. `make help` lists the targets.
.DEFAULT_GOAL := build
.PHONY: abi build demo test bench packages release-archive bundle wheel gpu-check install check tidy format asan tsan corpus faults fuzz rtsp soak soak-serve cuda-toolkit clean help

# The archive for a machine with a GPU is built quickly, for one architecture, unless it is told otherwise.
PRESET ?= $(if $(filter gpu-check,$(MAKECMDGOALS)),cuda-quick,release)
PREFIX ?= /usr/local
JOBS   ?= $(shell cmake/jobs.sh)
BUILD  := $(if $(filter release ci,$(PRESET)),build,build-$(PRESET))
DEMO   := models/pedestrians.mp4
OUT    := runs/demo/pedestrians
ARCHIVE := $(BUILD)/convoy-gpu-check.tar.xz

# Ninja is only looked for once the bootstrap has run, so this must expand late.
configure = CMAKE_GENERATOR="$$(command -v ninja >/dev/null && echo Ninja || echo Unix Makefiles)" cmake $(CMAKE_FLAGS) --preset
compile   = cmake --build --parallel $(JOBS) --preset
# The first build leaves the tests out, so that it does not need their packages; `make test` switches them on for good.
programs  = $(if $(wildcard $(BUILD)/CMakeCache.txt),,-DCONVOY_TESTS=OFF)

build:  ## build the library and the programs into build/bin
	@cmake/bootstrap.sh build
	$(configure) $(PRESET) $(programs)
	$(compile) $(PRESET)

demo:  ## build, and find the people in the shipped clip
	@cmake/bootstrap.sh build
	$(configure) $(PRESET) $(programs)
	$(compile) $(PRESET) --target yolo-run
	@mkdir -p $(dir $(OUT))
	$(BUILD)/bin/yolo-run $(DEMO) --video $(OUT).mp4 --jsonl $(OUT).jsonl --contact-sheet $(OUT).jpg --report
	@echo "The demo's results are in $(dir $(OUT)): look at $(OUT).jpg first."

test:  ## build and run all tests
	@cmake/bootstrap.sh build test
	$(configure) $(PRESET) -DCONVOY_TESTS=ON
	$(compile) $(PRESET)
	ctest --preset $(PRESET) --parallel $(JOBS)

bench:  ## build and run the benchmarks
	@cmake/bootstrap.sh build bench
	$(configure) $(PRESET) -DCONVOY_BENCH=ON
	$(compile) $(PRESET)
	cmake --build --preset $(PRESET) --target bench

install: build  ## install the library, its headers and the programs (PREFIX, DESTDIR)
	cmake --install $(BUILD) --prefix $(PREFIX)

wheel:  ## the Python package with all that it links, in build/wheel/
	@cmake/bootstrap.sh build python
	cmake/wheel.sh $(BUILD)/wheel

packages: build  ## Debian packages in build/: libconvoy0, libconvoy-dev, convoy-tools (maintainer: CONTRIBUTING.md)
	@cmake/bootstrap.sh packages
	cmake/packages.sh $(BUILD)

release-archive:  ## a tag's sources as tar.gz, and SHA256SUMS, in build/ (TAG=v0.1.0; by default this version's)
	cmake/release_archive.sh $(BUILD) $(TAG)

bundle:  ## a relocatable tar.gz of the programs and all they need, for every GPU, in build/, and what is in it (.spdx.json)
	@cmake/bootstrap.sh build packages
	$(configure) $(PRESET) $(programs) -DCONVOY_CUDA_ARCHITECTURES=ALL
	$(compile) $(PRESET)
	cmake/bundle.sh $(BUILD) $(BUILD)/convoy-$(shell uname -m).tar.gz

gpu-check:  ## what proves Convoy on a machine with a GPU: one archive, one command in it (PICTURES=DIR for AP, FFMPEG_RUNTIME=DIR)
	@cmake/bootstrap.sh build test gpu-check
	$(configure) $(PRESET) -DCONVOY_TESTS=ON -DCONVOY_BENCH=ON
	$(compile) $(PRESET) --target gpu-check-programs
	cmake/gpu_check.sh $(BUILD) $(ARCHIVE) $(PICTURES)

check:  ## static checks: layers, headers, format, style
	@cmake/bootstrap.sh build test check
	@for check in .ci/checks/*.sh; do echo "== $$check"; "$$check" || exit 1; done
	$(configure) $(PRESET) -DCONVOY_TESTS=ON
	$(compile) $(PRESET) --target header_test

tidy: ## clang-tidy over every source file that is built here (minutes)
	@cmake/bootstrap.sh build test check
	$(configure) $(PRESET) -DCONVOY_TESTS=ON -DCONVOY_BENCH=ON
	.ci/files.sh '*.cpp' ':!docs' | while read -r file; do \
	    ! grep -qF "/$$file\"" $(BUILD)/compile_commands.json || echo "$$file"; done | xargs -P $(JOBS) -n 1 clang-tidy -p $(BUILD) --quiet

format:  ## clang-format every source file in place
	.ci/files.sh '*.h' '*.hpp' '*.cpp' '*.cu' '*.cuh' | xargs clang-format -i

asan tsan:  ## build and test under the sanitizers: address and undefined behaviour, or threads
	@cmake/bootstrap.sh build test
	$(configure) $@
	$(compile) $@
	ctest --preset $@ --parallel $(JOBS)

corpus faults rtsp soak soak-serve:  ## long tests: 180 kinds of inputs; all that can go wrong around a run (an hour); RTSP servers; 10^6 live frames
	@cmake/bootstrap.sh build test
	$(configure) $(PRESET) -DCONVOY_TESTS=ON
	$(compile) $(PRESET)
	cmake --build --preset $(PRESET) --target $@

abi:  ## write the shared libraries' binary interfaces down anew in tests/abi/, after a change to the public headers
	@cmake/bootstrap.sh build test
	$(configure) $(PRESET) -DCONVOY_TESTS=ON
	$(compile) $(PRESET) --target abi

fuzz:  ## fuzz what reads files with libFuzzer, until it is stopped (TIME=SECONDS for each target, TARGETS="cfg names")
	@cmake/bootstrap.sh build test fuzz
	$(configure) $@
	$(compile) $@
	TIME=$(TIME) tests/fuzz/run.sh $(CURDIR)/build-fuzz/bin $(CURDIR)/build-fuzz/fuzz $(TARGETS)

cuda-toolkit:  ## fetch nvcc into build/third_party, to compile the CUDA backend on a machine without a toolkit
	@python3 -m pip --version >/dev/null 2>&1 || cmake/bootstrap.sh cuda
	cmake/cuda_wheels.sh toolkit

clean:  ## remove every build folder
	rm -rf build build-*/

help:
	@awk -F ':.*## ' '/^[a-z][a-z -]*:.*## / { printf "make %-15s %s\n", $$1, $$2 }' $(firstword $(MAKEFILE_LIST))
