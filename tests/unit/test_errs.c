/* test_errs: everything wrong is told at once, in the file's order, and one error stays one line.
 */
#include <stdlib.h>

#include "../../lib/errs.h"
#include "tap.h"

static char *printed(const struct errs *e, const char *file)
{
	char *text = NULL;
	size_t n;
	FILE *f = open_memstream(&text, &n);
	errs_print(e, f, "wsctl", file);
	fclose(f);
	return text;
}

int main(void)
{
	struct errs e = {0};
	char *text = printed(&e, "f");
	is(text, "", "no errors print nothing");
	free(text);

	errs_add(&e, 12, 5, "c");
	errs_add(&e, 3, 9, "b %d", 1);
	errs_add(&e, 3, 2, "a");
	errs_add(&e, 3, 9, "b %d", 2);
	errs_add(&e, 0, 0, "no position");
	errs_sort(&e);
	text = printed(&e, "w.yaml");
	is(text,
	   "wsctl: w.yaml: no position\nwsctl: w.yaml:3:2: a\nwsctl: w.yaml:3:9: b 1\n"
	   "wsctl: w.yaml:3:9: b 2\nwsctl: w.yaml:12:5: c\n",
	   "errors come in the file's order, equal positions in the order of finding");
	free(text);
	text = printed(&e, NULL);
	ok(strncmp(text, "wsctl: no position\nwsctl: a\n", 28) == 0,
	   "without a file there is no position");
	free(text);
	errs_free(&e);
	ok(e.n == 0 && e.v == NULL, "a freed list is empty");

	errs_add(&e, 1, 1, "key \"%s\"", "a\nwsctl: forged\x1b[0m\x7f");
	is(e.v[0].msg, "key \"a\\x0awsctl: forged\\x1b[0m\\x7f\"", "control bytes are escaped");
	errs_free(&e);

	char big[5000];
	memset(big, 'x', sizeof big - 1);
	big[sizeof big - 1] = '\0';
	errs_add(&e, 1, 1, "%s", big);
	ok(strlen(e.v[0].msg) == 1023 && strcmp(e.v[0].msg + 1020, "...") == 0,
	   "a long message is cut");
	errs_free(&e);

	for (int i = 0; i < 1000; i++)
		errs_add(&e, 1 + (i * 7919) % 997, i, "m");
	errs_sort(&e);
	bool sorted = e.n == 1000;
	for (size_t i = 1; i < e.n; i++)
		sorted = sorted &&
		         (e.v[i - 1].line < e.v[i].line ||
		          (e.v[i - 1].line == e.v[i].line && e.v[i - 1].col <= e.v[i].col));
	ok(sorted, "a thousand errors are sorted");
	errs_free(&e);
	return tap_done();
}
