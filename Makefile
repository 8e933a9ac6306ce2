# Everything that can be done with the project; `make` alone lists it.
SHELL := /bin/sh
.DEFAULT_GOAL := help
.PHONY: help engine images moby cluster cluster-down build dist demo check golden docs test test-cluster parity soak bench recording corpus fuzz clean distclean

help: ## list the targets
	@awk -F ':.*## ' '/^[a-z-]+:.*## / {printf "  make %-12s %s\n", $$1, $$2}' $(MAKEFILE_LIST)

engine: ## make sure that a container engine answers (installs and starts one on Debian as root)
	@integration/images/engine.sh

images: engine ## build the images that tests and demo need, without a registry
	@integration/images/images.sh

moby: ## build the Docker engine of today that some tests run on, without a registry
	@integration/images/moby.sh

cluster: images ## bring up the Kubernetes cluster that some tests run on (builds it once, in 10 to 16 minutes; Linux, root)
	@integration/cluster/cluster.sh

cluster-down: ## stop that cluster and remove what it has on the machine
	@integration/cluster/cluster.sh down

dist: ## write what is published of a version to dist/: archives for each system, checksums, a formula for Homebrew
	rm -rf dist
	go run ./integration/dist dist

build: ## build bin/ktask
	CGO_ENABLED=0 go build -trimpath -o bin/ktask .

demo: engine build ## run a deno, a python and a container task
	@integration/images/images.sh demo
	@examples/demo.sh

check: ## everything that needs no engine, in about a minute: vet, formatting, staticcheck, go.mod, unit tests
	go vet ./...
	@unformatted=$$(gofmt -l .); [ -z "$$unformatted" ] || { echo "run gofmt -w on:" $$unformatted >&2; exit 1; }
	go mod tidy -diff
	go tool staticcheck ./...
	go vet -tags cluster ./engine/kubernetes ./integration/e2e ./integration/parity
	go -C integration/newest mod tidy -diff
	go -C integration/newest vet ./... github.com/ktask/ktask/integration/tasktest
	go -C integration/recording mod tidy -diff
	go -C integration/recording vet ./...
	go -C integration/recording test -count 1 -short ./...
	go test -short $$(go list ./... | grep -v /integration/) ./integration/layout ./integration/corpus ./integration/bench ./integration/parity

golden: ## write the expected outputs of all tests anew; look at the diff before you commit it
	go test -short $$(grep -rlE 'flag\.Bool\("update"' --include=*_test.go . | xargs -n1 dirname | sort -u) -update

docs: images ## run the commands of README.md and docs/ and write their output anew; look at the diff before you commit it
	go test ./integration/e2e -run '^TestDocs$$' -write-docs

# What asks much of the engine: one after the other, so that none is judged by the load that the other makes.
ENGINE := engine/docker integration/e2e integration/attack

test: images moby ## vet for each system, check the formatting and test everything, on the real engine
	go vet ./...
	GOOS=darwin go vet ./...
	GOOS=windows go vet ./...
	@unformatted=$$(gofmt -l .); [ -z "$$unformatted" ] || { echo "run gofmt -w on:" $$unformatted >&2; exit 1; }
	go test -race -timeout 20m $$(go list ./... | grep -v $(ENGINE:%=-e /%$$))
	go -C integration/newest test -race -timeout 20m github.com/ktask/ktask/integration/tasktest
	go -C integration/recording test -count 1 -race ./...
	TESTCONTAINERS_RYUK_DISABLED=true go test -race -timeout 20m -p 1 $(ENGINE:%=./%)

test-cluster: cluster ## test the engine and the command on that cluster
	go -C integration/cluster mod tidy -diff
	KUBECONFIG=$$(integration/cluster/cluster.sh kubeconfig) go test -race -count 1 -timeout 20m -tags cluster ./engine/kubernetes
	KUBECONFIG=$$(integration/cluster/cluster.sh kubeconfig) go test -count 1 -timeout 10m -tags cluster ./integration/e2e -run 'OnACluster|JobIsTheTask'
	KUBECONFIG=$$(integration/cluster/cluster.sh kubeconfig) go test -count 1 -timeout 10m -tags cluster ./integration/parity

parity: cluster ## compare tasks on Docker with the same as Jobs on that cluster, and write docs/parity.md; look at the diff
	KUBECONFIG=$$(integration/cluster/cluster.sh kubeconfig) go test -count 1 -timeout 10m -tags cluster ./integration/parity -write

soak: images moby ## the long versions of the tests that kill ktask and the engine
	KTASK_SOAK=1 TESTCONTAINERS_RYUK_DISABLED=true go test -race -v -run Soak -timeout 60m ./...
	KTASK_PREPARED=1 go test -timeout 60m ./integration/attack

ROUNDS ?= 20
ONLY ?= .*

bench: images moby ## measure ktask on Linux and write docs/performance.md; ROUNDS=5 ONLY='cold|python' is a quick look
	go test -run '^$$' -bench 'BenchmarkNumbers/^($(ONLY))$$' -benchtime 1x -timeout 0 ./integration/bench -rounds $(ROUNDS)

recording: images ## record a terminal in which ktask runs examples, to docs/recording.svg; look at it in a browser
	go -C integration/recording run .

corpus: ## count what ktask accepts and refuses of the YAML below DIR, by rule; needs no engine
	@[ -n "$(DIR)" ] || { echo "name a directory: make corpus DIR=..." >&2; exit 2; }
	@go run ./integration/corpus "$(DIR)"

FUZZTIME ?= 10m

fuzz: ## look for inputs that break the loader, the resolver, the settings or the masks, FUZZTIME (10m) for each test
	@for test in spec/FuzzLoad spec/yamltree/FuzzPlainScalar engine/docker/FuzzLabels resolve/FuzzExpand resolve/FuzzResolve engine/mask/FuzzMask engine/FuzzOutput \
		engine/report/FuzzScreen spec/FuzzSettings command/FuzzProject; do \
		echo "fuzz: $$test for $(FUZZTIME)"; \
		go test -run '^$$' -fuzz "^$${test##*/}$$" -fuzztime $(FUZZTIME) -fuzzminimizetime 10x "./$${test%/*}" || exit 1; \
	done

clean: ## remove what was built
	rm -rf bin dist

distclean: clean ## remove also the images and what was downloaded for them
	-integration/images/images.sh remove
