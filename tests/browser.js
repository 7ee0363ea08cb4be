"use strict";
/*
 * browser: real pages in headless Chromium for browser.bats. Knows the chat page's element names and
 * nothing of the cluster's insides.
 *
 *   node browser.js CHROMIUM URL talk           two pages on different nodes talk to each other
 *   node browser.js CHROMIUM URL move CMD...    CMD and the name of page A's node make it move, while
 *                                               messages flow; so does a page on ?channel=plain
 *   node browser.js CHROMIUM URL reload         a page is reloaded while messages flow
 *   node browser.js CHROMIUM URL lost CMD...    CMD makes the server lose its history
 *   node browser.js CHROMIUM URL example FILE WSCTL... FILE's follow() is a client while WSCTL publishes,
 *                                               drains each node and takes it back
 *   node browser.js CHROMIUM URL shots DIR      a phone's and a desktop's picture
 * With WSCALE_SHOTS=DIR `move` leaves a picture too.
 *
 * Prints what it saw, a line each; exits 1 and says why when something doesn't come.
 */
const { chromium } = require("playwright-core");
const { execFile, spawn } = require("node:child_process");

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

/* A page on this node: those that landed elsewhere stay open, so that leastconn comes round to it. */
async function beside(browser, name, query) {
	for (let i = 0; i < 10; i++) {
		const P = await open(browser, {}, query);
		if (await node(P) === name)
			return P;
	}
	throw new Error(`ten pages, none on ${name}`);
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

const run = (cmd, ...more) => new Promise((done, fail) => execFile(cmd[0], [...cmd.slice(1), ...more],
	(e, out, err) => e ? fail(new Error(`${e.message}\n${out}${err}`)) : done(out)));

/* Page p publishes "n 1", "n 2", ... until the returned function is called, which returns the last. */
async function flow(p) {
	await p.evaluate(() => {
		globalThis.flowed = 0;
		globalThis.flowing = setInterval(() => ws.send(`n ${++flowed}`), 40);
	});
	return () => p.evaluate(() => (clearInterval(flowing), flowed));
}

/* Page p shows the numbers of a flow, each once, in order, up to the last (the page keeps 500 lines). */
async function complete(p, last) {
	await p.locator("#log li.say", { hasText: new RegExp(`n ${last}$`) }).waitFor();
	const texts = await p.locator("#log li.say").evaluateAll((all) => all.map((li) => li.lastChild.textContent));
	const n = texts.filter((t) => /^n \d+$/.test(t)).map((t) => Number(t.slice(2)));
	need(n.every((x, i) => x === last - n.length + 1 + i), `numbers up to ${last}: ${n}`);
	need(n[0] === 1 || n.length > 400, `the first of ${last} is ${n[0]}`);
}

async function move(browser) {
	const [A, B] = await two(browser);
	const from = await node(A);
	const P = await beside(browser, from, "?channel=plain");
	/* They come back after half a second: enough to miss something. */
	for (const p of [A, P])
		await p.evaluate(() => { Math.random = () => 0.5; });
	const stop = await flow(B);
	await run(rest, from);
	for (const p of [A, P]) {
		await p.waitForSelector(".note.moved");
		await p.waitForSelector("[data-state=open] #node .pill");
		need(await node(p) !== from, `still on ${from}`);
	}
	await say(A, "still here");
	await shows(B, "still here");
	await complete(A, await stop());
	/* The page counts while it catches up. */
	for (const p of [A, P])
		console.log(await p.textContent(".note.moved"));
	if (process.env.WSCALE_SHOTS)
		await A.screenshot({ path: `${process.env.WSCALE_SHOTS}/moved.png` });
	const late = await A.locator("li.late").count();
	need(await A.textContent("#late") === `${late}`, "caught up on others than are marked");
	need(await B.locator(".note.moved, .note.bad").count() === 0, "page B was disturbed");
	return [A, B, P];
}

async function reload(browser) {
	const [A, B] = await two(browser);
	await A.fill("#from", "Ada");
	await say(A, "before the reload");
	await shows(B, "before the reload");
	const stop = await flow(B);
	for (const n of [3, 6]) {
		await said(A, new RegExp(`n ${n}$`)).waitFor();
		await A.reload();
		await A.waitForSelector("[data-state=open] #node .pill");
	}
	await said(A, "before the reload").waitFor();
	await complete(A, await stop());
	console.log(await A.locator(".note").first().textContent());
	need(await A.locator("li.own", { hasText: "before the reload" }).count() === 1, "own message is strange");
	need(await A.inputValue("#from") === "Ada", "the name is gone");
	need(await A.locator(".note.bad").count() === 0, "a loss was announced");
	return [A, B];
}

async function lost(browser) {
	const [A, B] = await two(browser);
	await say(A, "before the loss");
	await shows(B, "before the loss");
	await run(rest);
	await say(B, "after the loss");
	for (const p of [A, B]) {
		await shows(p, "after the loss");
		console.log((await p.locator("#log li").allTextContents()).slice(-2).join(" | "));
		need(await said(p, "after the loss").count() === 1, "a message came twice");
		need(await p.locator(".note.bad", { hasText: "some messages are gone" }).count() === 1, "no word of the loss");
	}
	return [A, B];
}

async function example(browser) {
	const [file, ...wsctl] = rest, page = await open(browser);
	let sockets = 0, last = 0;
	page.on("websocket", (w) => { sockets += w.url().includes("/ws/example") ? 1 : 0; });
	await page.addScriptTag({ path: file });
	await page.evaluate((at) => {
		globalThis.got = [];
		globalThis.gone = 0;
		follow(at, (text) => got.push(text), () => gone++);
	}, url.replace("http", "ws") + "ws/example");
	const pub = spawn(wsctl[0], [...wsctl.slice(1), "publish", "example", "-"], { stdio: ["pipe", "ignore", "inherit"] });
	const ended = new Promise((done) => pub.on("exit", done));
	const flowing = setInterval(() => pub.stdin.write(`n ${++last}\n`), 40);
	try {
		await page.waitForFunction(() => got.includes("n 1"), null, { polling: 50 });
		for (const n of ["ws1", "ws2", "ws3"]) {
			await run([...wsctl, "drain", n]);
			await run([...wsctl, "ready", n]);
		}
	} finally {
		clearInterval(flowing);
		pub.stdin.end();
	}
	need(await ended === 0, "publish failed");
	await page.waitForFunction((n) => got.includes(`n ${n}`), last, { polling: 50 });
	const got = await page.evaluate(() => globalThis.got), want = Array.from({ length: last }, (_, i) => `n ${i + 1}`);
	need(got.join() === want.join(), `up to ${last}: ${got}`);
	need(await page.evaluate(() => gone) === 0, "a loss was announced");
	console.log(`${last} messages over ${sockets} connections`);
	need(sockets > 1, "it was never moved");
	return [];
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
	const browser = await chromium.launch({ executablePath, args: ["--no-sandbox", "--disable-dev-shm-usage", "--disable-gpu"] });
	try {
		const pages = await { talk, move, reload, lost, example, shots }[what](browser);
		for (const p of pages)
			need(p.trouble.length === 0, p.trouble.join("; "));
	} finally {
		await browser.close();
	}
})().catch((e) => {
	console.error(e.message);
	process.exitCode = 1;
});
