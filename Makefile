# cjm: customer journeys and funnels over event tables
#
#   make, make install, make installcheck    as for every extension, against PG_CONFIG
#
# All others leave that PostgreSQL as it is: they run a throwaway cluster with a
# copy of it, into which cjm is installed (test/cluster.sh).
#
#   make demo                                the main job
#   make demo EVENTS=file.csv CUSTOMER=column AT=column EVENT=column FUNNEL='a -> b'
#   make psql                                psql, to try what you like
#   make test                                all tests
#   make test ONLY='journey README.md'       some of them
#   make expected ONLY='journey'             takes over the output of regression tests
#   make prove                               funnels against an oracle in plain SQL, for a quarter of an hour, and
#                                            kept journeys against the rows, under attack, for an hour
#   make prove JOURNEYS=1000 SEED=1          with so many random journeys of each combination of rules
#   make prove SECONDS=600 ONLY=kept         kept journeys alone, for so long
#   make fuzz                                fuzzing, for a minute each
#   make fuzz SECONDS=600 ONLY='engine journey'
#   make matrix                              all tests on every PostgreSQL, for hours: see test/matrix
#   make matrix NAMES='17 18-cassert'        on some
#   make bench                               10 million events, beside ClickHouse and DuckDB
#   make bench EVENTS=1000000 RUNS=5 ONLY='funnel build' SETTINGS='jit=off' RESULT=file
#   make bench EVENTS=1000000 RUNS=3 BASELINE=test/bench/baseline.json
#                                            fails if a ratio is a quarter worse than the one that is kept
#   make pictures                            draws those of doc/img anew
#   make upgrade                             derives the script that upgrades the last released version anew
#   make deb                                 Debian's packages for the PostgreSQL versions of this system, in dist/
#   make dist                                the archive for PGXN, of what is committed, in dist/
#   make rpm                                 the RPM for the PostgreSQL of PG_CONFIG, in dist/
#   make deps                                installs what these need (Debian)
#
# The extension's version is that of cjm.control.

PG_CONFIG ?= pg_config
srcdir := $(or $(VPATH),$(patsubst %/,%,$(dir $(firstword $(MAKEFILE_LIST)))))

# Words of the command line are data: they go on by the environment, untouched
# by make and by the shell.  TZ and the like of the caller's environment are not ours.
define from_command_line
ifeq ($$(origin $(1)),command line)
override $(1) := $$(value $(1))
export CJM_$(1) := $$(value $(1))
endif
endef
$(foreach name,EVENTS CUSTOMER AT EVENT CHANNEL VALUE TZ DATESTYLE FUNNEL ONLY RUNS SETTINGS RESULT BASELINE JOURNEYS SEED SECONDS NAMES,$(eval $(call from_command_line,$(name))))

EXTENSION = cjm
EXTVERSION := $(shell sed -n "s/^default_version *= *'\(.*\)'.*/\1/p" '$(srcdir)/cjm.control')

