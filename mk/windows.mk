# The driver as Windows loads it: build/windows/vmini.sys, by mingw-w64; and the miniports of the tests in the same form.
# A .sys may import what mk/windows/*.def list, and nothing else: no C library, no libgcc. The same source gives the same
# bytes in any folder and at any time (mk/windows/reproducible.sh proves it).
MINGW ?= x86_64-w64-mingw32-
MINGW_DDK ?= /usr/x86_64-w64-mingw32/include/ddk
WIN := build/windows
HAVE_MINGW := $(shell command -v $(MINGW)gcc)

SYS_CFLAGS := -std=gnu11 -O2 -g -fno-omit-frame-pointer -fno-strict-aliasing -fno-stack-protector -fno-ident -mcmodel=small -MMD -MP \
	'-ffile-prefix-map=$(CURDIR)=.' $(WARN) -Wframe-larger-than=2048 \
	-Isrc/driver -Isrc/host/wdk/mingw -Isrc/host/wdk/storport -isystem $(MINGW_DDK)
# Windows 10; loaded anywhere, data never executed; no date.
SYS_LDFLAGS := -nostdlib -Wl,--subsystem,native:10.0 -Wl,--major-os-version,10 -Wl,--minor-os-version,0 \
	-Wl,--entry,DriverEntry -Wl,--dynamicbase,--nxcompat,--high-entropy-va -Wl,--no-insert-timestamp
SYS_LIBS := $(WIN)/libntoskrnl.a $(WIN)/libstorport.a
SYS_OBJ := $(DRIVER_SRC:%.c=$(WIN)/%.o) $(WIN)/src/driver/05-install/vmini.res
SYS_FIXTURE_SRC := $(sort $(wildcard tests/host/ramdisk/*.c tests/host/sys/*.c))
SYS_FIXTURES := $(patsubst %.c,$(WIN)/fixtures/%.sys,$(notdir $(SYS_FIXTURE_SRC)))
SYS_OUTPUT := $(WIN)/vmini.sys $(WIN)/vmini.sys.debug $(SYS_FIXTURES)

.PHONY: windows-sys
windows-sys: deps-windows
	@$(MAKE) --no-print-directory $(SYS_OUTPUT)

$(WIN)/src/driver/%.o: src/driver/%.c
	@mkdir -p $(@D)
	$(call say,CC,$@)
	$(Q)$(MINGW)gcc $(SYS_CFLAGS) -Wconversion -c $< -o $@
$(WIN)/src/driver/%.res: src/driver/%.rc
	@mkdir -p $(@D)
	$(call say,RC,$@)
	$(Q)$(MINGW)windres --output-format=coff $< $@
$(WIN)/lib%.a: mk/windows/%.def
	@mkdir -p $(@D)
	$(Q)$(MINGW)dlltool -d $< -l $@
$(WIN)/postlink: mk/windows/postlink.c
	@mkdir -p $(@D)
	$(Q)$(CC) -std=gnu11 -O1 $(WARN) -o $@ $<

# With and without what gdb needs; the names of the functions stay in both, for the stacks of bugchecks.
$(WIN)/vmini.sys: $(SYS_OBJ) $(SYS_LIBS) $(WIN)/postlink
	$(call say,LINK,$@)
	$(Q)$(MINGW)gcc $(SYS_LDFLAGS) -Wl,-S -o $@ $(SYS_OBJ) $(SYS_LIBS)
	$(Q)$(WIN)/postlink $@
$(WIN)/vmini.sys.debug: $(SYS_OBJ) $(SYS_LIBS)
	$(call say,LINK,$@)
	$(Q)$(MINGW)gcc $(SYS_LDFLAGS) -o $@ $(SYS_OBJ) $(SYS_LIBS)

# vminictl.exe: an ordinary program.
EXE_CFLAGS := -std=gnu11 -O2 -g -fno-ident -MMD -MP '-ffile-prefix-map=$(CURDIR)=.' $(WARN) -D_WIN32_WINNT=0x0A00 \
	-D__USE_MINGW_ANSI_STDIO=1 -Isrc -Isrc/host -Isrc/host/wdk/storport
EXE_SRC := $(VMINICTL_COMMON) src/tools/vminictl/os_windows.c src/tools/control/path_windows.c
EXE_OBJ := $(EXE_SRC:%.c=$(WIN)/%.o)
$(WIN)/src/tools/%.o: src/tools/%.c
	@mkdir -p $(@D)
	$(call say,CC,$@)
	$(Q)$(MINGW)gcc $(EXE_CFLAGS) -c $< -o $@
$(WIN)/vminictl.exe: $(EXE_OBJ)
	$(call say,LINK,$@)
	$(Q)$(MINGW)gcc -static -Wl,--dynamicbase,--nxcompat,--high-entropy-va -Wl,--no-insert-timestamp -s -o $@ $(EXE_OBJ) \
		-lsetupapi -lshell32 -lntdll

define sys_fixture
$(WIN)/fixtures/$(notdir $(1:.c=.sys)): $(1) $(SYS_LIBS) $(WIN)/postlink
	@mkdir -p $$(@D)
	$$(call say,LINK,$$@)
	$$(Q)$(MINGW)gcc $$(SYS_CFLAGS) $$(SYS_LDFLAGS) -Wl,-S -MF $$(@:.sys=.d) -o $$@ $$< $(SYS_LIBS)
	$$(Q)$(WIN)/postlink $$@
endef
$(foreach f,$(SYS_FIXTURE_SRC),$(eval $(call sys_fixture,$(f))))

# Where mingw-w64 is installed, the tests run on images that are up to date; elsewhere they say that they were skipped.
ifneq ($(HAVE_MINGW),)
run-tests: $(SYS_OUTPUT)
TEST_ENV += VMINI_SYS=$(WIN)/vmini.sys VMINI_SYS_FIXTURES=$(WIN)/fixtures
endif

# The system suites on the .sys; not the exhaustive searches: same_trace shows that those would see the same.
.PHONY: test-sys run-test-sys
test-sys: deps-windows deps-test
	@$(MAKE) --no-print-directory run-test-sys
run-test-sys: $(B)/tests/system/run $(B)/vmini.so $(SYS_OUTPUT) $(FIXTURES)
	@for suite in $$($(B)/tests/system/run --list | grep -vx explore); do \
		$(TEST_ENV) VMINI_DRIVER=$(WIN)/vmini.sys $(B)/tests/system/run --only $$suite || exit 1; done

-include $(DRIVER_SRC:%.c=$(WIN)/%.d) $(EXE_OBJ:.o=.d) $(SYS_FIXTURES:.sys=.d)
