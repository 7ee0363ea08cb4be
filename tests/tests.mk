# tests.mk: what only the tests need: tools, unit programs, fuzzers; and `make check`. Included by the
# Makefile. Explicit lists, as there.

T = $(BUILD)/tests

# --- tools: libc only; built without the sanitizers of a build under test, to stay fast
TOOLS       = $(T)/wscli $(T)/wsload $(T)/wspub $(T)/freeport $(T)/listenfd $(T)/notifyrecv \
              $(T)/kafkamock
TOOL_CFLAGS = $(CSTD) $(WARN) -O2 -g -MMD -MP

$(T)/wscli:    $(T)/tools/wscli.o $(T)/tools/ws.o
$(T)/wsload:   $(addprefix $(T)/tools/,wsload.o herd.o talk.o follow.o json.o tally.o ws.o)
$(T)/wspub:    $(T)/tools/wspub.o
$(T)/freeport: $(T)/tools/freeport.o
$(T)/listenfd: $(T)/tools/listenfd.o
$(T)/notifyrecv: $(T)/tools/notifyrecv.o
$(T)/kafkamock: $(T)/tools/kafkamock.o
$(TOOLS):
	$(CC) -o $@ $^ $(TOOL_LIBS)
$(T)/kafkamock: TOOL_LIBS = -ldl

# Drives wsctl's own half of the conversation with HAProxy.
$(T)/hapctl: $(T)/tools/hapctl.o $(filter-out %/main.o,$(CTL_OBJ)) $(LIB_OBJ)
	$(CC) $(ALL_CFLAGS) $(ALL_LDFLAGS) -o $@ $^ $(LIBS_CTL)

$(T)/tools/%.o: tests/tools/%.c
	@mkdir -p $(@D)
	$(CC) $(CPPFLAGS) $(TOOL_CFLAGS) -c -o $@ $<

# --- unit programs: TAP on stdout; each is one test_NAME.c with lib/. What else one needs is added to it.
EDIT_SRC = wsctl/edit.c wsctl/edit_line.c wsctl/edit_text.c
UNIT_LIB = errs buf num endpoint channel position envelope script jwt secret log yaml_doc config config_bad config_hash
UNIT_CTL = doctor plan kafka render hap_csv shown statefile opts table edit edit_random persist persist_rendered lock relay_parse
UNIT_NODE = wheel pace batch lag http front rconn cf_parse cf_encode ring ring_oom fill_reply history history_random
UNIT_TOOLS = talk
UNIT = $(UNIT_TOOLS:%=$(T)/unit/test_%) $(UNIT_LIB:%=$(T)/unit/test_%) $(UNIT_CTL:%=$(T)/unit/test_%) $(UNIT_NODE:%=$(T)/unit/test_%)

