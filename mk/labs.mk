# The workshop: mk/labs.py. `make check` alone is `make test`; with LAB= it judges a lab.
#
#   make labs                the list                make hint LAB=6.1       the next hint
#   make lab LAB=6.1         makes its tree          make solution LAB=6.1   after the check has passed
#   make check LAB=6.1       builds and judges       make labs-check         CI: starters fail exactly their tests
LAB ?=
LABS := VARIANT_BUILD='$(B)' VARIANT_MAKE='CC=$(CC) SANITIZE=$(SANITIZE)' mk/labs.py

.PHONY: labs lab check hint solution labs-check
labs: deps-labs
	@$(LABS) list
lab: deps-labs
	@$(LABS) start '$(LAB)' $(if $(AGAIN),--again)
ifneq ($(LAB),)
check: deps-labs
	@$(LABS) check '$(LAB)' $(if $(JSON),--json)
else
check: test
endif
hint: deps-labs
	@$(LABS) hint '$(LAB)'
solution: deps-labs
	@$(LABS) solution '$(LAB)' $(if $(SURE),--sure)
labs-check: deps-matrix
	@$(MAKE) --no-print-directory $(RUNNERS) $(B)/vmini.so $(B)/nthost $(FIXTURES)
	@$(LABS) prove $(LAB)
