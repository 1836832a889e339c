# Everything a newcomer needs: `make run` shows the product, `make test` proves it.
SHELL := /usr/bin/env bash
.SHELLFLAGS := -eu -o pipefail -c
.DEFAULT_GOAL := help

VERSION ?= $(shell git describe --tags --always --dirty 2>/dev/null || echo dev)
LDFLAGS := -s -w -X main.version=$(VERSION)

UI_SOURCES := $(shell find web/ui -path web/ui/node_modules -prune -o -path web/ui/dist -prune -o -type f -print 2>/dev/null)

.PHONY: help
help: ## list the targets
	@grep -hE '^[a-z]+:.*##' $(MAKEFILE_LIST) | sed -E 's/:.*##/\t/' | expand -t 12

.PHONY: run
run: build ## the demo: sample city, real SIP traffic on loopback, desk in the browser
	bin/hotline demo

.PHONY: build
build: ui ## bin/hotline and bin/callsim
	go build -ldflags '$(LDFLAGS)' -o bin/ ./cmd/hotline ./cmd/callsim

.PHONY: ui
ui: web/ui/dist/.built ## the pages, into web/ui/dist

web/ui/node_modules/.installed: web/ui/package-lock.json web/ui/.npmrc
	cd web/ui && PLAYWRIGHT_SKIP_BROWSER_DOWNLOAD=1 npm ci --no-audit --no-fund --loglevel=error
	touch $@

web/ui/dist/.built: web/ui/node_modules/.installed $(filter-out web/ui/package-lock.json,$(UI_SOURCES))
	cd web/ui && npm run --silent build
	touch $@

.PHONY: test
test: ## lint, generate check and every test, engines included; installs what is missing where it may
	.ci/test

.PHONY: drill
drill: ## the long ones: soaks, kill -9 drills, races; HOTLINE_DRILL is how long each runs (10m)
	HOTLINE_DRILL=$${HOTLINE_DRILL:-10m} .ci/test drill

.PHONY: lint
lint: ## golangci-lint, licences of all parts (bin/parts.json, CycloneDX) and vue-tsc
	.ci/setup lint
	PATH="$$(.ci/setup path):$$PATH" golangci-lint run ./...
	.ci/licences bin/parts.json
	cd web/ui && npm run --silent lint

.PHONY: audit
audit: ## known weaknesses of the parts; asks vuln.go.dev
	go run golang.org/x/vuln/cmd/govulncheck@v1.9.0 ./...
	cd web/ui && npm audit --omit=dev

.PHONY: generate
generate: ## OpenAPI, TypeScript types, the tables of actions and rights
	go run ./cmd/hotline generate --openapi docs/openapi.json --actions docs/actions.md --permissions docs/permissions.md
	cd web/ui && npm run --silent generate

.PHONY: bench
bench: ## prints a line a figure beside its baseline and writes bench.json; ONLY=name for one
	.ci/setup bench
	.ci/engines go run ./cmd/bench --only "$(ONLY)" --out bench.json
