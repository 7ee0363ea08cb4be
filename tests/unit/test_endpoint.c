/* test_endpoint: an address is taken in one spelling, or the reason is told. */
#include <stdlib.h>

#include "../../lib/endpoint.h"
#include "tap.h"

/* want: the normalised text, or "!" and the reason. */
static void parse(const char *text, bool any, const char *want)
{
	struct endpoint e, before;
	const char *why = "";
	char name[400], out[ENDPOINT_STR + 1] = "!";
	memset(&e, 0x5a, sizeof e);
	before = e;
	snprintf(name, sizeof name, "%.100s%s -> %s", text, any ? " (any host)" : "", want);
	if (endpoint_parse(text, any, &e, &why) == 0)
		endpoint_str(&e, out);
	else
		snprintf(out, sizeof out, "!%s%s", why,
		         memcmp(&e, &before, sizeof e) ? " (touched)" : "");
	is(out, want, name);
}

static void url(const char *text, const char *want)
{
	struct redis_url u;
	const char *why = "";
	char name[400], out[ENDPOINT_STR + 1] = "!";
	snprintf(name, sizeof name, "%.100s -> %s", text, want);
	if (redis_url_parse(text, &u, &why) == 0)
		redis_url_str(&u, out);
	else
		snprintf(out, sizeof out, "!%s", why);
	is(out, want, name);
}

static bool equal(const char *a, const char *b)
{
	struct endpoint x, y;
	const char *why;
	return !endpoint_parse(a, true, &x, &why) && !endpoint_parse(b, true, &y, &why) &&
	       endpoint_equal(&x, &y);
}

int main(void)
{
	char path[300];
	parse("10.0.0.11:8081", false, "10.0.0.11:8081");
	parse("WS1.Example_net-2:1", false, "ws1.example_net-2:1");
	parse("[::1]:65535", false, "[::1]:65535");
	parse("[2001:DB8:0:0:0:0:0:1]:80", false, "[2001:db8::1]:80");
	parse("[::ffff:10.0.0.1]:80", false, "[::ffff:10.0.0.1]:80");
	parse(":80", true, ":80");
	parse(":80", false, "!has no host");
	parse("", true, "!is empty");
	parse("10.0.0.1", false, "!has no port");
	parse("10.0.0.1:", false, "!has no valid port");
	parse("10.0.0.1:0", false, "!has no valid port");
	parse("10.0.0.1:65536", false, "!has no valid port");
	parse("10.0.0.1:080", false, "!has no valid port");
	parse("10.0.0.1:80 ", false, "!has no valid port");
	parse("10.0.0.256:80", false, "!has no valid IPv4 address");
	parse("10.0.1:80", false, "!has no valid IPv4 address");
	parse("2130706433:80", false, "!has no valid IPv4 address");
	parse("::1:80", false, "!needs brackets around an IPv6 address");
	parse("fe80::1:80", false, "!needs brackets around an IPv6 address");
	parse("http://a:80", false, "!must be HOST:PORT, without a scheme");
	parse("here:80:81", false, "!has more behind HOST:PORT");
	parse("[::1:80", false, "!lacks a ]");
	parse("[::1]80", false, "!has no port");
	parse("[::1]", false, "!has no port");
	parse("[]:80", false, "!has no valid IPv6 address");
	parse("[10.0.0.1]:80", false, "!has no valid IPv6 address");
	parse("[fe80::1%eth0]:80", false, "!has no valid IPv6 address");
	parse("a b:80", false, "!has no valid host");
	parse("a\t:80", false, "!has no valid host");
	parse("*:80", true, "!has no valid host");
	parse("-a:80", false, "!has no valid host");
	parse("a..b:80", false, "!has no valid host");
	parse("unix:/run/wscale/ws3.sock", false, "unix:/run/wscale/ws3.sock");
	parse("unix:run/x", false, "!needs an absolute path");
	parse("uniX:44", false, "!needs an absolute path");
	parse("unix:", false, "!needs an absolute path");
	parse("unix:/run/", false, "!names a directory");
	parse("/run/x.sock", false, "!needs unix: before a path");
	parse("unix:/run/a b", false, "!has a byte that a socket path may not have here");
	parse("unix:/run/a\"b", false, "!has a byte that a socket path may not have here");
	parse("unix:/run/a,b", false, "!has a byte that a socket path may not have here");
	memset(path, 'a', sizeof path);
	memcpy(path, "unix:/", 6);
	path[5 + 107] = '\0';
	parse(path, false, path);
	path[5 + 107] = 'a';
	path[5 + 108] = '\0';
	parse(path, false, "!is too long for a Unix socket (107 bytes)");
	memset(path, 'a', sizeof path);
	memcpy(path + 254, ":80", 4);
	parse(path, false, "!has a host that is too long");

	ok(equal("A:1", "a:1"), "names are compared without case");
	ok(equal("[::1]:1", "[0:0::1]:1"), "IPv6 addresses are compared by value");
	ok(!equal("a:1", "a:2"), "another port is another address");
	ok(!equal("a:1", ":1"), "a host is not all addresses");
	ok(equal("unix:/a", "unix:/a") && !equal("unix:/a", "unix:/b"),
	   "sockets are compared by path");
	ok(!equal("unix:/a", "a:1"), "a socket is no host");

	url("redis://10.0.0.5:6379", "10.0.0.5:6379");
	url("redis://10.0.0.5", "10.0.0.5:6379");
	url("redis://h/", "h:6379");
	url("redis://h:7000/2", "h:7000/2");
	url("redis://[::1]/0", "[::1]:6379");
	url("redis://[::1]:7000/12", "[::1]:7000/12");
	url("unix:///run/redis/redis.sock", "unix:/run/redis/redis.sock");
	url("unix:/run/redis.sock", "!must begin with redis:// or unix://");
	url("unix://run/redis.sock", "!needs an absolute path");
	url("10.0.0.5:6379", "!must begin with redis:// or unix://");
	url("rediss://h", "!asks for TLS, which is not supported");
	url("redis://:secret@h",
	    "!holds a user or password: use redis.user and redis.password_file");
	url("redis://", "!has no host");
	url("redis://:6379", "!has no host");
	url("redis://h:", "!has no valid port");
	url("redis://h:x", "!has no valid port");
	url("redis://h/x", "!has no valid database number");
	url("redis://h/0/1", "!has no valid database number");
	url("redis://h/65536", "!has no valid database number");
	url("redis://[::1]x", "!has no valid port");
	url("REDIS://h", "!must begin with redis:// or unix://");
	return tap_done();
}
