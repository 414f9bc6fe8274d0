# The driver before each fix of chapter 6: trees made on demand from src/ and chapters/06-compliance, below build/variants.
#
#   make before           all fixes reversed: build/variants/before, its driver build/variants/before/build/vmini.so
#   make before FIX=05    only that one: build/variants/before-05
#   make matrix           proves that without each fix just the declared checks fail (FIX=05: for one; RECORD=1: declares
#                         what fails: look at it with git diff)
#   make race             the fixes that are about races (FIX=11: one): every schedule, without the fix and with it, and the
#                         story of one that fails
#   make captures         the answers in the stories are those of the drivers (WRITE=1: takes the new ones)
#   make refresh-fixes    the patches anew, after code around them has changed
FIX ?=
VARIANTS := VARIANT_BUILD='$(B)' VARIANT_MAKE='CC=$(CC) SANITIZE=$(SANITIZE)' python3 -B mk/variants
VARIANT_TOOLS := $(patsubst %,$(B)/tests/%/run,$(CHAPTERS) system) $(B)/vmini.so $(B)/points/vmini.so $(B)/nthost $(FIXTURES)

.PHONY: fixes diff before history matrix matrix-page race captures refresh-fixes
fixes: deps-compare
	@$(VARIANTS) list
diff: deps-compare
	@$(VARIANTS) diff '$(FIX)'
# Anew only when the driver or a fix has changed: what the demo and the probe look at.
BEFORE := build/variants/before/$(B)/vmini.so
$(BEFORE): $(B)/vmini.so $(wildcard chapters/06-compliance/*/fix.patch)
	$(call say,MAKE,$@)
	$(Q)$(VARIANTS) tree >/dev/null
	$(Q)$(MAKE) -s --no-print-directory -C build/variants/before DEPS=skip $(B)/vmini.so
before: deps-compare
	@tree=$$($(VARIANTS) tree $(if $(FIX),'$(FIX)')) && \
	$(MAKE) --no-print-directory -C "$$tree" DEPS=skip $(B)/vmini.so && \
	printf '%s\n' "$$tree: the source" "$$tree/$(B)/vmini.so: the driver; try build/nthost run --driver $$tree/$(B)/vmini.so"
history: deps-compare
	@$(VARIANTS) history
matrix: deps-matrix
	@$(VARIANTS) known --matrix $(FIX)
	@$(MAKE) -s --no-print-directory $(VARIANT_TOOLS)
	@$(VARIANTS) matrix $(if $(RECORD),--record) $(FIX)
matrix-page: deps-compare
	@$(VARIANTS) page
race: deps-compare
	@$(VARIANTS) known --race $(FIX)
	@$(MAKE) -s --no-print-directory $(B)/nthost $(B)/points/vmini.so
	@$(VARIANTS) race $(FIX)
captures: deps-matrix
	@$(VARIANTS) known $(FIX)
	@$(MAKE) -s --no-print-directory $(VARIANT_TOOLS)
	@$(VARIANTS) capture $(if $(WRITE),--write) $(FIX)
refresh-fixes: deps-compare
	@$(VARIANTS) refresh $(FIX)
