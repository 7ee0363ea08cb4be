/*
 * status_http: asks every node for its /healthz at once, when Redis can't be asked. A silent node
 * costs its deadline, so some threads share the list; they know nothing but their own node's row.
 */
#include <pthread.h>
#include <stdatomic.h>
#include <stdlib.h>
#include <string.h>

#include "cmd.h"
#include "ctl.h"
#include "hap.h"
#include "status.h"

enum { HTTP_MS = 700, ALL_MS = 3000, AT_ONCE = 64, STACK = 256 << 10 };

struct asking {
	struct status *s;
	atomic_size_t next;
	uint64_t until_ms;
};

static void *ask(void *arg)
{
	struct asking *a = arg;

	for (;;) {
		size_t i = atomic_fetch_add(&a->next, 1);
		struct status_node *v = i < a->s->n ? &a->s->v[i] : NULL;
		int code;

		if (!v)
			return NULL;
		if (!v->node)
			continue;
		if (interrupted() || now_ms() >= a->until_ms)
			v->why = strdup("not asked: too many others are silent");
		else if (!healthz_get(&v->node->at, HTTP_MS, &code, &v->report, &v->why))
			v->answers = 1;
	}
}

void status_ask_http(struct status *s)
{
	struct asking a = {.s = s, .until_ms = now_ms() + ALL_MS};
	pthread_t threads[AT_ONCE];
	pthread_attr_t attr;
	size_t n = 0, most = s->n < AT_ONCE ? s->n : AT_ONCE;

	if (pthread_attr_init(&attr))
		most = 0;
	else
		pthread_attr_setstacksize(&attr, STACK);
	while (n + 1 < most && !pthread_create(&threads[n], &attr, ask, &a))
		n++;
	/* This one too, and alone where no other could be made. */
	ask(&a);
	for (size_t i = 0; i < n; i++)
		pthread_join(threads[i], NULL);
	if (most)
		pthread_attr_destroy(&attr);
}
