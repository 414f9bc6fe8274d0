# The driver before each fix of chapter 6: trees made on demand from src/ and chapters/06-compliance, below build/variants.
#
#   make before           all fixes reversed: build/variants/before, its driver build/variants/before/build/vmini.so
#   make before FIX=05    only that one: build/variants/before-05
#   make matrix           proves that without each fix just the declared checks fail (FIX=05: for one)
FIX ?=
VARIANTS_ENV := VARIANT_BUILD='$(B)' VARIANT_MAKE='CC=$(CC) SANITIZE=$(SANITIZE)'
VARIANTS := $(VARIANTS_ENV) mk/variants.py

.PHONY: fixes diff before history matrix race captures refresh-fixes
fixes: deps-compare
	@$(VARIANTS) list
diff: deps-compare
	@$(VARIANTS) diff '$(FIX)'
before: deps-compare
	@tree=$$($(VARIANTS) tree $(if $(FIX),'$(FIX)')) && \
	$(MAKE) --no-print-directory -C "$$tree" DEPS=skip $(B)/vmini.so && \
	printf '%s\n' "$$tree: the source" "$$tree/$(B)/vmini.so: the driver; try build/nthost run --driver $$tree/$(B)/vmini.so"
history: deps-compare
	@$(VARIANTS) history
matrix: deps-matrix
	@$(MAKE) --no-print-directory $(RUNNERS) $(B)/vmini.so $(B)/nthost $(FIXTURES)
	@$(VARIANTS) matrix $(FIX)
# The fixes that are about races: every schedule, without the fix and with it, and the story of one that fails.
SEEDS ?= 2000
race: deps-compare
	@$(MAKE) --no-print-directory $(B)/nthost $(B)/points/vmini.so
	@$(VARIANTS_ENV) mk/race.py --seeds $(SEEDS) $(FIX)
# The answers in the stories are those of the drivers; and after code around a fix has changed, its patch anew.
captures: deps-matrix
	@$(MAKE) --no-print-directory $(RUNNERS) $(B)/vmini.so $(B)/nthost $(FIXTURES)
	@$(VARIANTS) capture $(FIX)
refresh-fixes: deps-compare
	@$(VARIANTS) refresh $(FIX)