MODULE_big = cjm
OBJS = $(patsubst $(srcdir)/%.c,%.o,$(sort $(wildcard $(srcdir)/src/*/*.c)))
PG_CPPFLAGS = -I$(srcdir)/src -DCJM_VERSION='"$(EXTVERSION)"'

# In the order of their numbers, which no two share.
INSTALL_PARTS = $(foreach part,$(sort $(notdir $(wildcard $(srcdir)/sql/install/*/*.sql))),$(wildcard $(srcdir)/sql/install/*/$(part)))
DATA = $(patsubst $(srcdir)/%,%,$(wildcard $(srcdir)/sql/release/cjm--*.sql))
DATA_built = cjm--$(EXTVERSION).sql
EXTRA_CLEAN = cjm--*.sql portlock built-for dist

# init creates the extension that the others use.
REGRESS = init $(filter-out init,$(sort $(basename $(notdir $(wildcard $(srcdir)/sql/*.sql)))))
REGRESS_OPTS = --encoding=UTF8 --no-locale

ISOLATION_SPECS = $(sort $(wildcard $(srcdir)/test/isolation/specs/*.spec))
ifneq ($(ISOLATION_SPECS),)
ISOLATION = $(basename $(notdir $(ISOLATION_SPECS)))
ISOLATION_OPTS = --inputdir=$(srcdir)/test/isolation --load-extension=cjm
endif

ifneq ($(wildcard $(srcdir)/test/t/*.pl),)
TAP_TESTS = 1
PROVE_TESTS = test/t/*.pl
endif

all:

PGXS := $(shell '$(PG_CONFIG)' --pgxs 2>/dev/null)
SERVER_HEADER := $(shell '$(PG_CONFIG)' --includedir-server 2>/dev/null)/postgres.h

# A package of programs may bring PGXS without the headers that it needs.
ifneq ($(and $(wildcard $(PGXS)),$(wildcard $(SERVER_HEADER))),)

PG_MAJOR := $(shell '$(PG_CONFIG)' --version | sed 's/^[^0-9]*\([0-9]*\).*/\1/')
ifneq ($(filter 9 10 11 12 13 14,$(PG_MAJOR)),)
$(error cjm needs PostgreSQL 15 or later, but $(PG_CONFIG) is of PostgreSQL $(PG_MAJOR): choose another with PG_CONFIG=/path/to/pg_config)
endif

# Bitcode for the JIT is a bonus: without the clang that PostgreSQL was built with, go without.
PGXS_CLANG := $(shell sed -n 's/^CLANG *= *//p' '$(dir $(PGXS))../Makefile.global')
ifeq ($(shell command -v '$(or $(PGXS_CLANG),none)'),)
override with_llvm := no
endif

# The headers of 15 have parameters that are functions of unsaid arguments, which C23 takes for functions of none.
ifeq ($(PG_MAJOR),15)
PG_CFLAGS += -std=gnu11
endif

include $(PGXS)

# Names are shared by all libraries of a backend.  Since 16 PostgreSQL keeps those of an extension
# within it; before, calls from one file to another are bound here, so that they reach no namesake.
ifeq ($(PG_MAJOR)$(PORTNAME),15linux)
override CFLAGS_SL += -fno-semantic-interposition
override SHLIB_LINK += -Wl,-Bsymbolic
endif

# Of the checkout a build elsewhere takes the sources, and nothing that was built there, perhaps for another PostgreSQL.
srcdir := $(srcdir)
override VPATH :=
vpath %.c $(srcdir)
vpath %.control $(srcdir)

# Objects lie in the same folders as their sources, wherever the build is.
ROOMS = $(sort $(patsubst %/,$(CURDIR)/%,$(dir $(OBJS))))
$(ROOMS):
	$(MKDIR_P) $@

# Objects of another PostgreSQL are of no use to this one.
built-for: FORCE
	@[ "$$(cat $@ 2>/dev/null)" = '$(VERSION) $(SERVER_HEADER)' ] || echo '$(VERSION) $(SERVER_HEADER)' >$@

.PHONY: FORCE
FORCE:

# Any header may be in any object; a build takes seconds.
$(OBJS) $(OBJS:.o=.bc): $(wildcard $(srcdir)/src/*/*.h) $(srcdir)/Makefile $(srcdir)/cjm.control built-for | $(ROOMS)

# The folders are there for parts that are gone.  A line @NAME@ of a part is the file of that name: those of the page of map_html.
PAGE = $(srcdir)/sql/install/page
cjm--$(EXTVERSION).sql: $(INSTALL_PARTS) $(wildcard $(srcdir)/sql/install/*) $(PAGE)/page.css $(PAGE)/page.js $(srcdir)/cjm.control
	sed -e '/^@page\.css@$$/r $(PAGE)/page.css' -e '/^@page\.js@$$/r $(PAGE)/page.js' -e '/^@page\.[a-z]*@$$/d' $(INSTALL_PARTS) > $@

.DELETE_ON_ERROR:

else # no PGXS or no headers

all install uninstall installcheck clean:
	@echo 'cjm is built with the pg_config of a PostgreSQL server and its development files, but $(if \
		$(wildcard $(PGXS)),there is no $(SERVER_HEADER),"$(PG_CONFIG)" is not one).' >&2
	@echo 'Install them (on Debian "make deps" does), or say where: make PG_CONFIG=/path/to/pg_config' >&2
	@exit 1

endif

# The commands of a fresh checkout.  What is missing is installed first, PostgreSQL
# perhaps, and so the rest is up to a second make that finds it.
.PHONY: deps ready demo psql test expected pictures upgrade prove fuzz matrix scale bench deb dist rpm

demo psql test expected pictures upgrade prove fuzz bench rpm: export PG_CONFIG := $(PG_CONFIG)
demo psql test expected pictures upgrade prove bench: export CJM_BUILD := $(CURDIR)

# What deps looks for depends on what asks for it.
needs = test
demo psql pictures upgrade prove bench: needs = demo
fuzz: needs = fuzz
deb: needs = deb

deps:
	@'$(srcdir)/test/deps.sh' '$(PG_CONFIG)' $(needs)

ready: deps
	@$(MAKE) --no-print-directory -s -f '$(firstword $(MAKEFILE_LIST))' all

demo: ready
	@'$(srcdir)/test/cluster.sh' '$(srcdir)/test/demo/run'

psql: ready
	@'$(srcdir)/test/cluster.sh' psql

test: ready
	@'$(srcdir)/test/cluster.sh' '$(srcdir)/test/run'

expected: ready
	@'$(srcdir)/test/cluster.sh' '$(srcdir)/test/run' --update

pictures: ready
	@'$(srcdir)/test/cluster.sh' psql -X -v dir='$(srcdir)/doc/img' -f '$(srcdir)/doc/img/draw.sql'

upgrade: ready
	@'$(srcdir)/test/cluster.sh' '$(srcdir)/test/upgrade/derive' --write

prove: ready
	@'$(srcdir)/test/cluster.sh' '$(srcdir)/test/prove/run'

fuzz: deps
	@'$(srcdir)/test/fuzz/run'

matrix:
	@'$(srcdir)/test/matrix'

scale:
	@'$(srcdir)/test/scale/run'

# Packages and archives: nothing of them is in the parent folder or in the system.
deb: deps
	@'$(srcdir)/pack/deb' '$(CURDIR)/dist'

dist:
	@'$(srcdir)/pack/dist' '$(CURDIR)/dist'

rpm:
	@'$(srcdir)/pack/rpm' '$(CURDIR)/dist'

bench: ready
	@'$(srcdir)/test/bench/start'
