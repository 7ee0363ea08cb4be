/*
 * test_fill_reply: what the scripts return is taken as it stands, and nothing else is: a reply in
 * which any one thing is wrong is refused as a whole.
 */
#include <hiredis/hiredis.h>
#include <stdlib.h>

#include "../../node/fill_reply.h"
#include "../../node/ring.h"
#include "tap.h"

/* A reply as Redis sends it, with blanks for CR LF: "*2 $1 a :1 ". NULL: malformed. */
static redisReply *reply(const char *text)
{
	redisReader *reader = redisReaderCreate();
	void *r = NULL;

	for (const char *p = text; *p; p++)
		redisReaderFeed(reader, *p == ' ' ? "\r\n" : p, *p == ' ' ? 2 : 1);
	if (redisReaderGetReply(reader, &r) != REDIS_OK)
		r = NULL;
	redisReaderFree(reader);
	return r;
}

static bool page_of(const char *text, struct page *page, redisReply **r)
{
	*r = reply(text);
	return *r && fill_reply_page(*r, page) == 0;
}

static void refused(const char *text, const char *name)
{
	struct page page;
	redisReply *r;
	bool taken = page_of(text, &page, &r);

	ok(r && !taken, name);
	if (taken)
		fill_reply_free(&page);
	freeReplyObject(r);
}

#define ENTRY(id, kind, payload) "*2 " id "*2 " kind payload
#define HEAD "*6 $2 a1 $1 9 $3 900 $1 5 "
#define ONE ENTRY("$5 8-800 ", "$1 t ", "$5 hello ")
#define TWO ENTRY("$5 9-900 ", "$1 b ", "$0  ")

static void pages(void)
{
	struct page page;
	redisReply *r;

	ok(page_of(HEAD "*2 " ONE TWO "$0  ", &page, &r), "a page");
	ok(page.epoch == 361 && page.top == 9 && page.top_micros == 900 && page.base == 5 &&
	           page.n == 2 && !page.former[0].epoch,
	   "where it stands");
	ok(page.entries[0].at.offset == 8 && page.entries[0].micros == 800 &&
	           page.entries[0].kind == KIND_TEXT && page.entries[0].len == 5 &&
	           memcmp(page.entries[0].p, "hello", 5) == 0,
	   "a text");
	ok(page.entries[1].at.offset == 9 && page.entries[1].kind == KIND_BINARY &&
	           page.entries[1].len == 0,
	   "an empty binary message");
	fill_reply_free(&page);
	freeReplyObject(r);
	ok(page_of(HEAD "*2 " ENTRY("$5 8-800 ", "$1 t ", "$1 \xff ")
	                   ENTRY("$5 9-900 ", "$1 p ", "$0  ") "$0  ",
	           &page, &r),
	   "kinds");
	ok(page.entries[0].kind == KIND_BINARY, "what says text and isn't is binary");
	ok(page.entries[1].kind == KIND_PURGE, "a purge");
	fill_reply_free(&page);
	freeReplyObject(r);
	ok(page_of("*6 $2 a1 $1 0 $1 0 $1 0 *0 $0  ", &page, &r) && page.n == 0 && page.top == 0,
	   "an empty history");
	fill_reply_free(&page);
	freeReplyObject(r);
}

static redisReply string(const char *s)
{
	return (redisReply){
		.type = REDIS_REPLY_STRING, .str = (char *)(uintptr_t)s, .len = strlen(s)};
}

/* 0, or -1 when that list of former epochs is refused. */
static int former(const char *text, struct page *page)
{
	redisReply v[6] = {
		string("a1"), string("9"), string("900"), string("5"), {.type = REDIS_REPLY_ARRAY},
		string(text)};
	redisReply *p[6] = {&v[0], &v[1], &v[2], &v[3], &v[4], &v[5]};
	redisReply all = {.type = REDIS_REPLY_ARRAY, .elements = 6, .element = p};

	if (fill_reply_page(&all, page))
		return -1;
	fill_reply_free(page);
	return 0;
}

