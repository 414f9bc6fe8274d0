# The book and the code as HTML: build/docs/html/index.html, by Doxygen; and the proof that it notices broken references.
# The output that the chapters show is kept by mk/outputs.sh, which needs no packages beyond those of `make build`.
.PHONY: docs docs-check
docs: deps-docs
	@mk/docs.sh
docs-check: deps-docs
	@mk/docs.sh --canary
	@mk/outputs.sh --check