$(T)/unit/test_render: $(addprefix $(BUILD)/obj/wsctl/,render.o render_redis.o)
$(T)/unit/test_hap_csv: $(BUILD)/obj/wsctl/hap_csv.o
$(T)/unit/test_statefile: $(addprefix $(BUILD)/obj/wsctl/,statefile.o render.o render_redis.o)
$(T)/unit/test_doctor $(T)/unit/test_plan: $(filter-out %/main.o,$(CTL_OBJ))
$(T)/unit/test_kafka: $(BUILD)/obj/wsctl/kafka.o
$(T)/unit/test_opts: $(BUILD)/obj/wsctl/opts.o
$(T)/unit/test_table: $(BUILD)/obj/wsctl/table.o $(BUILD)/obj/wsctl/term.o
$(T)/unit/test_shown: $(BUILD)/obj/wsctl/shown.o
$(T)/unit/test_edit $(T)/unit/test_edit_random: $(EDIT_SRC:%.c=$(BUILD)/obj/%.o)
$(T)/unit/test_persist: $(BUILD)/obj/wsctl/persist.o
$(T)/unit/test_persist_rendered: $(addprefix $(BUILD)/obj/wsctl/,persist.o persist_rendered.o pristine.o)
$(T)/unit/test_lock: $(BUILD)/obj/wsctl/lock.o $(BUILD)/obj/wsctl/interrupt.o
$(T)/unit/test_relay_parse: $(BUILD)/obj/wsctl/relay_parse.o
$(T)/unit/test_wheel: $(BUILD)/obj/node/wheel.o
$(T)/unit/test_pace: $(BUILD)/obj/node/pace.o
$(T)/unit/test_batch: $(BUILD)/obj/node/batch.o
$(T)/unit/test_lag: $(BUILD)/obj/node/lag.o $(BUILD)/obj/node/batch.o
$(T)/unit/test_http: $(BUILD)/obj/node/http.o
$(T)/unit/test_front: $(BUILD)/obj/node/front.o $(BUILD)/obj/node/http.o $(BUILD)/obj/node/wheel.o
$(T)/unit/test_rconn: $(BUILD)/obj/node/rconn.o
$(T)/unit/test_ring: $(BUILD)/obj/node/ring.o
$(T)/unit/test_fill_reply: $(BUILD)/obj/node/fill_reply.o
$(T)/unit/test_history $(T)/unit/test_history_random: $(BUILD)/obj/node/history.o $(BUILD)/obj/node/ring.o
$(T)/unit/test_cf_parse: $(BUILD)/obj/node/cf_parse.o $(BUILD)/obj/node/cf_json.o
$(T)/unit/test_cf_encode: $(BUILD)/obj/node/cf_encode.o $(BUILD)/obj/node/cf_json.o
$(T)/unit/test_front $(T)/unit/test_rconn: LIBS_CTL += -lev
$(T)/unit/test_talk: $(addprefix $(T)/tools/,talk.o follow.o json.o tally.o ws.o)
$(UNIT): $(T)/unit/%: $(BUILD)/obj/tests/unit/%.o $(LIB_OBJ)
	@mkdir -p $(@D)
	$(CC) $(ALL_CFLAGS) $(ALL_LDFLAGS) -o $@ $^ $(LIBS_CTL)

# --- fuzzers: libFuzzer with ASan and UBSan, FUZZ_SECONDS for each; what they find fails the build
FUZZ         = config jwt envelope num edit hap_csv kafka http cf texts reply
FUZZ_SECONDS ?= 10
FUZZ_CFLAGS  = $(CSTD) $(WARN) -O1 -g -fsanitize=fuzzer,address,undefined -fno-sanitize-recover=all
FUZZ_BIN     = $(FUZZ:%=$(T)/fuzz/fuzz_%)

$(T)/fuzz/fuzz_edit: $(EDIT_SRC)
$(T)/fuzz/fuzz_hap_csv: wsctl/hap_csv.c
$(T)/fuzz/fuzz_kafka: wsctl/kafka.c
$(T)/fuzz/fuzz_reply: $(filter-out wsctl/main.c,$(CTL_SRC))
$(T)/fuzz/fuzz_texts: wsctl/relay_parse.c wsctl/statefile.c wsctl/plan_lines.c wsctl/live_draw.c \
	wsctl/table.c wsctl/term.c
