# The book and the code as HTML: build/docs/html/index.html, by Doxygen; and the proof that it notices broken references.
# The output that the chapters show is kept by mk/outputs.sh: they run the driver here, and as the package for Windows.
.PHONY: docs docs-check docs-test
docs: deps-docs
	@mk/docs.sh
docs-check: deps-docs deps-windows
	@mk/docs.sh --canary
	@mk/outputs.sh --check
	@$(VARIANTS) page --check
# In a browser: links, anchors, the console, narrow windows, the search. Leaves pictures in build/docs/shots.
docs-test: deps-docs-test
	@[ -f build/docs/html/index.html ] || mk/docs.sh
	@mk/npm.sh --all
	@node mk/docs/pages.mjs build/npm build/docs/html build/docs/shots
