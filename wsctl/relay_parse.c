/*
 * relay_parse: see the header. JSON is jansson's business; here is what may stand in it.
 */
#include "relay_parse.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "../lib/envelope.h"

static const char digits[] = "0123456789abcdef";

json_t *relay_open(const char *line, size_t len)
{
	json_t *o;

	if (len > RELAY_LINE_MAX)
		return NULL;
	o = json_loadb(line, len, JSON_REJECT_DUPLICATES, NULL);
	if (json_is_object(o))
		return o;
	json_decref(o);
	return NULL;
}

char *relay_close(json_t *o, size_t *len)
{
	char *text = o ? json_dumps(o, JSON_COMPACT | JSON_PRESERVE_ORDER) : NULL, *line;

	json_decref(o);
	if (!text)
		return NULL;
	*len = strlen(text);
	line = realloc(text, *len + 2);
	if (!line) {
		free(text);
		return NULL;
	}
	memcpy(line + (*len)++, "\n", 2);
	return line;
}

const char *relay_str(const json_t *o, const char *key)
{
	const char *s = json_string_value(json_object_get(o, key));

	return s ? s : "";
}

bool relay_true(const json_t *o, const char *key)
{
	return json_is_true(json_object_get(o, key));
}

int64_t relay_int(const json_t *o, const char *key, int64_t dflt)
{
	const json_t *v = json_object_get(o, key);

	return json_is_integer(v) ? json_integer_value(v) : dflt;
}

/* KEY_hex; out holds any key of ours. */
static const char *hex_key(const char *key, char out[static 32])
{
	snprintf(out, 32, "%.24s_hex", key);
	return out;
}

int relay_set_bytes(json_t *o, const char *key, const char *p, size_t len)
{
	char name[32], *hex;
	json_t *v;

	if (!memchr(p, 0, len) && utf8_valid((const uint8_t *)p, len)) {
		v = json_stringn(p, len);
		/* What one of us takes for UTF-8 the other must too. */
		if (v)
			return json_object_set_new(o, key, v);
	}
	hex = malloc(2 * len + 1);
	if (!hex)
		return -1;
	for (size_t i = 0; i < len; i++) {
		hex[2 * i] = digits[(unsigned char)p[i] >> 4];
		hex[2 * i + 1] = digits[(unsigned char)p[i] & 15];
	}
	v = json_stringn(hex, 2 * len);
	free(hex);
	return json_object_set_new(o, hex_key(key, name), v);
}

static int nibble(char c)
{
	const char *at = c ? strchr(digits, c) : NULL;

	return at ? (int)(at - digits) : -1;
}

char *relay_bytes(const json_t *o, const char *key, size_t *len)
{
	const json_t *v = json_object_get(o, key);
	char name[32], *out;
	const char *hex;

	if (json_is_string(v)) {
		*len = json_string_length(v);
		out = malloc(*len + 1);
		if (out)
			memcpy(out, json_string_value(v), *len + 1);
		return out;
	}
	v = json_object_get(o, hex_key(key, name));
	hex = json_string_value(v);
	if (!hex || json_string_length(v) % 2)
		return NULL;
	*len = json_string_length(v) / 2;
	out = malloc(*len + 1);
	for (size_t i = 0; out && i < *len; i++) {
		int high = nibble(hex[2 * i]), low = nibble(hex[2 * i + 1]);

		if (high < 0 || low < 0) {
			free(out);
			return NULL;
		}
		out[i] = (char)(high << 4 | low);
	}
	if (out)
		out[*len] = '\0';
	return out;
}

int relay_set_stat(json_t *o, const struct relay_stat *st)
{
	return json_object_set_new(o, "stat",
	                           json_pack("{s:b, s:I, s:I, s:I, s:I}", "exists", st->exists,
	                                     "dev", (json_int_t)st->dev, "ino", (json_int_t)st->ino,
	                                     "mtime_ns", (json_int_t)st->mtime_ns, "size",
	                                     (json_int_t)st->size));
}

static bool u64(const json_t *o, const char *key, uint64_t *out)
{
	const json_t *v = json_object_get(o, key);

	*out = (uint64_t)json_integer_value(v);
	return json_is_integer(v);
}

bool relay_stat(const json_t *o, struct relay_stat *out)
{
	const json_t *st = json_object_get(o, "stat");

	*out = (struct relay_stat){.exists = relay_true(st, "exists")};
	return json_is_boolean(json_object_get(st, "exists")) && u64(st, "dev", &out->dev) &&
	       u64(st, "ino", &out->ino) && u64(st, "mtime_ns", &out->mtime_ns) &&
	       u64(st, "size", &out->size);
}
