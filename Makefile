# make run   the demo robot on the simulated board, with the embedded MQTT broker
# make bench this machine's figures
# make quick go vet and the short tests, some seconds: while you write
# make test  all tests but those of long, under the race detector where there are goroutines: before a commit
# make long  thousands of random networks and robots, troubles with brokers, the race detector everywhere, and a build for each
#            target: before a change lands
# make robots  what the example robots do, measured: minutes
# make hil   the same on other processors, and whole robots on emulated machines with real kernels
# make ui    the dashboard's page, from ui/src: after a change there
# make dashboard  the dashboard in a real browser: it needs Chromium and Mosquitto
# make metrics-test  metrics, alarms and the Grafana dashboard in a real Prometheus: it needs Prometheus
# make packages  what people install, in dist: .deb, .tar.gz, .zip. It needs git, too
# make packages-test  builds them twice, and installs, upgrades and removes them in a Debian root: it needs root and Debian's tools
# All but the last five need Go and make, nothing else; what can use more says so. docs/hil.md says what make hil needs.

GO      ?= go
VERSION := $(shell git describe --tags --always --dirty 2>/dev/null || echo dev)
LDFLAGS := -ldflags '-X main.version=$(VERSION)'
SOURCES := $(shell find . -name '*.go' -not -name '*_test.go') $(wildcard configs/robots/*) go.mod go.sum
TARGETS := linux/amd64 linux/arm64 linux/arm darwin/amd64 darwin/arm64 windows/amd64

# How long the tests of a package may take: the ten minutes of go test are too few for a Pi Zero, or where much else runs. All of go vet
# runs with the tests: go test by itself runs a part of it.
GOTEST := $(GO) test -timeout 3h -vet=all

# Many tests wait: for brokers, for a bus that is stuck. Twice as many packages as processors keep these busy.
TOGETHER := $(shell n=$$((2 * $$(getconf _NPROCESSORS_ONLN 2>/dev/null || echo 1))); echo -p $$n -parallel $$n)

# Packages of one goroutine, in which the race detector finds nothing and takes ten times as long. A test holds them to it. In core one test
# has a second goroutine, and runs under the race detector, too.
SEQUENTIAL := ./boards/header ./cmd/fluxd/draw ./cmd/fluxd/scaffold ./cmd/internal/parameters ./cmd/internal/picture ./cmd/internal/printable ./cmd/internal/usage ./configs/... ./core ./encoders ./splitmix64

# Packages whose tests take longest, most of it waiting: they begin first.
LONGEST := ./cmd/fluxd/daemon ./hil_test ./bridge ./bridge/broker ./cmd/fluxctl ./cmd/fluxd

# The hashes of passwords are slow on purpose, and share nothing: the race detector leaves their computation out.
RACE := -race -gcflags=golang.org/x/crypto/blowfish=-race=false

# What robots do in minutes of simulated time. Each lives in one goroutine, so these tests run without the race detector.
ROBOTS := InShort|LearningCurve|PolesStand|FollowerLearns|SameSeedSameBytes|PicturesOfTheRobots|Lightseeker|Wallfollow

# Troubles with brokers, and clients that mean harm, for seconds each: make long and make brokers run them.
BROKERS := AnyBroker|OwnBroker

# What make test leaves to make long: these, the commands in the documentation, for which both programs are built, and what robots do in
# hundreds of simulated minutes.
LATER := $(BROKERS)|Documentation|Claims

.PHONY: run build quick test long format race sequential documentation robots claims oracle emulated cross hil brokers ui ui-check dashboard metrics-test dashboard-bench screenshots plots bench bare instructions packages packages-test clean

run: build
	@bin/fluxd run

build: bin/fluxd bin/fluxctl

bin/fluxd bin/fluxctl: $(SOURCES)
	@command -v $(GO) >/dev/null || { echo "fluxd needs Go 1.25 or newer: https://go.dev/dl/"; exit 1; }
	@echo "building $@ (the first time fetches what it needs)"
	@CGO_ENABLED=0 $(GO) build $(LDFLAGS) -o $@ ./cmd/$(notdir $@)

quick: format
	$(GOTEST) -short ./...

# Both at once: one of them computes while the other one waits.
test: format
	@$(MAKE) --no-print-directory -j 2 race sequential

long: oracle cross documentation claims ui-check
	@if command -v $${CC:-gcc} >/dev/null 2>&1; then \
		echo "$(GOTEST) -race $(SEQUENTIAL)"; CGO_ENABLED=1 $(GOTEST) -race $(SEQUENTIAL) || exit 1; \
		echo "$(GOTEST) $(RACE) ./cmd/fluxd/daemon -run '$(BROKERS)'"; CGO_ENABLED=1 $(GOTEST) $(RACE) ./cmd/fluxd/daemon -run '$(BROKERS)'; \
	else \
		echo "NOT RUN: the race detector, which needs a C compiler (gcc)."; $(GOTEST) ./cmd/fluxd/daemon -run '$(BROKERS)'; \
	fi

format:
	@test -z "$$(gofmt -l .)" || { echo "gofmt would change:"; gofmt -l .; exit 1; }

# The race detector needs a C compiler; without one the same tests run without it.
race:
	@all="$(LONGEST) $$($(GO) list ./... | grep -vxF "$$($(GO) list $(SEQUENTIAL))")" || exit 1; \
	if command -v $${CC:-gcc} >/dev/null 2>&1; then \
		echo "$(GOTEST) $(RACE) -skip '$(LATER)|$(ROBOTS)' $(TOGETHER) [all but $(SEQUENTIAL)]"; CGO_ENABLED=1 $(GOTEST) $(RACE) -skip '$(LATER)|$(ROBOTS)' $(TOGETHER) $$all && \
		CGO_ENABLED=1 $(GOTEST) $(RACE) ./core -run TestPreparingBesideTheRunningNetwork; \
	else \
		echo "NOT RUN: the race detector, which needs a C compiler (gcc). The tests run without it."; $(GOTEST) -skip '$(LATER)|$(ROBOTS)' $(TOGETHER) $$all; \
	fi

sequential:
	$(GOTEST) $(SEQUENTIAL)
	$(GOTEST) ./cmd/fluxd/lab -run '$(ROBOTS)' -skip Claims

# What the robots do, also after they have learnt: measures it all, and writes it into docs/robots.md and docs/learning. The figures are
# the same on every machine; make long compares them.
robots:
	$(GOTEST) -count=1 ./cmd/fluxd/lab -run Claims -update

claims:
	$(GOTEST) ./cmd/fluxd/lab -run Claims

# Every command in README.md and docs.
documentation:
	$(GOTEST) ./docs

# Thousands of random networks with every mechanism at once, against the naive model, and on every route and in parts; and thousands of
# random robots, started as check says, and tuned as they are loaded.
oracle:
	$(GOTEST) ./core -run AgreesWithTheNaiveModel -rapid.checks=5000
	$(GOTEST) ./core -run 'Routes|Parts' -rapid.checks=1000
	$(GOTEST) ./cmd/fluxd/daemon -run 'TuningIsLoading|AnySequenceOfSets|AnnouncedRangesHold|CheckAcceptsRun|ValidRobotsOpen' -rapid.checks=200

# The engine, the encoders, the worlds and whole robots in them must come to the same bits on every processor, and drivers to the same
# readings: their tests run on emulated ones too. An emulated process cannot start another one, such as a broker or a world's program:
# what needs that is left out, and so are hundreds of simulated minutes.
EMULATED := ./core ./encoders ./sensors ./actuators ./boards/... ./splitmix64 ./lagged \
	$(addprefix ./cmd/fluxd/, daemon draw hardware kept lab play reward safety sense tuning)
VIRTUAL  := -skip 'Broker|EndToEnd|RealTime|Restart|Aside|OnRequest|Disassembl|RunTimePath|TheCheckFinds|OverMQTT|LastWill|FuzzAny|AProgram|Claims|LearningCurve|HabituateInShort|PoleLearnerInShort|LessonOnCrossing'

emulated:
	@for pair in arm64:qemu-aarch64-static arm:qemu-arm-static; do \
		arch=$${pair%%:*}; emulator=$${pair#*:}; \
		command -v $$emulator >/dev/null || { echo "$$emulator is needed (Debian: qemu-user-static)"; exit 1; }; \
		echo "$(GO) test for $$arch, under $$emulator"; \
		EMULATED=yes CGO_ENABLED=0 GOARCH=$$arch GOARM=6 $(GOTEST) -exec $$emulator $(VIRTUAL) $(EMULATED) || exit 1; \
	done

# GOARM=6 is the Raspberry Pi Zero; other targets ignore it. With -trimpath the compiled packages serve make packages, too.
cross:
	@for target in $(TARGETS); do \
		echo "building for $$target"; \
		CGO_ENABLED=0 GOARM=6 GOOS=$${target%/*} GOARCH=$${target#*/} $(GO) build -trimpath -o /dev/null ./cmd/fluxd && \
		CGO_ENABLED=0 GOARM=6 GOOS=$${target%/*} GOARCH=$${target#*/} $(GO) build -trimpath -o /dev/null ./cmd/fluxctl || exit 1; \
	done

