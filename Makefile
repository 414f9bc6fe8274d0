# vmini: one Makefile, not recursive, incremental, parallel. `make` alone prints what you can do.
#
#   CC=clang          another compiler (objects go to build/clang)
#   SANITIZE=address  ASan+UBSan (build/address); SANITIZE=thread: TSan (build/thread)
#   DEPS=skip         do not look for packages
#   V=1               show the commands
.DEFAULT_GOAL := help
SHELL := /bin/sh
.SUFFIXES:
.DELETE_ON_ERROR:
MAKEFLAGS += --no-builtin-rules
Q := $(if $(V),,@)
say = $(if $(V),,@printf '  %-5s %s\n' $(1) $(2))

ifeq ($(origin CC),default)
CC := gcc
endif
SANITIZE ?=
VARIANT := $(if $(SANITIZE),$(SANITIZE),$(if $(filter gcc,$(CC)),,$(notdir $(CC))))
B := build$(if $(VARIANT),/$(VARIANT))

# --- flags -------------------------------------------------------------------------------------------------------------

WARN := -Wall -Wextra -Werror -Wstrict-prototypes -Wmissing-prototypes -Wno-multichar
OPT ?= -O2
COMMON := -std=gnu11 $(OPT) -g -fno-omit-frame-pointer -fno-strict-aliasing -MMD -MP -fPIC \
	-ffile-prefix-map=$(CURDIR)/=
SANFLAGS_address := -fsanitize=address,undefined -fno-sanitize-recover=undefined -DVMINI_ASAN
SANFLAGS_thread := -fsanitize=thread -DVMINI_TSAN
SANFLAGS := $(SANFLAGS_$(SANITIZE))
WDK := -Isrc/host/wdk/nt -Isrc/host/wdk/storport
HOST_CFLAGS := $(COMMON) $(WARN) $(SANFLAGS) -D_GNU_SOURCE= -Isrc/host $(WDK) -Isrc
# The driver's calls as on Windows: imports through a table of addresses, not through stubs; and the home space of the
# callee's arguments reserved once for a function, not for each call (clang cannot).
DRIVER_CALLS := -fno-plt $(if $(findstring gcc,$(CC)),-maccumulate-outgoing-args)
DRIVER_CFLAGS := $(COMMON) $(WARN) $(SANFLAGS) -Wconversion -fshort-wchar -fno-semantic-interposition $(DRIVER_CALLS) -Isrc/driver $(WDK)
# Driver code linked into a unit test, and the test itself: it sees both sides of the fence.
UNIT_CFLAGS := $(COMMON) $(filter-out -Wmissing-prototypes,$(WARN)) $(SANFLAGS) -D_GNU_SOURCE= -fshort-wchar -Isrc/driver -Isrc/host $(WDK) -Isrc -Itests -Itests/support -I.
# Bound at the start, not at each first call: a test forks thousands of children, and each would bind anew.
LDFLAGS := $(SANFLAGS) -rdynamic -Wl,--no-as-needed -Wl,-z,now
LDLIBS := -lpthread -ldl -lm
NTHOST_LDLIBS := -ledit -lcjson -luv -lisal -lnettle
DRIVER_LDFLAGS := -shared $(SANFLAGS) -nostartfiles -Wl,-Bsymbolic -Wl,--version-script=mk/driver.map -Wl,-z,now

# --- sources -----------------------------------------------------------------------------------------------------------

DRIVER_SRC := $(sort $(wildcard src/driver/*/*.c src/driver/*/more/*.c))
HOST_SRC := $(sort $(wildcard src/host/*.c src/host/*/*.c))
# The management application: one source, and for each system what finds the adapter there.
VMINICTL_COMMON := src/tools/control/adapter.c src/tools/control/explain.c src/tools/control/text.c \
	src/tools/vminictl/main.c src/tools/vminictl/commands.c src/tools/vminictl/json.c
VMINICTL_SRC := $(VMINICTL_COMMON) src/tools/vminictl/os_socket.c src/tools/control/path_posix.c src/host/nt/utf.c \
	src/host/nt/win32path.c
