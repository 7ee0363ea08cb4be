# wscale: two programs, one Makefile, no configure step.
#   make           both programs into $(BUILD)
#   make demo      a running cluster in a temporary directory
#   make check     every test, on real HAProxy and Redis
#   make install   DESTDIR, PREFIX, SYSCONFDIR, UNITDIR
# User flags (CFLAGS, CPPFLAGS, LDFLAGS) are added to, never overwritten.

BUILD      ?= build
PREFIX     ?= /usr/local
SYSCONFDIR ?= /etc
UNITDIR    ?= $(PREFIX)/lib/systemd/system
PKG_CONFIG ?= pkg-config
CFLAGS     ?= -O2 -g
WERROR     ?=

WARN  = -Wall -Wextra -Wshadow -Wstrict-prototypes -Wmissing-prototypes -Wcast-qual \
        -Wwrite-strings -Wformat=2 -Wvla $(WERROR)
HARD ?= -fstack-protector-strong -fPIE -D_FORTIFY_SOURCE=2
CSTD  = -std=c11 -D_GNU_SOURCE
ALL_CFLAGS  = $(CSTD) $(WARN) $(HARD) $(CFLAGS) -MMD -MP
ALL_LDFLAGS = -pie -Wl,-z,relro,-z,now $(LDFLAGS)

PKG_LIB   = jansson libcrypto yaml-0.1 hiredis
PKG_NODE  = libwebsockets
PKG_CFLAGS := $(shell $(PKG_CONFIG) --cflags $(PKG_LIB) $(PKG_NODE) 2>/dev/null)
LIBS_CTL   := $(shell $(PKG_CONFIG) --libs $(PKG_LIB) 2>/dev/null)
LIBS_NODE  := $(shell $(PKG_CONFIG) --libs $(PKG_LIB) $(PKG_NODE) 2>/dev/null) -lev

LIB_SRC  = lib/buf.c lib/channel.c lib/config.c lib/config_hash.c lib/config_keys.c lib/endpoint.c \
           lib/envelope.c lib/errs.c lib/jwt.c lib/log.c lib/num.c lib/secret.c lib/yaml_doc.c
NODE_SRC = $(wildcard node/*.c)
CTL_SRC  = $(wildcard wsctl/*.c)

LIB_OBJ  = $(LIB_SRC:%.c=$(BUILD)/%.o)
NODE_OBJ = $(NODE_SRC:%.c=$(BUILD)/%.o)
CTL_OBJ  = $(CTL_SRC:%.c=$(BUILD)/%.o)

.PHONY: all clean
.DELETE_ON_ERROR:

all: $(BUILD)/wsnode $(BUILD)/wsctl

$(BUILD)/wsnode: $(NODE_OBJ) $(LIB_OBJ)
	$(CC) $(ALL_CFLAGS) $(ALL_LDFLAGS) -o $@ $^ $(LIBS_NODE)

$(BUILD)/wsctl: $(CTL_OBJ) $(LIB_OBJ)
	$(CC) $(ALL_CFLAGS) $(ALL_LDFLAGS) -o $@ $^ $(LIBS_CTL)

$(BUILD)/%.o: %.c
	@mkdir -p $(@D)
	$(CC) $(CPPFLAGS) $(ALL_CFLAGS) $(PKG_CFLAGS) -c -o $@ $<

clean:
	rm -rf $(BUILD)

-include $(LIB_OBJ:.o=.d) $(NODE_OBJ:.o=.d) $(CTL_OBJ:.o=.d)
