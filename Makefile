.DEFAULT_GOAL := help
.PHONY: help demo test lint format bench

help:     ## Show this list
	@grep -hE '^[a-z]+: .*##' $(MAKEFILE_LIST) | sed 's/:.*## /\t/'
demo:     ## Break a shop in the sandbox and roll it back
	./dev demo
test:     ## The whole test suite
	./dev test
lint:     ## Lint, types, layers, schemas
	./dev lint
format:   ## Rewrite files in place
	./dev format
bench:    ## The benchmarks
	./dev bench
