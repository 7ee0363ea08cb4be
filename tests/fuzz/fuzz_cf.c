/*
 * fuzz_cf: any bytes as a frame of Centrifugo's protocol and as a payload to one of its clients:
 * what is borrowed lies within the frame, numbers in their ranges, a payload that was taken is
 * JSON; and what is sent is one line of JSON, the same whether jansson or cf_json reads it.
 */
#include <jansson.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include "../../node/cf_encode.h"
#include "../../node/cf_parse.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static void must(int good)
{
	if (!good)
		abort();
}

static void within(struct cf_text t, struct cf_text line)
{
	if (!t.p)
		return;
	must(t.p >= line.p && t.len && t.len <= (size_t)(line.p + line.len - t.p));
	must(cf_json_valid(t) && !memchr(t.p, '\n', t.len));
}

static void command(struct cf_text line)
{
	struct cf_command c;
	char token[16];
	size_t len;

	if (cf_parse(line, &c))
		return;
	must(cf_json_valid(line));
	must(c.method <= CF_NONE);
	within(c.token, line);
	within(c.data, line);
	if (c.token.p)
		must(!cf_json_string(c.token, token, sizeof token, &len));
	must(c.channel_len > CHANNEL_MAX || !c.channel[c.channel_len]);
	must(c.limit >= INT32_MIN && c.limit <= INT32_MAX && c.type >= INT32_MIN &&
	     c.type <= INT32_MAX);
	must(!c.since.at.epoch || (!c.since.bad && !c.since.any_epoch));
}

/* jansson is stricter (numbers' ranges, NUL, surrogates, UTF-8), never laxer; deep nesting aside.
 */
static void json(struct cf_text t)
{
	json_t *j = json_loadb(t.p, t.len, JSON_DECODE_ANY | JSON_ALLOW_NUL, NULL);
	unsigned depth = 0;

	for (size_t i = 0; i < t.len; i++)
		depth += t.p[i] == '[' || t.p[i] == '{';
	must(!j || depth > CF_JSON_DEPTH || memchr(t.p, 0, t.len) || cf_json_valid(t));
	json_decref(j);
}

static void payload(enum kind kind, const char *p, size_t size)
{
	struct message m = {.kind = kind, .p = (const uint8_t *)p, .len = size, .at = {1, size}};
	struct buf out = {0};
	size_t len;
	const char *pub;

	cf_push(&out, "a:b", &m);
	if (out.oom)
		goto out;
	must(!memchr(out.p, '\n', out.len) && !memchr(out.p, '\r', out.len));
	must(utf8_valid((const uint8_t *)out.p, out.len));
	must(cf_json_valid((struct cf_text){out.p, out.len}));
	pub = cf_push_pub(out.p, out.len, 3, &len);
	must(cf_json_valid((struct cf_text){pub, len}));
out:
	buf_free(&out);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	struct cf_text frame, line;
	char *p = malloc(size ? size : 1);

	if (!p)
		return 0;
	memcpy(p, data, size);
	frame = (struct cf_text){p, size};
	while (cf_line(&frame, &line)) {
		must(!memchr(line.p, '\n', line.len));
		command(line);
	}
	json((struct cf_text){p, size});
	payload(KIND_BINARY, p, size);
	if (utf8_valid(data, size))
		payload(KIND_TEXT, p, size);
	free(p);
	return 0;
}
