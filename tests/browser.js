"use strict";
/*
 * browser: real pages in headless Chromium for browser.bats. Knows the chat page's element names and
 * nothing of the cluster's insides.
 *
 *   node browser.js CHROMIUM URL talk           two pages on different nodes talk to each other
 *   node browser.js CHROMIUM URL move CMD...    CMD and the name of page A's node make it move
 *   node browser.js CHROMIUM URL shots DIR      a phone's and a desktop's picture
 * With WSCALE_SHOTS=DIR `move` leaves a picture too.
 *
 * Prints what it saw, a line each; exits 1 and says why when something doesn't come.
 */
const { chromium } = require("playwright-core");
const { execFile } = require("node:child_process");

const [executablePath, url, what, ...rest] = process.argv.slice(2);
const PATIENCE = 15000 * Number(process.env.WAIT_FACTOR || 1);

function need(ok, why) {
	if (!ok)
		throw new Error(why);
}

async function open(browser, options = {}, query = "") {
	const context = await browser.newContext(options);
	const page = await context.newPage();
	page.setDefaultTimeout(PATIENCE);
	page.trouble = [];
	page.on("pageerror", (e) => page.trouble.push(`error in the page: ${e.message}`));
	page.on("request", (r) => {
		if (!r.url().startsWith(url) && !r.url().startsWith("data:"))
			page.trouble.push(`asked for ${r.url()}`);
	});
	await page.goto(url + query);
	await page.waitForSelector("[data-state=open] #node .pill");
	return page;
}

const node = (page) => page.textContent("#node");
const said = (page, text) => page.locator("#log li.say", { hasText: text });
const shows = (page, text) => said(page, text).last().waitFor();

async function say(page, text) {
	await page.fill("#text", text);
	await page.press("#text", "Enter");
}

/* leastconn gives the second page another node; with checks under way it may take a try or two. */
async function two(browser, a = {}, b = {}) {
	const A = await open(browser, a);
	for (let i = 0; i < 10; i++) {
		const B = await open(browser, b);
		if (await node(A) !== await node(B))
			return [A, B];
		await B.close();
	}
	throw new Error("ten pages, all on the same node");
}

async function talk(browser) {
	const [A, B] = await two(browser);
	console.log(`nodes ${await node(A)} ${await node(B)}`);
	await say(A, "from A to B");
	await shows(B, "from A to B");
	await say(B, "from B to A");
	await shows(A, "from B to A");
	const nasty = "<img src=x onerror=\"document.title='owned'\"><b>bold</b>";
	await say(A, nasty);
	await shows(B, nasty);
	need(await B.locator("#log img, #log b").count() === 0, "a message became markup");
	await A.evaluate(() => ws.send("plain text"));
	await shows(B, "plain text");
	await shows(A, "plain text");
	const counts = (p) => p.textContent("#counts");
	console.log(`A ${await counts(A)}`, `\nB ${await counts(B)}`);
	const N = await open(browser, {}, "?channel=news");
	await say(N, "only for news");
	await shows(N, "only for news");
	await say(A, "after the news");
	await shows(B, "after the news");
	need(await said(B, "only for news").count() === 0, "a message crossed channels");
	return [A, B, N];
}

async function move(browser) {
	const [A, B] = await two(browser);
	const from = await node(A);
	await new Promise((done, fail) => execFile(rest[0], [...rest.slice(1), from],
		(e, out, err) => e ? fail(new Error(`${e.message}\n${out}${err}`)) : done()));
	await A.waitForSelector(".note.moved");
	await A.waitForSelector("[data-state=open] #node .pill");
	const to = await node(A);
	console.log(await A.textContent(".note.moved"));
	need(to !== from, `still on ${from}`);
	await say(A, "still here");
	await shows(B, "still here");
	need(await B.locator(".note.moved, .note.bad").count() === 0, "page B was disturbed");
	if (process.env.WSCALE_SHOTS)
		await A.screenshot({ path: `${process.env.WSCALE_SHOTS}/moved.png` });
	return [A, B];
}

async function shots(browser) {
	const phone = { viewport: { width: 390, height: 780 }, deviceScaleFactor: 2, isMobile: true, hasTouch: true };
	const [A, B] = await two(browser, { ...phone, colorScheme: "light" },
		{ viewport: { width: 1200, height: 800 }, colorScheme: "dark" });
	await A.fill("#from", "Ada");
	await B.fill("#from", "Grace");
	await say(A, "Hello from the phone");
	await shows(B, "Hello from the phone");
	await say(B, "And hello from a desktop, with a line that is long enough to wrap on the small screen.");
	await shows(A, "And hello");
	await say(A, "Good to see you");
	await shows(B, "Good to see you");
	for (const p of [A, B]) {
		const wide = await p.evaluate(() => document.documentElement.scrollWidth - innerWidth);
		need(wide <= 0, `${wide} pixels too wide`);
	}
	await A.screenshot({ path: `${rest[0]}/phone.png` });
	await B.screenshot({ path: `${rest[0]}/desktop.png` });
	return [A, B];
}

(async () => {
	const browser = await chromium.launch({ executablePath, args: ["--no-sandbox", "--disable-dev-shm-usage"] });
	try {
		const pages = await { talk, move, shots }[what](browser);
		for (const p of pages)
			need(p.trouble.length === 0, p.trouble.join("; "));
	} finally {
		await browser.close();
	}
})().catch((e) => {
	console.error(e.message);
	process.exitCode = 1;
});
