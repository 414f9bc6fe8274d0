# Call graphs and swim-lanes. The driver that tells its functions: the same source, each function announced to the host
# (src/host/image/functions.c); not optimised, so that none is inlined away.
CALLS_CFLAGS := $(filter-out -O%,$(DRIVER_CFLAGS)) -O0 -finstrument-functions \
	-finstrument-functions-exclude-file-list=src/host/wdk,endian.h
$(B)/calls/%.o: src/driver/%.c
	@mkdir -p $(@D)
	$(call say,CC,$@)
	$(Q)$(CC) $(CALLS_CFLAGS) -c $< -o $@
$(B)/calls/vmini.so: $(DRIVER_SRC:src/driver/%.c=$(B)/calls/%.o) mk/driver.map
	$(call say,LINK,$@)
	$(Q)$(CC) $(DRIVER_LDFLAGS) -o $@ $(filter %.o,$^)
-include $(shell find $(B)/calls -name '*.d' 2>/dev/null)

.PHONY: diagrams diagrams-check
diagrams: deps-docs
	@mk/diagrams.sh
diagrams-check: deps-docs
	@mk/diagrams.sh --check