$(T)/fuzz/fuzz_http: node/http.c
$(T)/fuzz/fuzz_cf: node/cf_encode.c node/cf_json.c node/cf_parse.c
$(FUZZ_BIN): $(T)/fuzz/%: tests/fuzz/%.c $(LIB_SRC) lib/script_text.S $(LUA) $(wildcard lib/*.h)
	@mkdir -p $(@D)
	clang $(FUZZ_CFLAGS) $(PKG_CFLAGS) -o $@ $< $(filter wsctl/%.c node/%.c,$^) $(LIB_SRC) lib/script_text.S $(LIBS_CTL)

# --- what fan-out and memory cost, against a bare send() loop; a release build of its own
BENCH = build/bench
$(T)/bare: tests/bench/bare.c
	@mkdir -p $(@D)
	$(CC) $(CSTD) $(WARN) -O2 $(PKG_CFLAGS) -o $@ $< $(LIBS_CTL)
$(T)/bench: tests/bench/bench.c
	@mkdir -p $(@D)
	$(CC) $(CSTD) $(WARN) -O2 -o $@ $<
$(T)/bench_history: tests/bench/history.c $(LIB_OBJ)
	@mkdir -p $(@D)
	$(CC) $(ALL_CFLAGS) $(ALL_LDFLAGS) $(PKG_CFLAGS) -o $@ $^ $(LIBS_CTL)
.PHONY: bench bench-history
bench:
	$(MAKE) BUILD=$(BENCH) CFLAGS="-O2" $(BENCH)/wsnode $(BENCH)/tests/bare $(BENCH)/tests/bench
	$(BENCH)/tests/bench $(BENCH)/wsnode $(BENCH)/tests/bare
# What a history costs Redis.
bench-history:
	$(MAKE) BUILD=$(BENCH) CFLAGS="-O2" $(BENCH)/tests/bench_history
	$(BENCH)/tests/bench_history

# --- the drain that nobody notices, at its full size: 5,000 clients, about two minutes
.PHONY: bench-drain
bench-drain:
	$(MAKE) BUILD=$(BENCH) CFLAGS="-O2" all tools
	BUILD=$(BENCH) tests/bench/drain.sh

# --- what wsctl costs with a thousand nodes
.PHONY: bench-wsctl
bench-wsctl:
	$(MAKE) BUILD=$(BENCH) CFLAGS="-O2" all tools
	BUILD=$(BENCH) tests/bench/wsctl.sh

# --- all together
.PHONY: tools unit fuzz check check-platforms core deps tidy
tools: $(TOOLS) $(T)/hapctl $(T)/bench_history
unit: $(UNIT)
	BUILD="$(BUILD)" tests/run $(UNIT)

# New inputs stay in the build directory; the seeds are read only.
fuzz: $(FUZZ_BIN)
	set -e; for f in $(FUZZ); do \
		mkdir -p $(T)/fuzz/found_$$f; \
		$(T)/fuzz/fuzz_$$f -max_total_time=$(FUZZ_SECONDS) -timeout=10 -rss_limit_mb=1024 \
			-print_final_stats=1 -verbosity=0 -artifact_prefix=$(T)/fuzz/crash_$$f- \
			$(T)/fuzz/found_$$f tests/fuzz/corpus/$$f; \
	done

deps:
	tests/deps

# What needs other machines: packages on a booted Debian 12 and 13, ARM; PLATFORMS chooses some of them.
check-platforms: all tools
	BUILD="$(BUILD)" tests/platforms/run $(PLATFORMS)

# The part of the tests that a slow, emulated machine runs.
CORE = node_raw node_auth node_history node_redis wsctl_add wsctl_cordon wsctl_remove wsctl_status restore
core: all tools $(UNIT)
	BUILD="$(BUILD)" tests/run $(UNIT) $(CORE:%=tests/%.bats)

check: deps
	$(MAKE) all tools $(UNIT)
	BUILD="$(BUILD)" UNIT="$(UNIT)" tests/run

# --- clang-tidy over what we wrote; one file a process: clang-tidy 14 with several sees va_lists that
# are not initialised where they are
tidy:
	printf "%s\n" $(LIB_SRC) $(NODE_SRC) $(CTL_SRC) $(wildcard tests/tools/*.c) | \
		xargs -P 2 -n 1 sh -c 'clang-tidy --quiet "$$@" -- $(CSTD) $(PKG_CFLAGS) 2>/dev/null' tidy

-include $(wildcard $(T)/tools/*.d $(BUILD)/obj/tests/unit/*.d)
