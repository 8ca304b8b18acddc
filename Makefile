# SPDX-License-Identifier: LGPL-2.1-or-later
#
#   make            the hook and vfpool, in build/
#   make demo       watch three guests come and go on a simulated host
#   make check      all tests, with sanitizers
#   make install    as root, below DESTDIR
#
# V=1 shows the commands; CC, CFLAGS and LDFLAGS are yours. SANITIZE=1 builds into build/sanitize instead.

VERSION = 0.1

PREFIX     = /usr
SBINDIR    = $(PREFIX)/sbin
LIBEXECDIR = $(PREFIX)/libexec
DATADIR    = $(PREFIX)/share
MANDIR     = $(DATADIR)/man
SYSCONFDIR = /etc

CFLAGS ?= -O2 -g
LIBS    = libxslt libxml-2.0

warnings = -Wall -Wextra -Wconversion -Wshadow -Wstrict-prototypes -Wmissing-prototypes -Wvla $(WERROR)
defines  = -D_GNU_SOURCE -D_FORTIFY_SOURCE=2 -DVFPOOL_VERSION='"$(VERSION)"'
hardened = -fstack-protector-strong -fPIE
linking  = -pie -Wl,-z,relro,-z,now -Wl,--as-needed

build = build
ifdef SANITIZE
build    = build/sanitize
hardened = -fsanitize=address,undefined -fno-sanitize-recover=all -fno-omit-frame-pointer
linking  =
defines  = -D_GNU_SOURCE -DVFPOOL_VERSION='"$(VERSION)"'
endif

cflags := -std=gnu11 $(warnings) $(defines) $(hardened) -Ilib -Ihook $(shell pkg-config --cflags $(LIBS))
libs   := $(shell pkg-config --libs $(LIBS))

Q = $(if $(V),,@)
say = $(if $(V),@:,@printf '  %-5s %s\n' $(1) $@)

lib_objects = $(patsubst %.c,$(build)/%.o,$(wildcard lib/*.c)) $(build)/lib/builtin.o
hook_common = $(build)/hook/program.o
cmd_objects = $(patsubst %.c,$(build)/%.o,$(wildcard hook/cmd-*.c))
programs    = $(build)/hook/qemu $(build)/hook/vfpool

all: $(programs)

$(build)/hook/qemu: $(build)/hook/qemu.o $(hook_common) $(build)/lib.a
$(build)/hook/vfpool: $(build)/hook/vfpool.o $(cmd_objects) $(hook_common) $(build)/lib.a

$(programs):
	$(call say,LINK)
	$(Q)$(CC) $(CFLAGS) $(hardened) $(LDFLAGS) $(linking) -o $@ $^ $(libs)

$(build)/lib.a: $(lib_objects)
	$(call say,AR)
	$(Q)rm -f $@ && $(AR) rcs $@ $^

$(build)/%.o: %.c Makefile
	$(call say,CC)
	$(Q)mkdir -p $(@D) && $(CC) $(cflags) $(CFLAGS) $(CPPFLAGS) -MMD -MP -c -o $@ $<

$(build)/lib/builtin.o: lib/builtin.S lib/pool.rng $(wildcard xslt/*.xsl)
	$(call say,AS)
	$(Q)mkdir -p $(@D) && $(CC) -I. -c -o $@ $<

-include $(wildcard $(build)/*/*.d)

clean:
	rm -rf build

.PHONY: all clean
.DELETE_ON_ERROR:
