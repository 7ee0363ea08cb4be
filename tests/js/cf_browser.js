"use strict";
/*
 * cf_browser: Centrifugo's browser bundle, unmodified, in pages of headless Chromium. Knows nothing of
 * wscale.
 *
 *   node cf_browser.js CHROMIUM WS-URL CMD...   CMD makes the clients move
 *
 * Two pages share a channel with history and one without; messages flow while CMD runs. Prints what it
 * saw, a line each; exits 1 and says why when something isn't so.
 */
const { chromium } = require("playwright-core");
const { execFile } = require("node:child_process");
const path = require("node:path");

const [executablePath, url, ...cmd] = process.argv.slice(2);
const PATIENCE = 15000 * Number(process.env.WAIT_FACTOR || 1);
const bundle = process.env.NODE_PATH.split(":").map((p) => path.join(p, "centrifuge/dist/centrifuge.js"))[0];

/* By the clock: frames, by which Playwright would look, stop while Chromium's GPU process is starved. */
const until = (page, what, arg) => page.waitForFunction(what, arg, { polling: 50 }).catch(async (e) => {
	const saw = await page.evaluate(() => ({ client: c.state, kept: kept.state, free: free.state, moves: seen.moves,
		recovered: seen.recovered, messages: seen.offsets.length, last: seen.offsets.at(-1) }));
	throw new Error(`${e.message} waiting for ${what}; the page: ${JSON.stringify(saw)}`);
});

function need(ok, why) {
	if (!ok)
		throw new Error(why);
}

async function open(browser) {
	const page = await browser.newPage();
	page.setDefaultTimeout(PATIENCE);
	page.trouble = [];
	page.on("pageerror", (e) => page.trouble.push(`error in the page: ${e.message}`));
	await page.addScriptTag({ path: bundle });
	await page.evaluate((to) => {
		window.seen = { offsets: [], plain: [], moves: [], recovered: [] };
		window.c = new Centrifuge(to, { minReconnectDelay: 50, maxReconnectDelay: 500 });
		c.on("connecting", ({ code }) => seen.moves.push(code));
		window.kept = c.newSubscription("news:page");
		kept.on("publication", ({ offset, data }) => seen.offsets.push([offset, data.k]));
		kept.on("subscribed", (x) => seen.recovered.push(x.wasRecovering ? x.recovered : null));
		window.free = c.newSubscription("free");
		free.on("publication", ({ data }) => seen.plain.push(data));
		kept.subscribe();
		free.subscribe();
		c.connect();
	}, url);
	await until(page, () => kept.state === "subscribed" && free.state === "subscribed");
	return page;
}

const run = () => new Promise((done, fail) => execFile(cmd[0], cmd.slice(1),
	(e, out, err) => e ? fail(new Error(`${e.message}\n${out}${err}`)) : done()));

/* Each message until it was acknowledged. A drain leaves none in doubt: each is there once. */
const flow = (page, n) => page.evaluate(async (last) => {
	for (let k = 1; k <= last; k++)
		for (;;) {
			try {
				await c.ready();
				await kept.publish({ k });
				break;
			} catch {
				await new Promise((go) => setTimeout(go, 20));
			}
		}
}, n);

async function main(browser) {
	const A = await open(browser);
	const B = await open(browser);
	await A.evaluate(() => free.publish("hello from A \u{1F600}"));
	await until(B, () => seen.plain.includes("hello from A \u{1F600}"));
	await Promise.all([flow(A, 300), run()]);
	const top = await A.evaluate(async () => (await kept.history({ limit: 0 })).offset);
	for (const page of [A, B]) {
		await until(page, (t) => seen.offsets.length && seen.offsets.at(-1)[0] === t, top);
		const s = await page.evaluate(() => seen);
		need(s.offsets.every(([o], i) => o === i + 1), `not every message once and in order: ${JSON.stringify(s.offsets)}`);
		need(s.offsets.every(([, k], i) => k === i + 1), "a message is missing, or there twice");
		need(s.recovered.slice(1).every((r) => r === true), `not recovered: ${s.recovered}`);
		console.log(`moves ${s.moves.slice(1).join(" ")} messages ${s.offsets.length} recovered ${s.recovered.length - 1}`);
		need(page.trouble.length === 0, page.trouble.join("; "));
	}
}

(async () => {
	const browser = await chromium.launch({ executablePath, args: ["--no-sandbox", "--disable-dev-shm-usage", "--disable-gpu"] });
	try {
		await main(browser);
	} finally {
		await browser.close();
	}
})().catch((e) => {
	console.error(e.message);
	process.exitCode = 1;
});
