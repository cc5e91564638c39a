# What Postgres loads: pg_ocr.so and the extension's SQL, by PGXS. The Makefile calls this one.
PG_OCR_VERSION := $(shell cat VERSION)

EXTENSION = control/pg_ocr
UPDATES := $(patsubst sql/updates/%,pg_ocr--%,$(wildcard sql/updates/*.sql))
DATA_built = pg_ocr--$(PG_OCR_VERSION).sql $(UPDATES)
MODULE_big = pg_ocr
OBJS = \
	src/document/document.o \
	src/extension/attached_rows.o \
	src/extension/backend_engine.o \
	src/extension/card_services.o \
	src/extension/cards.o \
	src/extension/courier_main.o \
	src/extension/draw_function.o \
	src/extension/drop_extension.o \
	src/extension/functions.o \
	src/extension/launcher.o \
	src/extension/make_way.o \
	src/extension/module.o \
	src/extension/ocr_function.o \
	src/extension/pdf_function.o \
	src/extension/probe.o \
	src/extension/row_access.o \
	src/extension/rows.o \
	src/extension/session.o \
	src/extension/settings.o \
	src/extension/shared_state.o \
	src/extension/store_functions.o \
	src/extension/tallies.o \
	src/extension/visible_owners.o \
	src/extension/wait_events.o \
	src/extension/wake.o \
	src/extension/worker_lock.o \
	src/extension/worker_main.o \
	src/pg/guard.o \
	src/pg/spi.o \
	src/protocol/frame.o \
	src/protocol/http_message.o \
	src/protocol/card_message.o \
	src/protocol/message.o \
	src/protocol/sealed_document.o \
	src/queue/outbox_spi.o \
	src/queue/queue_spi.o \
	src/worker/card_access.o \
	src/worker/card_process.o \
	src/worker/card_socket.o \
	src/worker/child_process.o \
	src/worker/courier.o \
	src/worker/engine_process.o \
	src/worker/fetcher.o \
	src/worker/http_process.o \
	src/worker/local_file.o \
	src/worker/local_listing.o \
	src/worker/loop.o \
	src/worker/machine.o \
	src/worker/providers.o \
	src/worker/reserved_workers.o \
	src/worker/sha256.o \
	src/worker/throttle.o

REGRESS = $(patsubst test/sql/%.sql,%,$(sort $(wildcard test/sql/*.sql)))
REGRESS_OUTPUT ?= test
REGRESS_OPTS = --inputdir=test --outputdir=$(REGRESS_OUTPUT) --load-extension=pg_ocr
ISOLATION_OPTS = --inputdir=test --outputdir=$(REGRESS_OUTPUT)

PG_CPPFLAGS = -Isrc -DPG_OCR_VERSION='"$(PG_OCR_VERSION)"'
# A sigsetjmp() in every guard makes GCC guess about clobbered variables, wrongly; the rest of -Wextra is kept.
PG_CXXFLAGS = -std=c++20 -Wextra -Wno-clobbered -Werror
SHLIB_LINK = -lstdc++
EXTRA_CLEAN = pg_ocr--*.sql test/results test/regression.diffs test/regression.out

# Bitcode is for inlining into queries; there is nothing here worth a second compiler.
override with_llvm = no

PG_CONFIG ?= pg_config
PGXS := $(shell $(PG_CONFIG) --pgxs)
# Some packages of PostgreSQL come without the program that runs these.
ifneq ($(wildcard $(dir $(PGXS))/../test/isolation/pg_isolation_regress),)
ISOLATION = $(patsubst test/specs/%.spec,%,$(sort $(wildcard test/specs/*.spec)))
else ifeq ($(MAKECMDGOALS),installcheck)
$(warning this PostgreSQL has no pg_isolation_regress: the races of test/specs are not run)
endif
include $(PGXS)

SQL_FILES := $(shell cat sql/ORDER)
pg_ocr--$(PG_OCR_VERSION).sql: sql/ORDER $(SQL_FILES)
	cat $(SQL_FILES) > $@

# What changed in the tables, then every function anew.
$(UPDATES): pg_ocr--%: sql/updates/% sql/ORDER $(SQL_FILES)
	cat $< $(filter sql/functions/%,$(SQL_FILES)) sql/tail.sql > $@

$(OBJS): $(wildcard src/*/*.h) VERSION
