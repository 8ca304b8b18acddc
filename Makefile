# SPDX-License-Identifier: LGPL-2.1-or-later
#
#   make            the hook and vfpool, in build/
#   make demo       watch guests come and go through the gate, on a simulated host
#   make check      all tests, with sanitizers; TESTS='30*' FILTER='regex'
#   make check-deep each allocation, call into libvirt and system call that fails or is the last; SWEEP=some FAULTS=some
#   make fuzz       inputs made by libFuzzer (clang), with sanitizers; FUZZ='domain pool' FUZZ_SECONDS=60, each
#   make coverage   which lines and branches the tests reach, a line for each room
#   make model      the protocol in every order of steps, by spin; DEEP=1
#   make lab        cases on a real libvirt, with emulated cards in QEMU; DEBIAN=12 or 13, DAEMONS=modular
#   make install    as root, below DESTDIR; PREFIX=/usr/local
#   make paths      where that is
#   make deb, rpm   packages of what is committed, into build/deb and build/rpm
#
# V=1 shows the commands; CC, CFLAGS, CPPFLAGS, LDFLAGS and PKG_CONFIG are yours. SANITIZE=1 builds into build/sanitize instead.

VERSION = 0.1

PREFIX     = /usr
SBINDIR    = $(PREFIX)/sbin
LIBEXECDIR = $(PREFIX)/libexec
LIBDIR     = $(PREFIX)/lib
DATADIR    = $(PREFIX)/share
MANDIR     = $(DATADIR)/man
BASHDIR    = $(DATADIR)/bash-completion/completions
# What comes with the system has a directory of its own in Debian and what is made from it.
debian    := $(wildcard /etc/debian_version)
ZSHDIR     = $(DATADIR)/zsh/$(if $(and $(debian),$(filter /usr,$(PREFIX))),vendor-completions,site-functions)
FISHDIR    = $(DATADIR)/fish/vendor_completions.d
SYSCONFDIR = /etc
# The programs know these, and /etc, whatever the PREFIX.
RUNDIR     = /run
STATEDIR   = /var/lib

# They are written into recipes, sed's commands, unit files and C: only what means nothing to any of these.
directories = SBINDIR LIBEXECDIR LIBDIR DATADIR MANDIR BASHDIR ZSHDIR FISHDIR SYSCONFDIR RUNDIR STATEDIR
comma      := ,
special    := // $(comma) & ' " ` \ | ; < > * ? ! ~ ( ) { } [ ] % \# =
refuse      = $(error $(1)='$($(1))' is no absolute path, or has a space, a special character or a / too many)
$(if $(findstring $$,$(value PREFIX)),$(error PREFIX='$(value PREFIX)' has a special character))
$(if $(filter /,$(PREFIX))$(filter %/,$(PREFIX)),$(call refuse,PREFIX))
$(foreach name,PREFIX $(directories),$(if $(filter-out 1,$(words $($(name)))),$(call refuse,$(name))) \
	$(if $(filter-out /%,$($(name))),$(call refuse,$(name))) \
	$(foreach c,$(special),$(if $(findstring $c,$($(name))),$(call refuse,$(name)))))

CFLAGS ?= -O2 -g
PKG_CONFIG ?= pkg-config
LIBS    = libxslt libxml-2.0 libmnl

warnings = -Wall -Wextra -Wconversion -Wshadow -Wstrict-prototypes -Wmissing-prototypes -Wvla $(WERROR)
installed = -D_GNU_SOURCE $(fortify)
defines  = $(installed)
hardened = -fstack-protector-strong -fPIE
linking  = -pie -Wl,-z,relro,-z,now -Wl,--as-needed

build = build
ifdef SANITIZE
build    = build/sanitize
hardened = -fsanitize=address,undefined -fno-sanitize-recover=all -fno-omit-frame-pointer
linking  =
defines  = -D_GNU_SOURCE
endif
# For "make fuzz": libFuzzer, which is clang's, watches where in lib/ an input goes.
ifdef FUZZING
build    = build/fuzz
hardened = -fsanitize=fuzzer-no-link,address,undefined -fno-sanitize-recover=all -fno-omit-frame-pointer
linking  = -fsanitize=fuzzer
defines  = -D_GNU_SOURCE
endif

