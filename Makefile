# wscale: two programs, one Makefile, no configure step.
#   make           both programs into $(BUILD)
#   make demo      a running cluster in a temporary directory
#   make check     every test, on real HAProxy and Redis
#   make check-platforms    the packages on booted Debians, and ARM; PLATFORMS chooses
#   make install   DESTDIR, PREFIX, SYSCONFDIR, UNITDIR
#   make deb       Debian packages, into $(BUILD)/packages
# User flags (CFLAGS, CPPFLAGS, LDFLAGS) are added to, never overwritten. CTL_CFLAGS come behind them, for what
# only wsctl has: it is typed by hand, and is to be small.

BUILD      ?= build
PREFIX     ?= /usr/local
SYSCONFDIR ?= /etc
UNITDIR    ?= $(PREFIX)/lib/systemd/system
PKG_CONFIG ?= pkg-config
INSTALL    ?= install
CFLAGS     ?= -O2 -g
CTL_CFLAGS ?= -Os
WERROR     ?=

WARN  = -Wall -Wextra -Wshadow -Wstrict-prototypes -Wmissing-prototypes -Wcast-qual \
        -Wwrite-strings -Wformat=2 -Wvla $(WERROR)
HARD ?= -fstack-protector-strong -fPIE -D_FORTIFY_SOURCE=2
CSTD  = -std=c11 -D_GNU_SOURCE
ALL_CFLAGS  = $(CSTD) $(WARN) $(HARD) $(CFLAGS) -MMD -MP
ALL_LDFLAGS = -pie -Wl,-z,relro,-z,now $(LDFLAGS)

PKG_LIB   = jansson libcrypto yaml-0.1 hiredis
PKG_NODE  = libwebsockets
ifeq ($(filter-out all $(BUILD)/%,$(or $(MAKECMDGOALS),all)),)
ifneq ($(shell $(PKG_CONFIG) --exists $(PKG_LIB) $(PKG_NODE) 2>/dev/null && echo yes),yes)
$(error not all of $(PKG_LIB) $(PKG_NODE) are here; Debian: apt install pkg-config libwebsockets-dev \
  libwebsockets-evlib-ev libev-dev libhiredis-dev libyaml-dev libjansson-dev libssl-dev)
endif
endif
PKG_CFLAGS := $(shell $(PKG_CONFIG) --cflags $(PKG_LIB) $(PKG_NODE) 2>/dev/null)
LIBS_CTL   := $(shell $(PKG_CONFIG) --libs $(PKG_LIB) 2>/dev/null)
LIBS_NODE  := $(shell $(PKG_CONFIG) --libs $(PKG_LIB) $(PKG_NODE) 2>/dev/null) -lev

LIB_SRC  = lib/buf.c lib/channel.c lib/config.c lib/config_check.c lib/config_hash.c lib/config_keys.c \
           lib/config_servers.c lib/config_set.c lib/endpoint.c lib/envelope.c lib/errs.c lib/jwt.c lib/log.c lib/near.c \
           lib/num.c lib/position.c lib/script.c lib/secret.c lib/yaml_doc.c
NODE_SRC = node/asks.c node/auth.c node/batch.c node/bus.c node/cache.c node/cf.c \
           node/cf_encode.c node/cf_history.c node/cf_json.c node/cf_parse.c node/cf_publish.c \
           node/cf_recover.c node/cf_say.c node/cf_sub.c node/cf_wait.c node/closes.c \
           node/control.c node/drain.c node/encode.c node/fill_reply.c node/front.c \
           node/health.c node/history.c node/http.c node/hub.c node/hub_fan.c node/lag.c \
           node/lbs.c node/listen.c node/login.c node/main.c node/metrics.c node/notify.c node/options.c \
           node/pace.c node/publish.c node/rconn.c node/replay.c node/respond.c node/retire.c node/ring.c node/session.c \
           node/session_send.c node/setup.c node/upgrade.c node/wheel.c node/ws.c
