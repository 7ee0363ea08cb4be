"use strict";
/*
 * cf: Centrifugo's own client for JavaScript, unmodified, driven by lines; what it reports is a line
 * of JSON each. It knows nothing of wscale.
 *
 *   node cf.js URL [OPTIONS]      OPTIONS: JSON of `new Centrifuge`'s options; "clients": N of them;
 *                                 "tokens": what getToken returns, one after the other
 * stdin:
 *   connect | disconnect
 *   sub CHANNEL [OPTIONS]         {"since": {"offset": N, "epoch": "..."}} and others
 *   unsub CHANNEL | resub CHANNEL (unsubscribes and subscribes in one go)
 *   pub CHANNEL JSON              by the first client
 *   flow CHANNEL N MS             publishes 1..N, each when the one before was acknowledged and MS went
 *                                 by; what wasn't acknowledged is published again
 *   history CHANNEL OPTIONS
 *   presence CHANNEL | presence_stats CHANNEL | rpc METHOD JSON
 *   follow CHANNEL                from now on publications of the channel aren't printed but checked:
 *                                 each offset is one more than the last
 *   followed CHANNEL              prints what was seen of it, by client: the last offset, how many
 *                                 gaps and doubles, how many of flow's messages a second time
 * stdout: {"client": I, "on": EVENT, ...}; {"done": COMMAND, ...} or {"failed": COMMAND, "code": N}
 */
const { Centrifuge, UnauthorizedError } = require("centrifuge");
const readline = require("node:readline");

const [url, text = "{}"] = process.argv.slice(2);
const { clients: count = 1, tokens, ...options } = JSON.parse(text);
const clients = [];
const seen = new Map(); // CHANNEL: by client {offset, gaps, doubles, again, n}, NULL: not followed

function say(o) {
	console.log(JSON.stringify(o));
}

function follows(channel) {
	if (!seen.has(channel))
		seen.set(channel, clients.map(() => ({ offset: 0, gaps: 0, doubles: 0, again: 0, n: 0, keys: new Set() })));
	return seen.get(channel);
}

function publication(i, ctx) {
	const by = seen.get(ctx.channel);
	if (!by) {
		say({ client: i, on: "publication", channel: ctx.channel, data: ctx.data, offset: ctx.offset });
		return;
	}
	const s = by[i];
	s.n++;
	s.again += s.keys.has(ctx.data.k);
	s.keys.add(ctx.data.k);
	if (s.offset && ctx.offset <= s.offset)
		s.doubles++;
	else if (s.offset && ctx.offset !== s.offset + 1)
		s.gaps++;
	s.offset = Math.max(s.offset, ctx.offset);
}

for (let i = 0; i < count; i++) {
	const o = { minReconnectDelay: 50, maxReconnectDelay: 1000, ...options };
	// A browser's WebSocket is there by itself; Node has had one since 22.
	o.websocket = require("ws");
	if (tokens)
		o.getToken = async () => {
			if (!tokens.length)
				throw new UnauthorizedError("no more tokens");
			return tokens.shift();
		};
	const c = new Centrifuge(url, o);
	for (const on of ["connecting", "connected", "disconnected"])
		c.on(on, ({ code, reason, client }) => say({ client: i, on, code, reason, id: client }));
	c.on("error", ({ type, error }) => say({ client: i, on: "error", type, code: error.code }));
	clients.push(c);
}

function subscription(c, i, channel, options) {
	let s = c.getSubscription(channel);
	if (s)
		return s;
	s = c.newSubscription(channel, { minResubscribeDelay: 50, maxResubscribeDelay: 1000, ...options });
	s.on("subscribed", (x) => say({
		client: i, on: "subscribed", channel, recoverable: x.recoverable, wasRecovering: x.wasRecovering,
		recovered: x.recovered, position: x.streamPosition,
	}));
	s.on("subscribing", ({ code, reason }) => say({ client: i, on: "subscribing", channel, code, reason }));
	s.on("unsubscribed", ({ code, reason }) => say({ client: i, on: "unsubscribed", channel, code, reason }));
	s.on("error", ({ error }) => say({ client: i, on: "suberror", channel, code: error.code, temporary: error.temporary }));
	s.on("publication", (ctx) => publication(i, ctx));
	return s;
}

async function flow(channel, n, ms) {
	let again = 0;
	for (let k = 1; k <= n; k++) {
		for (;;) {
			try {
				await clients[0].ready();
				await clients[0].publish(channel, { k });
				break;
			} catch (e) {
				again++;
				await new Promise((go) => setTimeout(go, 20));
			}
		}
		if (ms)
			await new Promise((go) => setTimeout(go, ms));
	}
	return { n, again };
}

const commands = {
	connect: () => clients.forEach((c) => c.connect()),
	disconnect: () => clients.forEach((c) => c.disconnect()),
	sub: (channel, o) => clients.forEach((c, i) => subscription(c, i, channel, o && JSON.parse(o)).subscribe()),
	unsub: (channel) => clients.forEach((c) => c.getSubscription(channel).unsubscribe()),
	resub: (channel) => clients.forEach((c, i) => {
		const s = subscription(c, i, channel);
		s.subscribe();
		s.unsubscribe();
		s.subscribe();
	}),
	pub: (channel, data) => clients[0].publish(channel, JSON.parse(data)),
	flow: (channel, rest) => flow(channel, ...rest.split(" ").map(Number)),
	history: (channel, o) => clients[0].history(channel, JSON.parse(o)),
	presence: (channel) => clients[0].presence(channel),
	presence_stats: (channel) => clients[0].presenceStats(channel),
	rpc: (method, data) => clients[0].rpc(method, JSON.parse(data)),
	follow: (channel) => { follows(channel); },
	followed: (channel) => ({ seen: follows(channel).map(({ keys, ...s }) => s) }),
};

readline.createInterface({ input: process.stdin }).on("line", async (line) => {
	const [, name, first, rest] = line.match(/^(\S+)(?: (\S+))?(?: (.*))?$/);
	try {
		say({ done: name, of: first, ...await commands[name](first, rest) });
	} catch (e) {
		say({ failed: name, of: first, code: e.code, message: e.message });
	}
}).on("close", () => process.exit(0));
process.on("SIGTERM", () => process.exit(0));