# For "make coverage": which lines and branches are reached.
ifdef COVERAGE
build    = build/coverage
CFLAGS   = -O0 -g --coverage -fprofile-update=atomic -include tests/coverage/exit.h
hardened =
linking  =
defines  = -D_GNU_SOURCE
endif

# Where nothing is compiled pkg-config may not be there yet, or no more.
ifneq ($(or $(filter-out paths uninstall clean dist deb rpm lab model,$(MAKECMDGOALS)),$(if $(MAKECMDGOALS),,all)),)
libvirt := $(shell $(PKG_CONFIG) --exists --print-errors $(LIBS) libvirt && $(PKG_CONFIG) --modversion libvirt)
$(if $(libvirt),,$(error $(PKG_CONFIG) does not find all of $(LIBS) libvirt: install what building needs (packages/needed), or say PKG_CONFIG=))
# A default: whoever calls this may have a level of their own, or none, and so may the compiler; and it takes optimizing.
macros  := $(if $(findstring _FORTIFY_SOURCE,$(CPPFLAGS) $(CFLAGS)),,$(shell $(CC) $(CPPFLAGS) $(CFLAGS) -dM -E -x c /dev/null))
fortify := $(if $(filter __OPTIMIZE__,$(macros)),$(if $(filter _FORTIFY_SOURCE,$(macros)),,-D_FORTIFY_SOURCE=2))
cflags  := -std=gnu11 $(warnings) $(defines) $(hardened) -include $(build)/config.h $(shell $(PKG_CONFIG) --cflags $(LIBS))
libs    := $(shell $(PKG_CONFIG) --libs $(LIBS))
endif

Q = $(if $(V),,@)
say = $(if $(V),@:,@printf '  %-5s %s\n' $(1) $@)