# Whole robots on emulated machines with real kernels (docs/hil.md); the simulated board is part of the tests.
hil: emulated
	@mkdir -p bin
	$(GO) test -count=1 -timeout 30m -v ./hil_test -rig=pi3b,edges,faults -junit=$(CURDIR)/bin/hil.xml

# What people install (docs/install.md): packaging/ is a module by itself. MAINTAINER="Ann Lee <ann@example.org>" is who answers for it.
packages:
	@cd packaging && $(GO) run . -out $(CURDIR)/dist $(if $(MAINTAINER),-maintainer "$(MAINTAINER)")

packages-test:
	cd packaging && $(GO) vet ./... && $(GOTEST) ./...
	packaging/test.sh

# Troubles with brokers, and clients that mean harm: the robot's own broker, Mosquitto (Debian: mosquitto), and a NATS server, built here.
brokers: bin/nats-server
	PATH=$$PATH:/usr/sbin $(GO) test -count=1 -timeout 30m ./cmd/fluxd/daemon -run '$(BROKERS)|LastWill' -mosquitto mosquitto -nats $(CURDIR)/bin/nats-server

bin/nats-server: go.mod
	@mkdir -p bin
	$(GO) build -o $@ github.com/nats-io/nats-server/v2

# The dashboard's page: ui/ is a module by itself, whose tool bundles its sources into a folder that the binary embeds.
ui:
	@cd ui && $(GO) run .