NTHOST_SRC := $(sort $(wildcard src/tools/nthost/*.c) $(filter-out %_windows.c,$(wildcard src/tools/control/*.c)) \
	$(wildcard src/tools/probe/*.c src/tools/trace/*.c src/tools/iscsi/*.c))
BENCH_SRC := $(sort $(wildcard src/tools/bench/*.c))
DRIVER_OBJ := $(DRIVER_SRC:%.c=$(B)/%.o)
HOST_OBJ := $(HOST_SRC:%.c=$(B)/%.o)
SUPPORT_SRC := $(sort $(wildcard tests/support/*.c))
FIXTURE_SRC := $(sort $(wildcard tests/host/fixtures/*.c tests/host/ramdisk/*.c))
FIXTURES := $(patsubst %.c,$(B)/tests/fixtures/%.so,$(notdir $(FIXTURE_SRC))) $(B)/tests/fixtures/points-level2.so
CHAPTERS := 01-adapter 02-dispatch 03-scsi 04-workers 05-install 06-compliance
SUITES := $(CHAPTERS) host abi iscsi tools system

.PHONY: help help-all
help:
	@printf '%s\n' \
	'vmini: a virtual Storport miniport that you can read, run on Linux, and break on purpose.' '' \
	'  Try       make demo     boot a small Windows, connect a disk and a CD image, copy a file system through SRBs' \
	'            make test     the CUnit suites, chapter by chapter (make test CH=03: one chapter)' \
	'  Read      make docs     the book and the code as HTML, with search: build/docs/html/index.html' \
	'  Compare   make fixes    the fixes of chapter 6; make diff FIX=05: one with its story; make before: the driver without them' \
	'            make probe    what a protocol analyser finds: the driver before the fixes, and the finished one' \
	'  Practise  make labs     exercises: make lab LAB=6.1 begins one, make check LAB=6.1 judges it, make hint LAB=6.1 helps' \
	'  Measure   make bench    IOPS, round trips, instructions per READ, as ratios in one run' \
	'  Check     make sanitize the suites under ASan+UBSan and TSan; make lint: format, tidy, cppcheck, include rules' '' \
	'More: make help-all'
help-all: help
	@printf '%s\n' '' \
	'  make build            the driver (build/vmini.so), the host (build/nthost), the management program (build/vminictl)' \
	'  make demo DISK=x ISO=y  with images of your own, opened read-only' \
	'  make before FIX=05    the driver without fix 05; make history: a git repository with a commit for each fix' \
	'  make race FIX=11      a race: under every schedule, without the fix and with it, and the story of one that fails' \
	'  make matrix           without each fix exactly its declared checks fail; make captures: the stories show what runs show' \
	'  make probe FORMAT=html  the same as a page with every byte of every answer: build/probe.html' \
	'  make diagrams         the call graphs and swim-lanes of the chapters, from the source and recorded runs' \
	'  make solution LAB=6.1 how the finished driver does it; make labs-check: starters fail exactly their tests' \
	'  make explore          10,000 seeds of random commands, the searches of every schedule, and each suite at its full length' \
	'  make mutants          one seeded bug for each class of reference bugs: the suites must notice every one' \
	'  make deps-SET         installs the packages of one set of mk/deps.list (build demo test compare lint windows bench ci)' \
	'  make conformance      libiscsi'"'"'s suite against nthost serve; make soak: data; make bench-iscsi: beside tgtd; make fuzz' \
	'  make windows          a driver package for Windows, by mingw-w64: build/windows; test-sys: its vmini.sys, tested' \
	'  make test-wine        the same package installed, loaded and asked by Wine, a loader that nobody here wrote' \
	'  make compile          everything with gcc and with clang' \
	'  make docs-test        the book in a browser: links, narrow windows, the search (Chromium)' \
	'  make docs-check       a broken reference fails, and the output that the chapters show is fresh' \
	'  make compile_commands.json   for editors and clang-tidy' \
	'  make clean            removes build/'

# --- set-up ------------------------------------------------------------------------------------------------------------

.PHONY: deps-%
deps-%:
	@$(if $(filter skip,$(DEPS)),:,mk/deps.sh $*)

# --- what is built -----------------------------------------------------------------------------------------------------

.PHONY: build
build: deps-build
	@$(MAKE) --no-print-directory $(B)/nthost $(B)/vminictl $(B)/vmini.so

$(B)/src/driver/%.o: src/driver/%.c
	@mkdir -p $(@D)
	$(call say,CC,$@)
	$(Q)$(CC) $(DRIVER_CFLAGS) -c $< -o $@
$(B)/src/host/%.o: src/host/%.c
	@mkdir -p $(@D)
	$(call say,CC,$@)
	$(Q)$(CC) $(HOST_CFLAGS) -c $< -o $@
$(B)/src/tools/%.o: src/tools/%.c
	@mkdir -p $(@D)
	$(call say,CC,$@)
	$(Q)$(CC) $(HOST_CFLAGS) -c $< -o $@

# An import of the C library's wide-character functions would silently misread 16-bit WCHARs.
$(B)/vmini.so: $(DRIVER_OBJ) mk/driver.map mk/imports.sh src/driver/imports.txt
	$(call say,LINK,$@)
	$(Q)$(CC) $(DRIVER_LDFLAGS) -o $@ $(DRIVER_OBJ)
	@mk/imports.sh $@ src/driver/imports.txt

$(B)/vminictl: $(VMINICTL_SRC:%.c=$(B)/%.o)
	$(call say,LINK,$@)
	$(Q)$(CC) $(LDFLAGS) -o $@ $^

# The same driver with level 2 scheduling points (src/host/nt/points.c): each access to memory calls the host. Links without
# the sanitizer's runtime; `nthost --driver` takes it.
POINTS_CFLAGS := $(filter-out -O% $(SANFLAGS),$(DRIVER_CFLAGS)) -O1 -fno-inline -fno-optimize-sibling-calls \
	-fsanitize=thread
POINTS_LDFLAGS := $(filter-out $(SANFLAGS),$(DRIVER_LDFLAGS)) -Wl,--wrap=memcpy,--wrap=memmove,--wrap=memset
POINTS_OBJ := $(DRIVER_SRC:%.c=$(B)/points/%.o)
$(B)/points/src/driver/%.o: src/driver/%.c
	@mkdir -p $(@D)
	$(call say,CC,$@)
	$(Q)$(CC) $(POINTS_CFLAGS) -c $< -o $@
$(B)/points/vmini.so: $(POINTS_OBJ) mk/driver.map
	$(call say,LINK,$@)
	$(Q)$(CC) $(POINTS_LDFLAGS) -o $@ $(POINTS_OBJ)

$(B)/nthost: $(NTHOST_SRC:%.c=$(B)/%.o) $(HOST_OBJ)
	$(call say,LINK,$@)
	$(Q)$(CC) $(LDFLAGS) -o $@ $^ $(NTHOST_LDLIBS) $(LDLIBS)

$(B)/bench: $(BENCH_SRC:%.c=$(B)/%.o) $(HOST_OBJ)
	$(call say,LINK,$@)
	$(Q)$(CC) $(LDFLAGS) -o $@ $^ $(LDLIBS)

# --- tests -------------------------------------------------------------------------------------------------------------
# tests/NAME/test_x.c has `CU_ErrorCode register_x_suite(void)`; a runner per folder calls them all.

suite_names = $(patsubst test_%.c,%,$(notdir $(sort $(wildcard tests/$(1)/test_*.c))))

define runner
$(B)/tests/$(1)/suites.h: $(wildcard tests/$(1)/test_*.c) Makefile
	@mkdir -p $$(@D)
	@printf '%s\n' $$(foreach n,$$(call suite_names,$(1)),'SUITE($$(n))') >$$@.new
	@cmp -s $$@.new $$@ && rm $$@.new || mv $$@.new $$@
$(B)/tests/$(1)/main.o: tests/support/main.c $(B)/tests/$(1)/suites.h
	@mkdir -p $$(@D)
	$$(call say,CC,$$@)
	$$(Q)$$(CC) $$(UNIT_CFLAGS) -DSUITES_HEADER='"$(B)/tests/$(1)/suites.h"' -DRUNNER='"$(1)"' -c $$< -o $$@
$(B)/tests/$(1)/%.o: tests/$(1)/%.c
	@mkdir -p $$(@D)
	$$(call say,CC,$$@)
	$$(Q)$$(CC) $$(UNIT_CFLAGS) -c $$< -o $$@
$(B)/tests/$(1)/run: $(B)/tests/$(1)/main.o $$(patsubst %.c,$(B)/%.o,$$(sort $$(wildcard tests/$(1)/*.c))) $(2)
	$$(call say,LINK,$$@)
	$$(Q)$$(CC) $$(LDFLAGS) -o $$@ $$(filter %.o,$$^) -lcunit $$(LDLIBS)
endef

SUPPORT_OBJ := $(SUPPORT_SRC:%.c=$(B)/%.o)
$(B)/tests/support/%.o: tests/support/%.c
	@mkdir -p $(@D)
	$(call say,CC,$@)
	$(Q)$(CC) $(UNIT_CFLAGS) -c $< -o $@

# The chapters that need nothing but SRBs are tested alone, on a fake port; the others on the host's kernel.
FAKE_PORT := $(B)/tests/support/fake_port.o
HOST_SUPPORT := $(filter-out $(FAKE_PORT) $(B)/tests/support/main.o,$(SUPPORT_OBJ))
driver_objects = $(filter $(foreach c,$(1),$(B)/src/driver/$(c)-%),$(DRIVER_OBJ))
$(eval $(call runner,01-adapter,$(DRIVER_OBJ) $(HOST_OBJ) $(HOST_SUPPORT)))
$(eval $(call runner,02-dispatch,$(DRIVER_OBJ) $(HOST_OBJ) $(HOST_SUPPORT)))
$(eval $(call runner,03-scsi,$(call driver_objects,03 06) $(FAKE_PORT)))
$(eval $(call runner,04-workers,$(call driver_objects,04) $(HOST_OBJ) $(HOST_SUPPORT)))
$(eval $(call runner,05-install,$(call driver_objects,05) $(HOST_OBJ) $(HOST_SUPPORT)))
$(eval $(call runner,06-compliance,$(call driver_objects,06) $(FAKE_PORT)))
$(eval $(call runner,host,$(HOST_OBJ) $(HOST_SUPPORT)))
$(eval $(call runner,abi,))
TOOLS_OBJ := $(filter-out $(B)/src/tools/nthost/main.o,$(NTHOST_SRC:%.c=$(B)/%.o))
$(B)/tests/tools/run: LDLIBS += $(NTHOST_LDLIBS) -lutil
# What vminictl decides about volumes on Windows touches no system.
$(eval $(call runner,tools,$(TOOLS_OBJ) $(B)/src/tools/vminictl/volumes.o $(HOST_OBJ) $(HOST_SUPPORT)))
$(eval $(call runner,system,$(HOST_OBJ) $(HOST_SUPPORT)))

# The iSCSI target without its sockets and without the host: the state machine alone.
ISCSI_IO := $(addprefix $(B)/src/tools/iscsi/,server.o listener.o peer.o host_bus.o)
ISCSI_OBJ := $(filter-out $(ISCSI_IO),$(filter $(B)/src/tools/iscsi/%,$(NTHOST_SRC:%.c=$(B)/%.o)))
$(B)/tests/iscsi/run: LDLIBS += -lisal -lnettle
$(eval $(call runner,iscsi,$(ISCSI_OBJ)))

define fixture
$(B)/tests/fixtures/$(notdir $(1:.c=.so)): $(1) mk/driver.map
	@mkdir -p $$(@D)
	$$(call say,LINK,$$@)
	$$(Q)$$(CC) $$(filter-out -Wconversion,$$(DRIVER_CFLAGS)) $$(DRIVER_LDFLAGS) \
		$(if $(filter address,$(SANITIZE)),-fno-sanitize=null) -MF $$(@:.so=.d) -o $$@ $$<
endef
$(foreach f,$(FIXTURE_SRC),$(eval $(call fixture,$(f))))
$(B)/tests/fixtures/points-level2.so: tests/host/fixtures/points.c mk/driver.map
	@mkdir -p $(@D)
	$(call say,LINK,$@)
	$(Q)$(CC) $(filter-out -Wconversion,$(POINTS_CFLAGS)) -c -o $(@:.so=.o) $<
	$(Q)$(CC) $(POINTS_LDFLAGS) -o $@ $(@:.so=.o)

RUNNERS := $(foreach s,$(SUITES),$(if $(wildcard tests/$(s)/test_*.c),$(B)/tests/$(s)/run))
CH ?=
WANTED := $(if $(CH),$(filter $(B)/tests/$(CH)%,$(RUNNERS)),$(RUNNERS))
TEST_ENV := VMINI_FIXTURES=$(B)/tests/fixtures VMINI_DRIVER=$(B)/vmini.so VMINI_NTHOST=$(B)/nthost VMINI_VMINICTL=$(B)/vminictl
# Asked for before anything is installed or built.
ifeq ($(WANTED),)
ifneq ($(filter test check run-tests,$(MAKECMDGOALS)),)
$(error there are no tests for CH=$(CH); CH= takes one of: $(foreach c,$(CHAPTERS),$(firstword $(subst -, ,$(c)))) host abi iscsi tools system)
endif
endif

.PHONY: test run-tests
test: deps-test
	@$(MAKE) --no-print-directory run-tests
run-tests: $(WANTED) $(B)/vmini.so $(B)/nthost $(B)/vminictl $(FIXTURES)
	@SANITIZE=$(SANITIZE) $(TEST_ENV) mk/run-suites.sh $(WANTED)

.PHONY: sanitize
sanitize: deps-test
	$(MAKE) --no-print-directory SANITIZE=address run-tests
	$(MAKE) --no-print-directory SANITIZE=thread run-tests

.PHONY: compile
compile: deps-compile
	$(MAKE) --no-print-directory CC=gcc everything
	$(MAKE) --no-print-directory CC=clang everything
.PHONY: everything
everything: $(B)/vmini.so $(B)/points/vmini.so $(B)/nthost $(B)/vminictl $(RUNNERS) $(FIXTURES) $(if $(BENCH_SRC),$(B)/bench)

# --- demo, bench, checks -----------------------------------------------------------------------------------------------

.PHONY: demo run-demo
demo: deps-demo
	@$(MAKE) --no-print-directory run-demo
run-demo: $(B)/nthost $(B)/vmini.so
	@BUILD=$(B) DISK='$(DISK)' ISO='$(ISO)' MAKE='$(MAKE)' mk/demo.sh

.PHONY: bench
bench: deps-bench
	@$(MAKE) --no-print-directory $(B)/bench $(B)/vmini.so
	@mk/bench.sh $(B)

# What `make test` looks at briefly, at length. SEEDS=1000 (CI): fewer random scripts, and one preemption where two take long.
LONG_SUITES := badinput static fixes openclose
LONG_RUNNERS := $(addsuffix /run,$(addprefix $(B)/tests/,02-dispatch 04-workers host))
.PHONY: explore
explore: deps-test
	@$(MAKE) --no-print-directory $(B)/tests/system/run $(LONG_RUNNERS) $(B)/vmini.so $(FIXTURES)
	@$(TEST_ENV) VMINI_THOROUGH=1 VMINI_SEEDS=$(or $(SEEDS),10000) $(B)/tests/system/run --only explore
	@set -e; export VMINI_THOROUGH=1; \
	for suite in $(LONG_SUITES); do $(TEST_ENV) $(B)/tests/system/run --only $$suite; done; \
	for runner in $(LONG_RUNNERS); do $(TEST_ENV) $$runner; done

.PHONY: mutants
mutants: deps-mutants
	@mk/mutants.sh

include mk/serve.mk mk/diagrams.mk mk/windows.mk mk/probe.mk mk/variants.mk mk/labs.mk mk/docs.mk

# The stylesheet and the script of the probe's HTML are part of its object (.incbin), which the compiler does not tell.
$(B)/src/tools/probe/html.o: src/tools/probe/report.css src/tools/probe/report.js

.PHONY: lint
lint: deps-lint
	@mkdir -p build
	@mk/includes.sh
	@mk/lint.sh

compile_commands.json: Makefile $(DRIVER_SRC) $(HOST_SRC) $(NTHOST_SRC)
	@{ echo '['; sep=; \
	for f in $(DRIVER_SRC); do printf '%s{"directory":"%s","file":"%s","command":"$(CC) $(DRIVER_CFLAGS) -c %s"}' \
		"$$sep" "$(CURDIR)" $$f $$f; sep=','; done; \
	for f in $(HOST_SRC) $(NTHOST_SRC) $(BENCH_SRC); do \
		printf '%s{"directory":"%s","file":"%s","command":"$(CC) $(HOST_CFLAGS) -c %s"}' "$$sep" "$(CURDIR)" $$f $$f; \
		sep=','; done; echo ']'; } >$@

.PHONY: clean
clean:
	rm -rf build compile_commands.json

-include $(shell find $(B)/src $(B)/tests $(B)/points -name '*.d' 2>/dev/null)
