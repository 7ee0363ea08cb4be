/*
 * render_redis: the section by which HAProxy finds Redis's master among redis.servers and serves it
 * at redis.url's address. Pure, as all of render. It stands beside other people's defaults too, so
 * it says everything itself. Must not need a secret: haproxy.cfg is read by many.
 */
#include "../lib/buf.h"
#include "render_int.h"

static void check(struct buf *b, const struct config *cfg)
{
	buf_str(b, "\toption tcp-check\n"
	           "\ttcp-check connect\n");
	if (cfg->redis.password_file)
		buf_str(b, "\t# on every server: ACL SETUSER " RENDER_CHECK_USER
		           " on nopass -@all +role\n"
		           "\ttcp-check send AUTH\\ " RENDER_CHECK_USER "\\ nopass\\r\\n\n"
		           "\ttcp-check expect min-recv 3 string +OK on-error no\\ ACL\\ "
		           "user\\ " RENDER_CHECK_USER "\n");
	/*
	 * With its length and the array's: a replica names its master's host, whatever that is. By
	 * min-recv another answer fails at once, else only by timeout.
	 */
	buf_str(b, "\ttcp-check send ROLE\\r\\n\n"
	           "\ttcp-check expect min-recv 16 string *3\\r\\n$6\\r\\nmaster\\r\\n on-error "
	           "not\\ the\\ "
	           "master\n"
	           "\ttcp-check send QUIT\\r\\n\n"
	           "\ttcp-check expect string +OK\n");
}

void render_redis(struct buf *b, const struct config *cfg)
{
	const struct endpoint *url = &cfg->redis.url.at;

	if (!cfg->redis.n_servers)
		return;
	buf_printf(b, "\nlisten %s_redis\n\tmode tcp\n\tbind ", cfg->haproxy.backend);
	render_address(b, url);
	/* As on loopback, the password decides; who shall not even ask is kept out by a directory.
	 */
	if (url->is_unix)
		buf_str(b, " mode 666");
	buf_printf(b, "\n\tmaxconn %d\n", RENDER_REDIS_MAXCONN);
	/* Others' defaults may log nowhere, or in a format for HTTP, which is an error here. */
	if (cfg->haproxy.own == OWN_BACKEND)
		buf_str(b, "\tno log\n\tlog /dev/log local0\n");
	buf_str(b, "\toption tcplog\n"
	           "\toption dontlog-normal\n"
	           "\ttimeout connect 2s\n"
	           "\ttimeout queue 5s\n"
	           "\ttimeout check 2s\n"
	           "\t# a subscription may be silent for long; who has vanished is found by "
	           "keepalives\n"
	           "\ttimeout client 24h\n"
	           "\ttimeout server 24h\n"
	           "\ttimeout tunnel 24h\n"
	           "\ttimeout client-fin 10s\n"
	           "\ttimeout server-fin 10s\n"
	           "\toption tcpka\n"
	           "\tclitcpka-idle 15s\n"
	           "\tclitcpka-intvl 5s\n"
	           "\tclitcpka-cnt 3\n"
	           "\tsrvtcpka-idle 15s\n"
	           "\tsrvtcpka-intvl 5s\n"
	           "\tsrvtcpka-cnt 3\n"
	           "\tretries 3\n"
	           "\tbalance first\n"
	           "\t# two that say master, or not asked yet: which one is right isn't guessed\n"
	           "\ttcp-request connection reject if { nbsrv gt 1 }\n");
	check(b, cfg);
	buf_str(b, "\tdefault-server init-addr libc,none\n");
	for (size_t i = 0; i < cfg->redis.n_servers; i++) {
		buf_printf(b, "\tserver redis%zu ", i + 1);
		render_address(b, &cfg->redis.servers[i].at);
		buf_str(b, " check inter 1s fastinter 500ms downinter 500ms fall 2 rise 1"
		           " on-marked-down shutdown-sessions\n");
	}
}