static void formers(void)
{
	struct page page;

	ok(former("a0:7 9z:5! z:0 ", &page) == 0 && page.former[0].epoch == 360 &&
	           page.former[0].end == 7 && !page.former[0].lossy &&
	           page.former[1].epoch == 359 && page.former[1].end == 5 && page.former[1].lossy &&
	           page.former[2].epoch == 35 && page.former[2].end == 0 && !page.former[3].epoch,
	   "epochs before, and after which more was lost");
	ok(former("9:1 8:1 7:1 6:1 5:1 4:1 3:1 2:1 1:1 1x", &page) == 0 &&
	           page.former[RING_FORMER - 1].epoch == 2,
	   "as many as a ring keeps");
	ok(former("a0:10 ", &page), "not beyond the top");
	ok(former("a0 ", &page) && former(":7 ", &page) && former("a0: ", &page) &&
	           former("A0:7 ", &page) && former("a0:07 ", &page) && former("a0:7!! ", &page) &&
	           former(" ", &page) && former("a0:7", &page) && former("! ", &page),
	   "nothing that isn't EPOCH:OFFSET");
	ok(former("a00000000000000000000000000000000000000000000000000000000000000000000000000:1 ",
	          &page),
	   "nothing long");
}

static void malformed(void)
{
	refused("$5 hello ", "no array");
	refused("*5 $2 a1 $1 9 $3 900 $1 5 *0 ", "five parts");
	refused("*6 $-1 $1 9 $3 900 $1 5 *0 $0  ", "no epoch");
	refused("*6 $0  $1 9 $3 900 $1 5 *0 $0  ", "an empty one");
	refused("*6 $2 A1 $1 9 $3 900 $1 5 *0 $0  ", "one that is none");
	refused("*6 $2 a1 :9 $3 900 $1 5 *0 $0  ", "a number instead of its text");
	refused("*6 $2 a1 $2 -9 $3 900 $1 5 *0 $0  ", "a sign");
	refused("*6 $2 a1 $1 9 $3 1e3 $1 5 *0 $0  ", "a fraction");
	refused("*6 $2 a1 $1 9 $3 900 $2 10 *0 $0  ", "a base above the top");
	refused("*6 $2 a1 $1 9 $3 900 $1 5 $-1 $0  ", "no entries");
	refused(HEAD "*0 *0 ", "an array at the end");
	refused(HEAD "*2 " TWO ONE "$0  ", "descending entries");
	refused(HEAD "*2 " ONE ONE "$0  ", "one twice");
	refused(HEAD "*1 " ENTRY("$8 10-10000 ", "$1 t ", "$1 x ") "$0  ", "another length");
	refused(HEAD "*1 " ENTRY("$7 10-1000 ", "$1 t ", "$1 x ") "$0  ", "one above the top");
	refused(HEAD "*1 " ENTRY("$5 0-800 ", "$1 t ", "$1 x ") "$0  ", "offset 0");
	refused(HEAD "*1 " ENTRY("$4 8800 ", "$1 t ", "$1 x ") "$0  ", "no dash");
	refused(HEAD "*1 " ENTRY("$5 8-8-0 ", "$1 t ", "$1 x ") "$0  ", "two of them");
	refused(HEAD "*1 " ENTRY("$5 8-800 ", "$1 x ", "$1 x ") "$0  ", "an unknown kind");
	refused(HEAD "*1 " ENTRY("$5 8-800 ", "$2 tt ", "$1 x ") "$0  ", "two letters");
	refused(HEAD "*1 " ENTRY("$5 8-800 ", "$1 t ", ":1 ") "$0  ", "a payload that is a number");
	refused(HEAD "*1 *2 $5 8-800 *4 $1 t $1 x $1 b $1 y $0  ", "two fields");
	refused(HEAD "*1 *3 $5 8-800 *2 $1 t $1 x $1 y $0  ", "three parts of an entry");
	refused(HEAD "*1 $5 8-800 $0  ", "an entry that is none");
}

static bool top_is(const char *text, uint64_t epoch, uint64_t offset, uint64_t micros)
{
	struct position top;
	uint64_t at = 0;
	redisReply *r = reply(text);
	bool good = r && fill_reply_top(r, &top, &at) == 0 && top.epoch == epoch &&
	            top.offset == offset && at == micros;

	freeReplyObject(r);
	return good;
}

static void tops(void)
{
	ok(top_is("*3 $2 a1 $1 9 $3 900 ", 361, 9, 900), "a top");
	ok(top_is("*3 $0  $1 0 $1 0 ", 0, 0, 0), "none");
	ok(!top_is("*2 $2 a1 $1 9 ", 361, 9, 0) && !top_is("*3 $2 a1 $1 x $3 900 ", 361, 9, 900) &&
	           !top_is("*3 $2 a1 $1 9 :900 ", 361, 9, 900) &&
	           !top_is("*3 $2 -1 $1 9 $3 900 ", 361, 9, 900) && !top_is("+OK ", 0, 0, 0),
	   "nothing else");
}

int main(void)
{
	pages();
	formers();
	malformed();
	tops();
	return tap_done();
}
