/*
 * test_talk: the load tool's judgement: what it calls lost, doubled, out of place or announced in
 * either protocol, what it says to the server, and what it won't accept. Who watches the watchman.
 */
#include <inttypes.h>
#include <stdio.h>
#include <sys/socket.h>
#include <sys/wait.h>
#include <unistd.h>

#include "../tools/json.h"
#include "../tools/talk.h"
#include "tap.h"

static const struct talk_opt opt = {.path = "/ws/"};
static struct lane lane;
static struct tally t;
static struct talk k;
static int pair[2];
static uint64_t now;

static void begin(enum talk_as as)
{
	tally_reset(&t);
	memset(&lane, 0, sizeof(lane));
	snprintf(lane.name, sizeof(lane.name), "ch0");
	memset(&k, 0, sizeof(k));
	k.as = as;
	talk_end(&k);
}

static void opened(void)
{
	follow_begin(&k.f, now);
	now += 3;
	talk_open(&k, pair[0], k.as == TALK_ID ? "wscale.id" : "", &lane, &opt, now);
}

static void frame(const char *s)
{
	struct ws_event e = {.type = WS_EV_FRAME,
	                     .opcode = WS_TEXT,
	                     .fin = true,
	                     .p = (const uint8_t *)s,
	                     .len = strlen(s)};

	talk_frame(&k, pair[0], &e, &lane, &t, now);
}

/* What the client said since the last call, unmasked, frame after frame. */
static const char *said(void)
{
	static char out[4096];
	uint8_t b[4096];
	ssize_t n = recv(pair[1], b, sizeof(b), MSG_DONTWAIT);
	size_t len = 0;

	for (ssize_t i = 0; i < n;) {
		size_t want = b[i + 1] & 0x7f, head = 2;

		if (want == 126) {
			want = (size_t)b[i + 2] << 8 | b[i + 3];
			head = 4;
		}
		for (size_t j = 0; j < want; j++)
			out[len++] = (char)(b[(size_t)i + head + 4 + j] ^
			                    b[(size_t)i + head + j % 4]);
		i += (ssize_t)(head + 4 + want);
	}
	out[len] = '\0';
	return out;
}

static const char *request(void)
{
	static char out[2048];
	struct ws_url u;

	ws_url_parse("ws://127.0.0.1:80", &u);
	talk_request(&k, &u, &lane, &opt, &t, out, sizeof(out));
	return out;
}

/* Whether this frame ends the program, as it must. */
static bool refused(const char *s)
{
	int status;

	fflush(stdout);
	pid_t p = fork();

	if (p == 0) {
		if (!freopen("/dev/null", "w", stderr))
			_exit(1);
		frame(s);
		_exit(0);
	}
	waitpid(p, &status, 0);
	return WIFEXITED(status) && WEXITSTATUS(status) == 70;
}

static bool clean(void)
{
	return !t.lost && !t.doubled && !t.reordered && !t.misplaced && !t.conflicts &&
	       !t.strangers && !t.unnumbered;
}