# lib's rooms, the lowest first: a part sees those of its own room and below, and not one above.
rooms       = base xml host pool ledger libvirt guest admin
up_to       = $(firstword $2) $(if $(filter $1,$(firstword $2)),,$(call up_to,$1,$(wordlist 2,9,$2)))
room        = $(patsubst lib/%/,%,$(filter lib/%,$(dir $1)))
seen        = $(patsubst %,-Ilib/%,$(if $(call room,$1),$(call up_to,$(call room,$1),$(rooms)),$(rooms)))
lib_objects = $(patsubst %.c,$(build)/%.o,$(wildcard lib/*/*.c))
hook_common = $(build)/hook/program.o
cmd_objects = $(patsubst %.c,$(build)/%.o,$(wildcard hook/cmd-*.c)) $(build)/hook/command.o $(build)/hook/command-print.o $(build)/hook/screen.o
gate_objects = $(patsubst %.c,$(build)/%.o,$(wildcard hook/libvirt*.c))
programs    = $(build)/hook/qemu $(build)/hook/network $(build)/hook/daemon $(build)/hook/vfpool $(build)/hook/gate
launcher    = $(build)/hook/launcher

all: $(programs) $(launcher)

$(build)/hook/qemu: $(build)/hook/qemu.o $(hook_common) $(build)/lib.a
$(build)/hook/network: $(build)/hook/network.o $(hook_common) $(build)/lib.a
$(build)/hook/daemon: $(build)/hook/daemon.o $(hook_common) $(build)/lib.a
$(build)/hook/vfpool: $(build)/hook/vfpool.o $(cmd_objects) $(hook_common) $(build)/lib.a

$(build)/hook/gate: $(gate_objects) $(hook_common) $(build)/lib.a
$(build)/hook/gate: libs += $(shell $(PKG_CONFIG) --libs libvirt)

$(programs):
	$(call say,LINK)
	$(Q)$(CC) $(CFLAGS) $(hardened) $(LDFLAGS) $(linking) -o $@ $^ $(libs)

# Without a library, nor a sanitizer's: hook/launcher.c. DEADLINE_S=1: with less patience.
impatient = $(build)/tests/launcher/impatient
$(impatient): deadline = -DDEADLINE_S=1
$(launcher) $(impatient): hook/launcher.c Makefile
	$(call say,LINK)
	$(Q)mkdir -p $(@D) && $(CC) -std=gnu11 $(warnings) $(installed) -fstack-protector-strong -fPIE $(call seen,$<) $(deadline) $(CFLAGS) $(CPPFLAGS) \
		-MMD -MP -MF $@.d -MT $@ $(LDFLAGS) -static-pie -Wl,-z,relro,-z,now -o $@ $<

$(build)/lib.a: $(lib_objects)
	$(call say,AR)
	$(Q)rm -f $@ && $(AR) rcs $@ $^

# The names that are compiled in: another PREFIX compiles anew; another version, one file.
$(build)/config.h: FORCE
	$(Q)mkdir -p $(@D) && printf '#define %s "%s"\n' GATE_PATH '$(patsubst /%,%,$(SBINDIR))/vfpool-gate' \
		HOOKS_PATH '$(patsubst /%,%,$(LIBEXECDIR))/vfpool' > $@.new
	$(replace)
# A VERSION of the caller's own stays what it is.
$(build)/hook/version.h: FORCE
	$(Q)mkdir -p $(@D) && version=$(if $(filter file,$(origin VERSION)),$$(sh packages/version $(VERSION)),'$(VERSION)') && \
		printf '#define %s "%s"\n' VFPOOL_VERSION "$$version" LIBVIRT_BUILT '$(libvirt)' > $@.new
	$(replace)
replace = $(Q)if cmp -s $@.new $@; then rm $@.new; else mv $@.new $@; fi

$(build)/%.o: %.c Makefile | $(build)/config.h $(build)/hook/version.h
	$(call say,CC)
	$(Q)mkdir -p $(@D) && $(CC) $(cflags) $(call seen,$<) $(if $(call room,$<),,-Ihook -I$(build)/hook) $(CFLAGS) $(CPPFLAGS) $(apart_flags) -MMD -MP -c -o $@ $<

# Symbols that the assembler makes are none to a linker's plugin.
$(build)/lib/xml/builtin.o: lib/pool/pool.rng $(wildcard xslt/*.xsl)
$(build)/lib/xml/builtin.o: apart_flags = -Wa,-I. -fno-lto

-include $(wildcard $(build)/hook/*.d $(build)/lib/*/*.d $(build)/tests/*/*.d)

# ---- trying and testing ----

unit_tests = $(patsubst %.c,$(build)/%,$(wildcard tests/unit/*.c))
fake       = $(build)/tests/libvirt/gate
fake_parts = $(patsubst %,$(build)/tests/libvirt/%.o,files call connection network port domain)
kernel     = $(patsubst %,$(build)/tests/kernel/hook/%,qemu network vfpool)
netdevsim  = $(patsubst %,$(build)/tests/netdevsim/hook/%,qemu vfpool)
hasty      = $(build)/tests/libvirt/hasty/hook/qemu $(build)/tests/libvirt/hasty/hook/vfpool
memory     = $(build)/tests/memory/fail.so $(build)/tests/memory/sweep
calls      = $(build)/tests/calls/tracer
races      = $(build)/tests/races/clock.so
benches    = $(build)/tests/bench/bench $(build)/tests/bench/floor

$(unit_tests): $(build)/%: $(build)/%.o $(build)/lib.a
	$(call say,LINK)
	$(Q)$(CC) $(CFLAGS) $(hardened) $(LDFLAGS) $(linking) -o $@ $^ $(libs)

$(benches): $(build)/%: $(build)/%.o
	$(call say,LINK)
	$(Q)$(CC) $(CFLAGS) $(hardened) $(LDFLAGS) $(linking) -o $@ $^ $(shell $(PKG_CONFIG) --libs libxml-2.0)

# Preloaded: without sanitizers, which have a malloc of their own.
$(build)/tests/memory/fail.so $(races): $(build)/%.so: %.c
	$(call say,LINK)
	$(Q)mkdir -p $(@D) && $(CC) $(cflags) $(CFLAGS) -fPIC -shared -o $@ $<

$(build)/tests/memory/sweep: $(build)/tests/memory/sweep.o
	$(call say,LINK)
	$(Q)$(CC) $(CFLAGS) $(hardened) $(LDFLAGS) $(linking) -o $@ $^

$(calls): $(build)/%: $(build)/%.o
	$(call say,LINK)
	$(Q)$(CC) $(CFLAGS) $(hardened) $(LDFLAGS) $(linking) -o $@ $^

# vfpool-gate as it is, with another client library.
$(fake): $(gate_objects) $(hook_common) $(fake_parts) $(build)/lib.a
	$(call say,LINK)
	$(Q)$(CC) $(CFLAGS) $(hardened) $(LDFLAGS) $(linking) -o $@ $^ $(libs)

# The programs as they are, with another kernel's network interfaces.
$(kernel): $(build)/tests/kernel/%: $(build)/%.o $(hook_common) $(build)/tests/kernel/rtnetlink.o $(build)/lib.a
	$(call say,LINK)
	$(Q)mkdir -p $(@D) && $(CC) $(CFLAGS) $(hardened) $(LDFLAGS) $(linking) -o $@ $(filter %.o,$^) $(filter %.a,$^) $(libs)
$(build)/tests/kernel/hook/vfpool: $(cmd_objects)

# The programs as they are, for a simulated host with interfaces of the running kernel; the lab makes them.
netdevsim: $(netdevsim)
$(netdevsim): $(build)/tests/netdevsim/%: $(build)/%.o $(hook_common) $(build)/tests/kernel/running.o $(build)/lib.a
	$(call say,LINK)
	$(Q)mkdir -p $(@D) && $(CC) $(CFLAGS) $(hardened) $(LDFLAGS) $(linking) -Wl,--wrap=rtnetlink_open -o $@ $(filter %.o,$^) $(filter %.a,$^) $(libs)
$(build)/tests/netdevsim/hook/vfpool: $(cmd_objects)

# The programs as they are, with less patience.
$(hasty): $(build)/tests/libvirt/hasty/%: $(build)/%.o $(hook_common) $(build)/tests/libvirt/hasty.o $(build)/lib.a
	$(call say,LINK)
	$(Q)mkdir -p $(@D) && $(CC) $(CFLAGS) $(hardened) $(LDFLAGS) $(linking) -Wl,--wrap=child_run -o $@ $(filter %.o,$^) $(filter %.a,$^) $(libs)
$(build)/tests/libvirt/hasty/hook/vfpool: $(cmd_objects)

demo:
	$(Q)$(MAKE) --no-print-directory -j$(shell nproc) $(programs) $(fake)
	@tests/host/demo $(build)

# TESTS are patterns of tests, not of what is here: set -f.
check check-deep:
	$(Q)$(MAKE) --no-print-directory -j$(shell nproc) SANITIZE=1 tests
	$(Q)$(MAKE) --no-print-directory -j$(shell nproc) plain
	@set -f; $(if $(filter %-deep,$@),TAGS=deep SWEEP=$(SWEEP) FAULTS=$(FAULTS)) tests/run build/sanitize $(TESTS)
check-deep: SWEEP ?= all
check-deep: FAULTS ?= all

tests: $(programs) $(launcher) $(impatient) $(unit_tests) $(fake) $(kernel)

# As they are installed, for tests that run them some thousand times.
plain: $(programs) $(launcher) $(memory) $(calls) $(races) $(fake) $(hasty) $(kernel)

coverage:
	$(Q)$(MAKE) --no-print-directory -j$(shell nproc) COVERAGE=1 tests plain
	@set -f; tests/coverage/run build/coverage $(TESTS)

# One input each, and what must be true of it; planted has a fault, which has to be found.
fuzzers     = domain port pool claim pciaddr numbers netlink gate
xml_fuzzers = domain port pool claim
harnesses   = $(patsubst %,$(build)/tests/fuzz/%,$(fuzzers) planted)
FUZZ         ?= $(fuzzers)
FUZZ_SECONDS ?= 60
FUZZ_CC      ?= clang

fuzz:
	$(Q)$(MAKE) --no-print-directory -j$(shell nproc) CC=$(FUZZ_CC) FUZZING=1 harnesses
	@SECONDS_EACH=$(FUZZ_SECONDS) tests/fuzz/run build/fuzz $(FUZZ)

harnesses: $(harnesses)

$(harnesses): $(build)/%: $(build)/%.o $(build)/lib.a
	$(call say,LINK)
	$(Q)$(CC) $(CFLAGS) $(hardened) $(LDFLAGS) $(linking) $(wrapped) -o $@ $(filter %.o,$^) $(filter %.a,$^) $(libs)
$(patsubst %,$(build)/tests/fuzz/%,$(xml_fuzzers)): $(build)/tests/fuzz/xml-mutator.o
$(patsubst %,$(build)/tests/fuzz/%,domain pool): $(build)/tests/fuzz/compiled.o
$(patsubst %,$(build)/tests/fuzz/%,domain pool): wrapped = $(patsubst %,-Wl$(comma)--wrap=%,xmlRelaxNGParse xmlRelaxNGFree \
	xsltParseStylesheetDoc xsltFreeStylesheet)
$(build)/tests/fuzz/gate: wrapped = -Wl,--wrap=child_run
$(build)/tests/fuzz/netlink: wrapped = $(patsubst %,-Wl$(comma)--wrap=%,setsockopt host_pf_index host_pf_examine \
	$(addprefix mnl_socket_,open2 bind close get_fd get_portid sendto recvfrom))

bench: $(programs) $(benches)
	@tests/bench/run $(build)

model:
	@tests/model/run

lab:
	@tests/lab/run.sh

lab-two:
	@tests/lab/two/run.sh

# With the programs beside it: a browser, Prometheus, Ansible.
peers: plain
	@tests/peers/run $(build)

lint: $(build)/config.h $(build)/hook/version.h
	! grep -n '#include "\.\./' lib/*/*.[ch]
	! wc -l lib/*/*.[ch] hook/*.[ch] | awk '$$1 > 600 && $$2 != "total"' | grep .
	clang-format --dry-run --Werror lib/*/*.[ch] hook/*.[ch] $(wildcard tests/*/*.[ch])
	shellcheck -x install.sh packages/version hook/hooks.sh hook/pool.ocf hook/vfpool.bash .ci/run tests/run tests/bench/run tests/coverage/run tests/fuzz/run tests/model/run tests/peers/run tests/host/demo tests/packages/deb tests/packages/rpm packages/debian/p* packages/debian/tests/demo packages/debian/tests/check
	cd tests/peers && shellcheck -x run *.bash *.bats
	cd tests && printf '%s\n' helpers.bash libvirt/*.bash calls/helpers.bash cluster/helpers.bash *.bats | xargs -P $(shell nproc) -n 6 shellcheck -x
	cd tests/lab && printf '%s\n' *.sh *.bash init lab-init cases/*.bats modular/*.bats newest/*.bats booted/*.bats booted/*.bash storm/*.bats storm/*.bash storm/*.sh two/*.bats two/*.bash two/*.sh two/fence_lab | xargs -P $(shell nproc) -n 6 shellcheck -x
	printf '%s\n' lib/*/*.c hook/*.c | xargs -P $(shell nproc) -n 8 sh -c 'clang-tidy --quiet --warnings-as-errors="*" "$$@" -- $(cflags) $(seen) -Ihook -I$(build)/hook' sh
# gcc 12 sees a _cleanup_ variable of a loop's body, left by continue, as never initialized; the others look for those, too.
	printf '%s\n' lib/*/*.c hook/*.c | xargs -P $(shell nproc) -n 1 gcc $(cflags) -U_FORTIFY_SOURCE -O0 -fanalyzer -Werror -Wno-analyzer-use-of-uninitialized-value $(seen) -Ihook -I$(build)/hook -c -o /dev/null
# builtin_length() subtracts two labels of one object.
	cppcheck --quiet --error-exitcode=1 -j $(shell nproc) --std=c11 --enable=warning,performance,portability --suppress=comparePointers $(installed) $(seen) -Ihook lib hook
	codespell --ignore-words-list=nd --skip='*/corpus/*' NEWS README.md CONTRIBUTING.md docs lib hook xslt tests/*.bats tests/*/ install.sh packages/* Makefile

# ---- installing ----

# For install.sh, which has no paths of its own.
paths:
	@printf '%s\n' $(foreach name,$(directories),$(name)=$($(name)))

# What names directories: units, and what puts the hooks in their place.
generated = $(build)/vfpool.service $(build)/vfpool-boot.service $(build)/vfpool-metrics.service $(build)/hooks $(build)/pool.ocf
$(build)/%.service: hook/%.service FORCE
	$(generate)
$(build)/pool.ocf: hook/pool.ocf FORCE
	$(generate)
$(build)/hooks: hook/hooks.sh FORCE
	$(generate)
	$(Q)chmod +x $@
define generate
	$(Q)mkdir -p $(@D) && sed 's,@SBINDIR@,$(SBINDIR),; s,@LIBEXECDIR@,$(LIBEXECDIR),; s,@DATADIR@,$(DATADIR),' $< > $@
endef

install: $(programs) $(launcher) $(generated)
	install -D -m 755 $(build)/hook/vfpool $(DESTDIR)$(SBINDIR)/vfpool
	install -D -m 755 $(build)/hook/gate $(DESTDIR)$(SBINDIR)/vfpool-gate
	install -D -m 755 $(launcher) $(DESTDIR)$(LIBEXECDIR)/vfpool/qemu
	install -D -m 755 $(build)/hook/qemu $(DESTDIR)$(LIBEXECDIR)/vfpool/guest
	install -D -m 755 $(build)/hook/network $(DESTDIR)$(LIBEXECDIR)/vfpool/network
	install -D -m 755 $(build)/hook/daemon $(DESTDIR)$(LIBEXECDIR)/vfpool/daemon
	install -d $(DESTDIR)$(DATADIR)/vfpool $(DESTDIR)$(MANDIR)/man5 $(DESTDIR)$(MANDIR)/man8
	install -m 644 lib/pool/pool.rng xslt/*.xsl $(DESTDIR)$(DATADIR)/vfpool
	install -m 644 docs/vfpool.schema.json $(DESTDIR)$(DATADIR)/vfpool/schema.json
	install -d $(DESTDIR)$(DATADIR)/vfpool/monitoring
	install -m 644 docs/monitoring/alerts.yml docs/monitoring/dashboard.json $(DESTDIR)$(DATADIR)/vfpool/monitoring
	install -m 644 hook/vfpool.apparmor $(DESTDIR)$(DATADIR)/vfpool/apparmor
	install -m 644 docs/vfpool.xml.5 $(DESTDIR)$(MANDIR)/man5
	install -m 644 docs/vfpool.8 docs/vfpool-hook.8 $(DESTDIR)$(MANDIR)/man8
	ln -sf vfpool-hook.8 $(DESTDIR)$(MANDIR)/man8/vfpool-gate.8
	install -m 755 $(build)/hooks $(DESTDIR)$(LIBEXECDIR)/vfpool/hooks
	install -D -m 644 $(build)/vfpool.service $(DESTDIR)$(LIBDIR)/systemd/system/vfpool.service
	install -m 644 $(build)/vfpool-boot.service $(build)/vfpool-metrics.service hook/vfpool-metrics.timer $(DESTDIR)$(LIBDIR)/systemd/system
	install -D -m 755 $(build)/pool.ocf $(DESTDIR)$(LIBDIR)/ocf/resource.d/vfpool/pool
	install -D -m 644 hook/vfpool.tmpfiles $(DESTDIR)$(LIBDIR)/tmpfiles.d/vfpool.conf
	install -D -m 644 hook/vfpool.bash $(DESTDIR)$(BASHDIR)/vfpool
	install -D -m 644 hook/vfpool.zsh $(DESTDIR)$(ZSHDIR)/_vfpool
	install -D -m 644 hook/vfpool.fish $(DESTDIR)$(FISHDIR)/vfpool.fish
	install -d -m 755 $(DESTDIR)$(SYSCONFDIR)/vfpool

uninstall:
	rm -f $(DESTDIR)$(SBINDIR)/vfpool $(DESTDIR)$(SBINDIR)/vfpool-gate
	rm -f $(DESTDIR)$(MANDIR)/man5/vfpool.xml.5 $(DESTDIR)$(MANDIR)/man8/vfpool.8 $(DESTDIR)$(MANDIR)/man8/vfpool-hook.8 $(DESTDIR)$(MANDIR)/man8/vfpool-gate.8
	rm -f $(DESTDIR)$(LIBDIR)/systemd/system/vfpool.service $(DESTDIR)$(LIBDIR)/systemd/system/vfpool-boot.service
	rm -f $(DESTDIR)$(LIBDIR)/systemd/system/vfpool-metrics.service $(DESTDIR)$(LIBDIR)/systemd/system/vfpool-metrics.timer
	rm -f $(DESTDIR)$(LIBDIR)/tmpfiles.d/vfpool.conf
	rm -f $(DESTDIR)$(BASHDIR)/vfpool $(DESTDIR)$(ZSHDIR)/_vfpool $(DESTDIR)$(FISHDIR)/vfpool.fish
	rm -rf $(DESTDIR)$(LIBEXECDIR)/vfpool $(DESTDIR)$(DATADIR)/vfpool $(DESTDIR)$(LIBDIR)/ocf/resource.d/vfpool

# ---- packages: what is committed, into build/ ----

dist:
	$(Q)mkdir -p build
	git archive --prefix=vfpool-$(VERSION)/ -o build/vfpool-$(VERSION).tar.gz HEAD

# Of a variable of this make they know nothing.
apart = env -u MAKEFLAGS -u MAKELEVEL -u CFLAGS -u CPPFLAGS -u LDFLAGS

deb: dist
	$(Q)rm -rf build/deb && mkdir -p build/deb
	$(Q)cp build/vfpool-$(VERSION).tar.gz build/deb/vfpool_$(VERSION).orig.tar.gz
	$(Q)tar -C build/deb -xf build/vfpool-$(VERSION).tar.gz
	$(Q)cp -r build/deb/vfpool-$(VERSION)/packages/debian build/deb/vfpool-$(VERSION)/debian
	$(Q)cd build/deb/vfpool-$(VERSION) && $(apart) dpkg-buildpackage -us -uc

# RPMFLAGS=--nodeps where the names of what building needs are not rpm's.
rpm: dist
	$(Q)rm -rf build/rpm && mkdir -p build/rpm
	$(Q)SOURCE_DATE_EPOCH=$$(git log -1 --format=%ct) $(apart) rpmbuild -ba $(RPMFLAGS) --define '_topdir $(CURDIR)/build/rpm' \
		--define '_sourcedir $(CURDIR)/build' --define '_buildhost localhost' --define 'clamp_mtime_to_source_date_epoch 1' \
		--define 'use_source_date_epoch_as_buildtime 1' --define 'build_mtime_policy clamp_to_source_date_epoch' packages/rpm/vfpool.spec

clean:
	rm -rf build

FORCE:

.PHONY: FORCE all demo check check-deep coverage tests plain netdevsim fuzz harnesses bench model peers lint lab lab-two paths install uninstall dist deb rpm clean
.DELETE_ON_ERROR:
