# The driver as Windows loads it, by mingw-w64: build/windows is a package to be copied to a Windows machine, build/mingw
# what it is made from, and the miniports of the tests in the same form. A .sys may import what mk/windows/*.def list, and
# nothing else: no C library, no libgcc. The same source gives the same bytes in any folder and at any time
# (mk/windows/reproducible.sh proves it).
MINGW ?= x86_64-w64-mingw32-
MINGW_DDK ?= /usr/x86_64-w64-mingw32/include/ddk
WIN := build/windows
MW := build/mingw
HAVE_MINGW := $(shell command -v $(MINGW)gcc)

SYS_CFLAGS := -std=gnu11 -O2 -g -fno-omit-frame-pointer -fno-strict-aliasing -fno-stack-protector -fno-ident -mcmodel=small -MMD -MP \
	'-ffile-prefix-map=$(CURDIR)=.' $(WARN) -Wframe-larger-than=2048 \
	-Isrc/driver -Isrc/host/wdk/mingw -Isrc/host/wdk/storport -isystem $(MINGW_DDK)
# Windows 10; loaded anywhere, data never executed; no date.
SYS_LDFLAGS := -nostdlib -Wl,--subsystem,native:10.0 -Wl,--major-os-version,10 -Wl,--minor-os-version,0 \
	-Wl,--entry,DriverEntry -Wl,--dynamicbase,--nxcompat,--high-entropy-va -Wl,--no-insert-timestamp
SYS_LIBS := $(MW)/libntoskrnl.a $(MW)/libstorport.a
SYS_OBJ := $(DRIVER_SRC:%.c=$(MW)/%.o) $(MW)/src/driver/05-install/vmini.res
SYS_FIXTURE_SRC := $(sort $(wildcard tests/host/ramdisk/*.c tests/host/sys/*.c))
SYS_FIXTURES := $(patsubst %.c,$(MW)/fixtures/%.sys,$(notdir $(SYS_FIXTURE_SRC)))
PACKAGE := $(WIN)/vmini.sys $(WIN)/vmini.inf $(WIN)/vminictl.exe $(WIN)/README.txt
SYS_OUTPUT := $(PACKAGE) $(MW)/vmini.sys.debug $(SYS_FIXTURES)

.PHONY: windows
windows: deps-windows
	@$(MAKE) --no-print-directory $(SYS_OUTPUT) $(B)/nthost
	@printf '%s\n' '$(WIN): a driver package for Windows; README.txt says how it is signed and installed.' \
		'Try it here: build/nthost run --inf $(WIN)/vmini.inf'

# As Windows programs like their text.
$(WIN)/vmini.inf: src/driver/05-install/vmini.inf
	@mkdir -p $(@D)
	$(Q)sed 's/$$/\r/' $< >$@
$(WIN)/README.txt: mk/windows/README.txt
	@mkdir -p $(@D)
	$(Q)sed 's/$$/\r/' $< >$@

$(MW)/src/driver/%.o: src/driver/%.c
	@mkdir -p $(@D)
	$(call say,CC,$@)
	$(Q)$(MINGW)gcc $(SYS_CFLAGS) -Wconversion -c $< -o $@
$(MW)/src/driver/%.res: src/driver/%.rc
	@mkdir -p $(@D)
	$(call say,RC,$@)
	$(Q)$(MINGW)windres --output-format=coff $< $@
$(MW)/lib%.a: mk/windows/%.def
	@mkdir -p $(@D)
	$(Q)$(MINGW)dlltool -d $< -l $@
$(MW)/postlink: mk/windows/postlink.c
	@mkdir -p $(@D)
	$(Q)$(CC) -std=gnu11 -O1 $(WARN) -o $@ $<

# With and without what gdb needs; the names of the functions stay in both, for the stacks of bugchecks.
$(WIN)/vmini.sys: $(SYS_OBJ) $(SYS_LIBS) $(MW)/postlink
	@mkdir -p $(@D)
	$(call say,LINK,$@)
	$(Q)$(MINGW)gcc $(SYS_LDFLAGS) -Wl,-S -o $@ $(SYS_OBJ) $(SYS_LIBS)
	$(Q)$(MW)/postlink $@
$(MW)/vmini.sys.debug: $(SYS_OBJ) $(SYS_LIBS)
	$(call say,LINK,$@)
	$(Q)$(MINGW)gcc $(SYS_LDFLAGS) -o $@ $(SYS_OBJ) $(SYS_LIBS)

# vminictl.exe: an ordinary program.
EXE_CFLAGS := -std=gnu11 -O2 -g -fno-ident -MMD -MP '-ffile-prefix-map=$(CURDIR)=.' $(WARN) -D_WIN32_WINNT=0x0A00 \
	-D__USE_MINGW_ANSI_STDIO=1 -Isrc -Isrc/host -Isrc/host/wdk/storport
EXE_SRC := $(VMINICTL_COMMON) src/tools/vminictl/os_windows.c src/tools/vminictl/volumes.c \
	src/tools/vminictl/volumes_windows.c src/tools/control/path_windows.c
EXE_LIBS := -lsetupapi -lcfgmgr32 -lshell32 -lntdll
EXE_OBJ := $(EXE_SRC:%.c=$(MW)/%.o)
$(MW)/src/tools/%.o: src/tools/%.c
	@mkdir -p $(@D)
	$(call say,CC,$@)
	$(Q)$(MINGW)gcc $(EXE_CFLAGS) -c $< -o $@
$(WIN)/vminictl.exe: $(EXE_OBJ)
	@mkdir -p $(@D)
	$(call say,LINK,$@)
	$(Q)$(MINGW)gcc -static -Wl,--dynamicbase,--nxcompat,--high-entropy-va -Wl,--no-insert-timestamp -s -o $@ $(EXE_OBJ) \
		$(EXE_LIBS)

define sys_fixture
$(MW)/fixtures/$(notdir $(1:.c=.sys)): $(1) $(SYS_LIBS) $(MW)/postlink
	@mkdir -p $$(@D)
	$$(call say,LINK,$$@)
	$$(Q)$(MINGW)gcc $$(SYS_CFLAGS) $$(SYS_LDFLAGS) -Wl,-S -MF $$(@:.sys=.d) -o $$@ $$< $(SYS_LIBS)
	$$(Q)$(MW)/postlink $$@
endef
$(foreach f,$(SYS_FIXTURE_SRC),$(eval $(call sys_fixture,$(f))))

# Where mingw-w64 is installed, the tests run on images that are up to date; elsewhere they say that they were skipped.
ifneq ($(HAVE_MINGW),)
run-tests: $(SYS_OUTPUT)
TEST_ENV += VMINI_SYS=$(WIN)/vmini.sys VMINI_SYS_FIXTURES=$(MW)/fixtures
endif

# The system suites on the .sys; not the exhaustive searches: same_trace shows that those would see the same.
.PHONY: test-sys run-test-sys
test-sys: deps-windows deps-test
	@$(MAKE) --no-print-directory run-test-sys
run-test-sys: $(B)/tests/system/run $(B)/vmini.so $(SYS_OUTPUT) $(FIXTURES)
	@for suite in $$($(B)/tests/system/run --list | grep -vx explore); do \
		$(TEST_ENV) VMINI_DRIVER=$(WIN)/vmini.sys $(B)/tests/system/run --only $$suite || exit 1; done

# --- Wine as an outside loader ------------------------------------------------------------------------------------------
# storport.sys: the host's own port driver, which calls NT routines only, without what ties it to the simulator; and what
# Wine's kernel lacks.
WINE_CFLAGS := $(filter-out -Wframe-larger-than=2048 -Isrc/driver,$(SYS_CFLAGS)) -Wno-multichar -Isrc/host \
	-DSTORPORT_STANDALONE -DSTORPORT_API=
PORT_SRC := $(filter-out %/hooks.c,$(shell grep -L '"host.h"\|storport/api.h\|storport/class.h' src/host/storport/*.c))
PORT_OBJ := $(PORT_SRC:src/host/storport/%.c=$(MW)/wine/%.o) $(MW)/wine/glue.o $(MW)/wine/csq.o
WINE_OUTPUT := $(MW)/wine/storport.sys $(MW)/wine/devnode.exe $(MW)/wine/volumes.exe

$(MW)/wine/%.o: src/host/storport/%.c
	@mkdir -p $(@D)
	$(call say,CC,$@)
	$(Q)$(MINGW)gcc $(WINE_CFLAGS) -c $< -o $@
$(MW)/wine/glue.o: tests/wine/glue.c
	@mkdir -p $(@D)
	$(Q)$(MINGW)gcc $(WINE_CFLAGS) -c $< -o $@
$(MW)/wine/csq.o: src/host/nt/csq.c
	@mkdir -p $(@D)
	$(Q)$(MINGW)gcc -Itests/wine $(WINE_CFLAGS) -Wno-missing-prototypes -c $< -o $@
$(MW)/wine/libntoskrnl.a: tests/wine/ntoskrnl.def
	@mkdir -p $(@D)
	$(Q)$(MINGW)dlltool -d $< -l $@
$(MW)/wine/storport.def: mk/windows/storport.def
	@mkdir -p $(@D)
	$(Q)sed 's/^    StorPortInitialize$$/&=GlueStorPortInitialize/' $< >$@
$(MW)/wine/storport.sys: $(PORT_OBJ) $(MW)/wine/libntoskrnl.a $(MW)/wine/storport.def
	$(call say,LINK,$@)
	$(Q)$(MINGW)gcc -shared -nostdlib -Wl,--subsystem,native -Wl,--entry,DriverEntryOfStorport -Wl,-S \
		-Wl,--no-insert-timestamp -o $@ $^
$(MW)/wine/devnode.exe: tests/wine/devnode.c
	@mkdir -p $(@D)
	$(Q)$(MINGW)gcc -municode -O1 $(WARN) -Wno-missing-prototypes -static -s -o $@ $< -lsetupapi -lnewdev
$(MW)/wine/volumes.exe: tests/wine/volumes.c $(EXE_OBJ)
	$(call say,LINK,$@)
	$(Q)$(MINGW)gcc $(filter-out -MMD -MP,$(EXE_CFLAGS)) -static -s -o $@ $< $(filter-out %/main.o,$(EXE_OBJ)) $(EXE_LIBS)

.PHONY: test-wine run-test-wine
test-wine: deps-wine
	@$(MAKE) --no-print-directory run-test-wine
run-test-wine: $(PACKAGE) $(WINE_OUTPUT) $(B)/nthost $(B)/vmini.so
	@mk/wine.sh

-include $(PORT_OBJ:.o=.d) $(DRIVER_SRC:%.c=$(MW)/%.d) $(EXE_OBJ:.o=.d) $(SYS_FIXTURES:.sys=.d)
