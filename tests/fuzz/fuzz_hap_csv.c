/*
 * fuzz_hap_csv: whatever a socket says, reading it neither crashes nor runs off its end. The first
 * byte chooses the reader.
 */
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include "../../wsctl/hap_int.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static void table(char *text, char sep)
{
	struct hap_table t;
	if (hap_table_open(&t, text, sep)) {
		free(text);
		return;
	}
	for (int n = 0; n < 10000 && hap_table_next(&t); n++) {
		for (size_t i = 0; i < t.n_cols; i++)
			hap_table_int(&t, t.cols[i], 0);
		if (strlen(hap_table_get(&t, "svname")) > 1 << 24)
			abort();
	}
	hap_table_close(&t);
}

static void lines(char *text, size_t size)
{
	struct hap_worker w;
	struct hap_sess s;
	unsigned v[3];
	bool old = false;
	for (char *p = text; *p;) {
		size_t len = strcspn(p, "\n");
		hap_proc_parse(p, len, &old, &w);
		if (hap_sess_parse(p, len, &s) == 0) {
			if (s.be < text || s.be + s.be_len > text + size ||
			    s.srv + s.srv_len > text + size)
				abort();
			hap_sess_is(&s, "chat", "ws1");
		}
		p += len + (p[len] == '\n');
	}
	if (hap_version_parse(text, v) == 0)
		hap_version_del_risky(v);
	free(text);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	if (size < 1)
		return 0;
	char *text = malloc(size);
	if (!text)
		return 0;
	memcpy(text, data + 1, size - 1);
	text[size - 1] = '\0';
	if (data[0] % 3 == 2)
		lines(text, size);
	else
		table(text, data[0] % 3 ? ',' : ' ');
	return 0;
}