static void id(void)
{
	begin(TALK_ID);
	ok(strncmp(request(), "GET /ws/ch0 HTTP/1.1\r\n", 22) == 0 &&
	           strstr(request(), "Sec-WebSocket-Protocol: wscale.id\r\n"),
	   "id: a first connection asks for nothing");
	opened();
	ok(refused("a-1\n1 0 ch0") && refused("!recovered a-0") && refused("!lost a-0") &&
	           refused("!ready") && refused("hello"),
	   "id: the first frame must be !ready");
	frame("!ready a-7");
	frame("a-8\n1 0 ch0");
	frame("a-9\n2 0 ch0 xxx");
	ok(clean() && t.received == 2 && lane.top == 2 && t.n_gaps == 0, "id: it follows");
	ok(refused("!ready a-9") && refused("!recovered a-8") && refused("a-10") &&
	           refused("-\n3 0 ch0"),
	   "id: nothing else comes later");
	frame("!recovered aa-9");
	ok(clean() && t.renamed == 1 && t.recovered == 0, "id: a new epoch without a loss");
	k.f.at.epoch[1] = '\0';
	talk_end(&k);
	ok(strncmp(request(), "GET /ws/ch0?since=a-9 HTTP/1.1\r\n", 32) == 0 && t.resumed == 1,
	   "id: it comes back from where it was");
	lane.top = 4;
	opened();
	ok(refused("!ready a-9") && refused("!recovered a-8") && refused("!recovered 9-9"),
	   "id: it must be told of what it asked for");
	frame("!recovered a-9");
	frame("a-10\n3 0 ch0");
	ok(t.n_gaps == 0, "id: not caught up before it has what others have");
	now += 2;
	frame("a-11\n4 0 ch0");
	ok(clean() && t.n_gaps == 1 && t.gaps[0].whole == 5 && t.gaps[0].served == 2 &&
	           t.recovered == 1,
	   "id: caught up, and how long that took");
	frame("!lost b-20");
	frame("b-21\n8 0 ch0");
	ok(clean() && t.announced == 1 && t.skipped == 3, "id: a loss that is announced");
	frame("b-22\n9 0 ch0");
	frame("b-23\n11 0 ch0");
	ok(clean() && t.skipped == 4, "id: it may be later in what was published before");
	frame("b-24\n13 9000000000000000 ch0");
	ok(t.lost == 1 && t.announced == 1 && t.misplaced == 0, "id: the next isn't announced");
}

static void judgement(void)
{
	begin(TALK_ID);
	opened();
	frame("!ready a-0");
	frame("a-1\n1 0 ch0");
	frame("a-2\n1 0 ch0");
	ok(t.doubled == 1 && t.lost == 0 && t.misplaced == 0, "a number twice is doubled");
	frame("a-3\n3 0 ch0");
	frame("a-4\n2 0 ch0");
	ok(t.reordered == 1 && t.lost == 0, "a late one is no loss, but out of order");
	frame("a-6\n4 0 ch0");
	frame("c-7\n5 0 ch0");
	ok(t.misplaced == 2, "a place that isn't the next; another epoch without a word");
	frame("c-8\n6 0 ch1");
	frame("c-9\nhello");
	ok(t.strangers == 1 && t.unnumbered == 1, "other channels' messages, and none of ours");
	talk_end(&k);
	opened();
	frame("!lost a-3");
	frame("a-4\n7 0 ch0");
	ok(t.conflicts == 1, "another message in the same place");
	frame("!lost d-0");
	frame("d-1\n7 0 ch0");
	ok(t.doubled == 2 && t.redone == 0, "doubled after a loss is doubled");
	frame("!lost e-0");
	frame("e-1\n7 0 ch0 again");
	frame("e-2\n7 0 ch0 again");
	ok(t.doubled == 2 && t.redone == 2, "unless its publisher had to send it again");
	frame("e-3\n8 0 ch0");
	frame("e-4\n8 0 ch0 again");
	ok(t.doubled == 3, "which is no excuse without a loss");
}

#define SUBSCRIBED \
	"{\"id\":2,\"subscribe\":{\"recoverable\":true,\"epoch\":\"a\",\"positioned\":true"
#define PUB(n, offset) "{\"data\":\"" n " 0 ch0\",\"offset\":" offset "}"
#define PUSH(n, offset) "{\"push\":{\"channel\":\"ch0\",\"pub\":" PUB(n, offset) "}}"

static void connect_cf(void)
{
	opened();
	ok(strcmp(said(), "{\"id\":1,\"connect\":{}}") == 0, "cf: connect");
	frame("{\"id\":1,\"connect\":{\"client\":\"x\",\"version\":\"0\",\"ping\":25,\"pong\":true}"
	      "}");
}

