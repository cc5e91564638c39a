# pg_ocr. What Postgres loads is built by PGXS (pgxs.mk), everything else by CMake (CMakeLists.txt).
PG_CONFIG ?= pg_config
BUILD ?= build
BINDIR = $(shell $(PG_CONFIG) --bindir)
PKGLIBDIR = $(shell $(PG_CONFIG) --pkglibdir)
export PG_CONFIG

.PHONY: all extension engine programs install uninstall installcheck check chaos demo fuzz bench bench-claims gpu-bundle check-gpu bench-gpu format tidy clean help

all: extension engine  ## build the extension, its engine, and what fetches for it

extension:
	$(MAKE) -f pgxs.mk all

$(BUILD)/Makefile: CMakeLists.txt
	cmake -S . -B $(BUILD)

engine: $(BUILD)/Makefile
	+cmake --build $(BUILD) --target pg_ocr_engine pg_ocr_http pg_ocr_gpu cards

programs: engine  ## build everything that CMake builds: engine, pg_ocr_http, unit tests, benchmarks
	+cmake --build $(BUILD)

install: all  ## install into the Postgres that PG_CONFIG names
	$(MAKE) -f pgxs.mk install
	install -d '$(DESTDIR)$(BINDIR)'
	install -m 755 $(BUILD)/pg_ocr_engine $(BUILD)/pg_ocr_http $(BUILD)/pg_ocr_gpu '$(DESTDIR)$(BINDIR)/'
	if [ -e $(BUILD)/pg_ocr_cuda.so ]; then install -m 755 $(BUILD)/pg_ocr_cuda.so '$(DESTDIR)$(PKGLIBDIR)/'; fi

uninstall:  ## remove what install installed
	$(MAKE) -f pgxs.mk uninstall
	rm -f '$(DESTDIR)$(BINDIR)/pg_ocr_engine' '$(DESTDIR)$(BINDIR)/pg_ocr_http' '$(DESTDIR)$(BINDIR)/pg_ocr_gpu'
	rm -f '$(DESTDIR)$(PKGLIBDIR)/pg_ocr_cuda.so'

installcheck:  ## pg_regress against a running server that has preloaded the installed extension, with pg_ocr.workers = 0
	$(MAKE) -f pgxs.mk installcheck

check:  ## build, install and run all tests on throw-away servers
	scripts/test

chaos:  ## kill engines, workers and the server at random while thousands of jobs are read; takes minutes
	test/chaos/run

demo:  ## submit a scan and a photo to a throw-away server, and watch them being read
	scripts/demo

fuzz:  ## run each fuzzer for FUZZ_SECONDS, 60 by default
	test/fuzz/run

bench:  ## measure against tesseract and OCRmyPDF, on the same pages in one run
	test/bench/run

bench-claims: install  ## measure claims while a transaction that stays open holds back vacuum
	test/bench/long_transaction

gpu-bundle:  ## collect what check-gpu and bench-gpu need on a machine that has a card and CUDA, and little else
	test/gpu/bundle

check-gpu:  ## hold the kernels of CUDA to those of the CPU, on a card
	test/gpu/check

bench-gpu:  ## measure a card beside the CPU, fed from memory and through whole engines
	test/gpu/bench

format:  ## rewrite C++ sources in the house style
	clang-format -i $$(git ls-files '*.cpp' '*.h' '*.cu' '*.cuh')

tidy: programs  ## run clang-tidy
	scripts/check-tidy

clean:  ## remove what was built
	$(MAKE) -f pgxs.mk clean
	rm -rf $(BUILD)

help:  ## list the targets
	@grep -E '^[a-z-]+:.*##' Makefile | sed -E 's/^([a-z-]+):[^#]*## */\1|/' | awk -F'|' '{printf "%-14s %s\n", $$1, $$2}'