# Whether the page is what its sources make, byte by byte.
ui-check:
	@echo "ui: go vet, go test, and the page compared with its sources"; cd ui && $(GO) vet ./... && $(GO) test ./... && $(GO) run . -check

# The dashboard in a real browser, with the robot's own broker and with Mosquitto (Debian: chromium, mosquitto).
DASHBOARD = PATH=$$PATH:/usr/sbin $(GOTEST) -count=1 -tags browser ./browser_test -fluxd $(CURDIR)/bin/fluxd

dashboard: bin/fluxd
	$(DASHBOARD)

# The pictures of the dashboard in README.md, docs/dashboard.md and docs/lessons.
screenshots: bin/fluxd
	$(DASHBOARD) -run 'Pictures|Lesson' -update

# The metrics in a real Prometheus: the dashboard of deploy/grafana and the alarms of deploy/prometheus (Debian: prometheus).
metrics-test: build
	@command -v prometheus >/dev/null && command -v promtool >/dev/null || { echo "prometheus and promtool are needed (Debian: prometheus)"; exit 1; }
	$(GOTEST) -count=1 -v -tags prometheus ./monitor_test -fluxd $(CURDIR)/bin/fluxd -fluxctl $(CURDIR)/bin/fluxctl

# What the page costs the browser, and what pages cost the control loop: half an hour, on a machine that does nothing else.
dashboard-bench: bin/fluxd
	$(DASHBOARD) -v -run BusyRobot -watched 5m -bench . -benchtime 10x

# The pictures of README.md, docs/first-robot.md and docs/model.md, drawn by fluxd.
plots:
	$(GO) test ./cmd/fluxd/play -run TestPicturesOfTheMechanisms -update
	$(GO) test ./encoders -run TestCoding -update
	$(GO) test ./cmd/fluxd/lab -run "TestPicturesOfTheRobots|TestTheLearningCurve" -update
	$(GO) test ./cmd/fluxd -run "TestThePictureInTheReadme|TestThePictureOfTheFirstRobot" -update

# This machine's figures. For figures to compare with benchstat: go test -run XXX -bench . -count 10 ./cmd/fluxd/bench
bench: bin/fluxd
	@bin/fluxd bench

# fluxd beside a loop without a model, in turn: the ratios that docs/performance.md begins with (gcc).
bare:
	@cmd/fluxd/bench/bare/compare.sh

# The instructions that an arrival costs on amd64, arm64 and the 32-bit Pi, under emulation (Debian: gcc, qemu-user).
instructions:
	@cmd/fluxd/bench/instructions/count.sh

clean:
	rm -rf bin dist