CTL_SRC  = $(wildcard wsctl/*.c)

LIB_OBJ  = $(LIB_SRC:%.c=$(BUILD)/obj/%.o) $(BUILD)/obj/lib/script_text.o
NODE_OBJ = $(NODE_SRC:%.c=$(BUILD)/obj/%.o) $(BUILD)/obj/node/page.o
CTL_OBJ  = $(CTL_SRC:%.c=$(BUILD)/obj/%.o)

.PHONY: all clean demo install uninstall
.DELETE_ON_ERROR:

all: $(BUILD)/wsnode $(BUILD)/wsctl

$(BUILD)/wsnode: $(NODE_OBJ) $(LIB_OBJ)
	$(CC) $(ALL_CFLAGS) $(ALL_LDFLAGS) -o $@ $^ $(LIBS_NODE)

$(CTL_OBJ): ALL_CFLAGS += $(CTL_CFLAGS)
$(BUILD)/wsctl: $(CTL_OBJ) $(LIB_OBJ)
	$(CC) $(ALL_CFLAGS) $(ALL_LDFLAGS) -o $@ $^ $(LIBS_CTL)

$(BUILD)/obj/%.o: %.c
	@mkdir -p $(@D)
	$(CC) $(CPPFLAGS) $(ALL_CFLAGS) $(PKG_CFLAGS) -c -o $@ $<

LUA = lib/lua/publish.lua lib/lua/fill.lua lib/lua/check.lua lib/lua/purge.lua
$(BUILD)/obj/node/page.o: node/page/chat.html
$(BUILD)/obj/lib/script_text.o: $(LUA)
$(BUILD)/obj/%.o: %.S
	@mkdir -p $(@D)
	$(CC) -c -o $@ $<

# What lands where. Configuration is never written: an example is, beside the documents.
BINDIR   = $(DESTDIR)$(PREFIX)/bin
MANDIR   = $(DESTDIR)$(PREFIX)/share/man
DOCDIR   = $(DESTDIR)$(PREFIX)/share/doc/wscale
DATADIR  = $(DESTDIR)$(PREFIX)/share/wscale
SYSUSERS = $(DESTDIR)$(PREFIX)/lib/sysusers.d
TMPFILES = $(DESTDIR)$(PREFIX)/lib/tmpfiles.d
COMPDIR  = $(DESTDIR)$(PREFIX)/share/bash-completion/completions
CONFDIR  = $(DESTDIR)$(SYSCONFDIR)/wscale
MAN5 = man/wscale.yaml.5
MAN7 = man/wscale.7
MAN8 = man/wsctl.8 man/wsnode.8
DOCS = README.md INSTALL.md CHANGELOG.md LICENSE haproxy/wscale.yaml haproxy/wscale-backend.yaml systemd/wsnode.env.example \
       systemd/wsctl-kafka.env.example
PROMETHEUS = prometheus/prometheus.yml.example prometheus/wscale.rules.yml prometheus/wscale.rules.test.yml
UNITS = wsnode@.service wsctl-kafka@.service
PLAIN_UNITS = wsnode@.socket wscale.target
DROPIN = haproxy.service.d/wscale.conf

install: all
	$(INSTALL) -d $(BINDIR) $(MANDIR)/man5 $(MANDIR)/man7 $(MANDIR)/man8 $(DOCDIR) $(DATADIR) $(COMPDIR) \
		$(SYSUSERS) $(TMPFILES) $(DESTDIR)$(UNITDIR) $(CONFDIR)
	$(INSTALL) -m 755 $(BUILD)/wsnode $(BUILD)/wsctl $(BINDIR)
	set -e; for m in $(MAN5) $(MAN7) $(MAN8); do \
		sed 's,/usr/local/share/wscale,$(PREFIX)/share/wscale,g' $$m >$(BUILD)/page; \
		$(INSTALL) -m 644 $(BUILD)/page $(MANDIR)/man$${m##*.}/$${m##*/}; \
	done
	$(INSTALL) -m 644 $(DOCS) $(DOCDIR)
	$(INSTALL) -m 644 lib/lua/publish.lua $(DATADIR)
	sed 's,/usr/local/share/wscale,$(PREFIX)/share/wscale,' haproxy/certbot-deploy-hook.sh >$(BUILD)/hook
	$(INSTALL) -m 755 $(BUILD)/hook $(DATADIR)/certbot-deploy-hook.sh
	$(INSTALL) -d $(DATADIR)/prometheus
	$(INSTALL) -m 644 $(PROMETHEUS) $(DATADIR)/prometheus
	LC_ALL=C $(BUILD)/wsctl completion bash >$(BUILD)/completion
	$(INSTALL) -m 644 $(BUILD)/completion $(COMPDIR)/wsctl
	$(INSTALL) -m 644 systemd/wscale.sysusers $(SYSUSERS)/wscale.conf
	$(INSTALL) -m 644 systemd/wscale.tmpfiles $(TMPFILES)/wscale.conf
	$(INSTALL) -d $(DESTDIR)$(UNITDIR)/$(dir $(DROPIN))
	set -e; for u in $(UNITS) $(DROPIN); do \
		sed 's,@BINDIR@,$(PREFIX)/bin,g; s,@SYSCONFDIR@,$(SYSCONFDIR),g' systemd/$$u.in >$(BUILD)/unit; \
		$(INSTALL) -m 644 $(BUILD)/unit $(DESTDIR)$(UNITDIR)/$$u; \
	done
	$(INSTALL) -m 644 $(addprefix systemd/,$(PLAIN_UNITS)) $(DESTDIR)$(UNITDIR)
	@test -n "$(DESTDIR)" || echo "now: systemd-sysusers; systemd-tmpfiles --create; systemctl daemon-reload"

# The administrator's own files stay, and with them their directory.
uninstall:
	rm -f $(BINDIR)/wsnode $(BINDIR)/wsctl $(SYSUSERS)/wscale.conf $(TMPFILES)/wscale.conf
	rm -f $(addprefix $(MANDIR)/man5/,$(notdir $(MAN5))) $(addprefix $(MANDIR)/man7/,$(notdir $(MAN7)))
	rm -f $(addprefix $(MANDIR)/man8/,$(notdir $(MAN8))) $(DATADIR)/publish.lua
	rm -f $(DATADIR)/certbot-deploy-hook.sh $(COMPDIR)/wsctl
	rm -f $(addprefix $(DOCDIR)/,$(notdir $(DOCS))) $(addprefix $(DESTDIR)$(UNITDIR)/,$(UNITS) $(PLAIN_UNITS) $(DROPIN))
	rm -f $(addprefix $(DATADIR)/,$(PROMETHEUS))
	rmdir $(DATADIR)/prometheus $(DOCDIR) $(DATADIR) $(CONFDIR) $(DESTDIR)$(UNITDIR)/$(dir $(DROPIN)) 2>/dev/null || :

# Debian packages of this tree, into $(BUILD)/packages; nothing is downloaded. debian/rules has the rest.
.PHONY: deb
deb:
	debian/build $(BUILD)/packages

demo:
	@BUILD=$(BUILD) MAKE="$(MAKE)" demo/run

clean:
	rm -rf $(BUILD)

-include tests/tests.mk

-include $(LIB_OBJ:.o=.d) $(NODE_OBJ:.o=.d) $(CTL_OBJ:.o=.d)