static void cf(void)
{
	begin(TALK_CF);
	ok(strncmp(request(), "GET /connection/websocket HTTP/1.1\r\n", 36) == 0, "cf: its path");
	connect_cf();
	ok(strcmp(said(), "{\"id\":2,\"subscribe\":{\"channel\":\"ch0\"}}") == 0, "cf: subscribe");
	ok(refused("{\"id\":3,\"subscribe\":{}}") && refused("{\"id\":2,\"subscribe\":{}}") &&
	           refused(PUSH("1", "1")) && refused("{\"id\":2") && refused("[]") &&
	           refused("{}\n\n{}") && refused("{\"id\":2,\"error\":{\"code\":108}}"),
	   "cf: an answer, and a good one, is awaited");
	said();
	frame(SUBSCRIBED ",\"offset\":7}}");
	frame(PUSH("1", "8") "\n{}\n" PUSH("2", "9"));
	ok(clean() && t.received == 2 && lane.top == 2, "cf: it follows, several in a frame");
	ok(strcmp(said(), "{}") == 0, "cf: pong");
	ok(refused("{\"push\":{\"channel\":\"ch1\",\"pub\":" PUB("3", "10") "}}") &&
	           refused("{\"push\":{\"channel\":\"ch0\",\"unsubscribe\":{\"code\":2000}}}"),
	   "cf: pushes it doesn't wait for");
	talk_end(&k);
	lane.top = 4;
	connect_cf();
	ok(strcmp(said(), "{\"id\":2,\"subscribe\":{\"channel\":\"ch0\",\"recover\":true,"
	                  "\"epoch\":\"a\",\"offset\":9}}") == 0,
	   "cf: it comes back from where it was");
	ok(refused(SUBSCRIBED ",\"recovered\":true,\"offset\":10}}"),
	   "cf: an offset that passes over a message");
	frame(SUBSCRIBED ",\"recovered\":true,\"offset\":11,\"publications\":[" PUB(
		"3", "10") "," PUB("4", "11") "]}}");
	ok(clean() && t.recovered == 1 && t.n_gaps == 1 && k.f.at.offset == 11, "cf: recovered");
	frame("{\"push\":{\"channel\":\"ch0\",\"unsubscribe\":{\"code\":2500,\"reason\":\"x\"}}}");
	ok(strstr(said(), "{\"id\":3,\"subscribe\":") && t.resubscribed == 1,
	   "cf: told to subscribe anew");
	frame("{\"id\":3,\"error\":{\"code\":100,\"message\":\"x\",\"temporary\":true}}");
	talk_tick(&k, pair[0], &lane, &t, now + 1000);
	ok(strstr(said(), "{\"id\":4,\"subscribe\":"), "cf: not now, but later");
	frame("{\"id\":4,\"subscribe\":{\"recoverable\":true,\"epoch\":\"b\",\"offset\":21,"
	      "\"publications\":[" PUB("6", "21") "]}}");
	frame(PUSH("7", "22"));
	ok(clean() && t.announced == 1 && t.skipped == 1 && k.f.at.offset == 22,
	   "cf: a loss that is announced");
}

static void json(void)
{
	static const char *const bad[] = {"",        "{",       "{\"a\"}", "[1,]",     "{\"a\":1,}",
	                                  "\"\\x\"", "\"\\u12", "01",      "nul",      "1 2",
	                                  "-",       "1.",      "{a:1}",   "\"a\nb\"", "[1}"};
	static const char good[] =
		" { \"a\\\"\" : [1, -2.5e+3 ,{}] , \"b\":\"x\\u00e4\\n\" , \"c\":\t17 } ";
	struct json v, e = {NULL, 0}, list;
	char text[16];
	uint64_t n = 0;
	int i = 0;

	for (size_t j = 0; j < sizeof(bad) / sizeof(bad[0]); j++) {
		if (json_read(bad[j], strlen(bad[j]), &v) == 0)
			ok(false, bad[j]);
	}
	ok(json_read(good, strlen(good), &v) == 0, "json: an object");
	ok(json_string(v, "b", text, sizeof(text)) && strcmp(text, "x\xc3\xa4\n") == 0,
	   "json: a string");
	ok(json_number(v, "c", &n) && n == 17 && !json_number(v, "b", &n) && !json_get(v, "d", &e),
	   "json: a number, and none");
	ok(json_get(v, "a\\\"", &list), "json: names are compared as they are written");
	for (e.p = NULL; json_next(list, &e); i++)
		;
	ok(i == 3, "json: three elements");
}

int main(void)
{
	if (socketpair(AF_UNIX, SOCK_STREAM, 0, pair) != 0)
		return 1;
	id();
	judgement();
	cf();
	json();
	return tap_done();
}
