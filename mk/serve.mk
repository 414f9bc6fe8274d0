# Real initiators: what judges, loads and fuzzes `nthost serve`.
#
#   make fuzz             the target's parser and state machine under libFuzzer; FUZZ_SECONDS=300
#   make conformance      libiscsi's suite, also on the driver without each of the ten fixes: the tables of
#                         chapters/real-initiators.md; CHECK=1: the suite on the finished driver only, and no table
FUZZ_SECONDS ?= 300
ISCSI_SRC := $(patsubst $(B)/%.o,%.c,$(ISCSI_OBJ))
FUZZ_SRC := tests/fuzz/iscsi_target.c tests/iscsi/fake_bus.c tests/iscsi/initiator.c $(ISCSI_SRC)

.PHONY: fuzz conformance
build/fuzz/iscsi: $(FUZZ_SRC) $(wildcard src/tools/iscsi/*.h tests/iscsi/*.h)
	@mkdir -p $(@D)
	$(call say,LINK,$@)
	$(Q)clang -std=gnu11 -O1 -g -D_GNU_SOURCE= -Isrc -fno-omit-frame-pointer -fsanitize=fuzzer,address,undefined \
		-fno-sanitize-recover=undefined -o $@ $(FUZZ_SRC) -lisal -lnettle
# New inputs stay in build/fuzz/corpus, so that the next run goes on where this one ended; a crash is kept as a file.
fuzz: deps-fuzz
	@$(MAKE) --no-print-directory build/fuzz/iscsi
	@mkdir -p build/fuzz/corpus
	@build/fuzz/iscsi -max_total_time=$(FUZZ_SECONDS) -max_len=4096 -rss_limit_mb=1024 -timeout=10 -print_final_stats=1 \
		-verbosity=0 -artifact_prefix=build/fuzz/ build/fuzz/corpus 2>&1 | tail -n 20 >build/fuzz/log; \
	status=$$(grep -c 'ERROR\|SUMMARY' build/fuzz/log); cat build/fuzz/log; [ "$$status" = 0 ]

conformance: deps-conformance
	@$(MAKE) --no-print-directory $(B)/nthost $(B)/vmini.so
	@BUILD=$(B) mk/conformance.py $(if $(CHECK),run,page)

# Data: 100,000 operations against a model of every byte, images there and back by qemu-img.
.PHONY: soak
soak: deps-serve
	@$(MAKE) --no-print-directory $(B)/nthost $(B)/vmini.so $(B)/soak
	@BUILD=$(B) mk/soak.sh
$(B)/soak: tests/soak/soak.c
	@mkdir -p $(@D)
	$(call say,LINK,$@)
	$(Q)$(CC) $(COMMON) $(WARN) $(SANFLAGS) -D_GNU_SOURCE= -o $@ $< -liscsi

# Speed: tgtd and ours, side by side.
.PHONY: bench-iscsi
bench-iscsi: deps-serve
	@$(MAKE) --no-print-directory $(B)/nthost $(B)/vmini.so $(B)/pingpong
	@BUILD=$(B) mk/bench_iscsi.py --page
$(B)/pingpong: tests/bench/pingpong.c
	@mkdir -p $(@D)
	$(call say,LINK,$@)
	$(Q)$(CC) $(COMMON) $(WARN) $(SANFLAGS) -o $@ $<
