# The probe, on the driver as it was before the fixes and on the finished one: two columns. FORMAT=html writes a page
# instead, build/probe.html, with every answer of both side by side.
FORMAT ?= text
PROBE_OUTPUT := $(if $(filter html,$(FORMAT)),--output $(B)/probe.html)

.PHONY: probe run-probe
probe: deps-compare
	@$(MAKE) --no-print-directory run-probe
run-probe: $(B)/nthost $(B)/vmini.so build/variants/before/$(B)/vmini.so
	@$(B)/nthost probe --before --compare $(B)/vmini.so --format $(FORMAT) $(PROBE_OUTPUT)
	@$(if $(PROBE_OUTPUT),echo "the page: $(B)/probe.html")

# The page in a browser: what it explains by pointer, finger and keyboard, on a desk and on a phone, light and dark. Leaves
# pictures in build/probe-shots.
.PHONY: probe-test
probe-test: deps-docs-test
	@mk/npm.sh --all
	@$(MAKE) --no-print-directory probe FORMAT=html DEPS=skip
	@node mk/probe.mjs build/npm $(B)/probe.html build/probe-shots
